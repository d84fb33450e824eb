from decimal import Decimal

import pytest

from rules.cap import Place, excess, ranking, slots_taken
from tests.builders import a_mark, a_policy, a_position, a_snapshot


@pytest.mark.parametrize(("count", "over"), [(7, 0), (8, 0), (10, 2)])
def test_only_what_is_beyond_the_cap_is_over_it(count: int, over: int) -> None:  # case B4
    assert excess(count, 8) == over


def test_the_cap_holds_over_both_venues_of_one_owner() -> None:  # case B4
    kraken = a_snapshot(*(a_position(f"K{i}/USD") for i in range(5)))
    binance = a_snapshot(*(a_position(f"B{i}/USD") for i in range(4)))

    assert excess(sum(len(slots_taken(s, a_policy())) for s in (kraken, binance)), 8) == 1


def test_the_largest_come_first_and_equals_by_symbol_then_account() -> None:
    places = [Place("b", "ETH/USD", Decimal(5)), Place("a", "SOL/USD", Decimal(9)), Place("a", "ETH/USD", Decimal(5))]
    places.append(Place("b", "ADA/USD", Decimal(5)))

    assert [(p.symbol, p.account) for p in ranking(places)] == [
        ("SOL/USD", "a"),
        ("ADA/USD", "b"),
        ("ETH/USD", "a"),
        ("ETH/USD", "b"),
    ]


def test_everything_but_dust_takes_a_slot() -> None:
    snapshot = a_snapshot(
        a_position("AUT/USD", None),
        a_position("BTC/USD", 900),
        a_position("DOGE/USD", "1.10"),
        a_position("PEPE/USD", "0.10"),
        a_position("SHIB/USD", "0.20"),
    )

    taken = slots_taken(snapshot, a_policy(), marks={"DOGE/USD": a_mark("DOGE/USD")}, pending={"SHIB/USD"})

    assert taken == ("AUT/USD", "BTC/USD", "SHIB/USD")
