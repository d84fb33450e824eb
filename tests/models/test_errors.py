"""Errors cross process borders, and say which of them a caller may act on."""

import pickle
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import get_type_hints

import pytest

from models import errors
from models.errors import ConfigError, ContractBroken, EquityMismatched, NijaError, StoreError, VenueRefused
from tests.builders import NOW

# One value of each type that an error carries.
VALUES: dict[object, object] = {
    str: "a word",
    int: 12,
    int | None: 12,
    Decimal: Decimal("100.126"),
    datetime: NOW,
    tuple[str, ...]: ("BTC/USD: not_finite", "ETH/USD: duplicate"),
}


def classes(root: type[NijaError] = NijaError) -> Iterator[type[NijaError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


@pytest.mark.parametrize("kind", list(classes()))
def test_every_error_survives_pickling_with_all_it_knows(kind: type[NijaError]) -> None:
    error = kind(*(VALUES[hint] for name, hint in get_type_hints(kind.__init__).items() if name != "return"))

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(again) is kind
    assert (str(again), again.code, vars(again)) == (str(error), error.code, vars(error))


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = [line.strip("├└│─ ").split()[0] for line in (errors.__doc__ or "").splitlines()[2:] if line.strip()]

    assert sorted(drawn) == sorted(kind.__name__ for kind in classes())


def test_an_error_says_where_and_what_is_allowed() -> None:
    assert str(ConfigError("here", "is wrong", "right")) == "here: is wrong (allowed: right)"
    assert str(ConfigError("here", "is wrong")) == "here: is wrong"


def test_a_breach_names_every_row() -> None:
    error = ContractBroken("alice", "positions", ("BTC/USD: not_finite", "ETH/USD: duplicate"))

    assert "BTC/USD: not_finite; ETH/USD: duplicate" in str(error)


def test_an_equity_mismatch_shows_both_sums() -> None:
    error = EquityMismatched("alice", Decimal("100.126"), Decimal(200))

    assert "computed 100.13; reported 200.00" in str(error)


def test_the_code_of_a_store_or_venue_error_is_the_fault_s_own() -> None:
    assert StoreError("STORE_LOCKED", "x", "y").code == "STORE_LOCKED"
    assert VenueRefused("BAD_SYMBOL", "kraken", "place", "x").code == "BAD_SYMBOL"
