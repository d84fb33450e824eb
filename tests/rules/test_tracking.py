from decimal import Decimal

import pytest

from rules.tracking import looks_empty
from tests.builders import a_position, a_snapshot

TRACKED = {"BTC/USD": Decimal(900), "ETH/USD": Decimal(100)}


def test_nothing_held_while_positions_are_tracked_looks_empty() -> None:  # case B7
    assert looks_empty(TRACKED, Decimal(50), a_snapshot(cash=50))


@pytest.mark.parametrize(("cash", "empty"), [(549, True), (550, False), (1050, False)])
def test_cash_that_rose_by_half_of_what_was_tracked_explains_an_empty_account(cash: int, empty: bool) -> None:
    assert looks_empty(TRACKED, Decimal(50), a_snapshot(cash=cash)) is empty


def test_one_holding_left_is_not_an_empty_read() -> None:
    assert not looks_empty(TRACKED, Decimal(50), a_snapshot(a_position("SOL/USD", None), cash=50))


def test_an_account_without_tracked_holdings_may_be_empty() -> None:
    assert not looks_empty({}, None, a_snapshot(cash=0))


@pytest.mark.parametrize(("tracked", "cash"), [({"AUT/USD": None}, Decimal(0)), (TRACKED, None)])
def test_where_no_value_or_no_cash_is_known_nothing_explains_an_empty_read(
    tracked: dict[str, Decimal | None], cash: Decimal | None
) -> None:
    assert looks_empty(tracked, cash, a_snapshot(cash=5000))
