"""A rebalance sells what is too much before it buys what is missing, and never on money that is not there."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.position import Position, Snapshot
from models.reasons import ActionKind, Reason
from rules.plan import positions_read
from rules.rebalance_plan import Rebalanced, RebalanceFacts, make_rebalance_plan, without_blocked
from tests.builders import (
    NOW,
    a_mark,
    a_market,
    a_policy,
    a_position,
    a_price,
    a_snapshot,
    an_open_order,
    positions_worth,
)

FEE = "0.002"


def facts_of(snapshot: Snapshot, weights: Mapping[str, str], **more: Any) -> RebalanceFacts:
    """Every market at a price of 10 where it is not held, with a fee that is known."""
    markets = {s: a_market(s, taker_fee_fraction=FEE) for s in weights} | dict(snapshot.markets)
    prices = {s: a_price(10) for s in weights} | {p.symbol: p.price for p in snapshot.positions if p.price}
    return RebalanceFacts({s: Decimal(w) for s, w in weights.items()}, markets, prices, **more)


def planned(snapshot: Snapshot, weights: Mapping[str, str], **more: Any) -> Rebalanced:
    found = make_rebalance_plan(snapshot, a_policy(), facts_of(snapshot, weights, **more), now=NOW)
    assert positions_read(found.plan) == len(snapshot.positions)
    return found


def orders_of(found: Rebalanced) -> dict[str, tuple[str, Decimal]]:
    return {a.symbol: (a.side, a.value) for a in found.plan.actions}


def reasons_of(found: Rebalanced) -> dict[str, Reason]:
    return {change.symbol: change.reason for change in found.changes}


def test_sales_go_first_and_buys_wait_for_what_they_bring() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 800, "SOL": 55}), cash=200)

    found = planned(snapshot, {"BTC/USD": "0.4", "ETH/USD": "0.4"})

    assert found.managed == 1000  # SOL belongs to no strategy
    assert orders_of(found) == {"BTC/USD": ("sell", Decimal(400))}
    assert reasons_of(found) == {"BTC/USD": Reason.ABOVE_TARGET_WEIGHT, "ETH/USD": Reason.WAITS_FOR_SALES}
    assert [change.amount for change in found.changes] == [-400, 400]
    assert found.plan.kept == ("SOL/USD",)


def test_without_a_sale_it_buys_up_to_the_weight_with_free_cash_and_its_costs() -> None:
    rich = planned(a_snapshot(*positions_worth({"BTC": 400}), cash=600), {"BTC/USD": "0.4", "ETH/USD": "0.4"})
    poor = planned(
        a_snapshot(*positions_worth({"BTC": 400}), cash=600, cash_free=100), {"BTC/USD": "0.4", "ETH/USD": "0.4"}
    )

    assert orders_of(rich) == {"ETH/USD": ("buy", Decimal(400))}
    assert (rich.plan.entered, rich.plan.kept) == (("ETH/USD",), ("BTC/USD",))
    (side, spent) = orders_of(poor)["ETH/USD"]
    assert side == "buy"
    assert Decimal("98.5") < spent <= 100 / (1 + Decimal(FEE) + Decimal("0.01"))


def test_what_is_off_by_less_than_the_threshold_is_left_as_it_is() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 410, "ETH": 390}), cash=200)

    found = planned(snapshot, {"BTC/USD": "0.4", "ETH/USD": "0.4"})

    assert found.plan.actions == ()
    assert set(reasons_of(found).values()) == {Reason.WITHIN_THRESHOLD}


def test_a_holding_without_a_price_stops_the_whole() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 800, "ETH": None}), cash=200)

    found = planned(snapshot, {"BTC/USD": "0.4", "ETH/USD": "0.4"})

    assert (found.managed, found.plan.actions) == (None, ())
    assert set(reasons_of(found).values()) == {Reason.UNVALUED}


def test_what_could_never_be_sold_afterwards_goes_whole() -> None:
    snapshot = a_snapshot(
        a_position("BTC/USD", 30),
        cash=70,
        markets=[a_market("BTC/USD", minimum_notional=25, taker_fee_fraction=FEE)],
    )

    assert orders_of(planned(snapshot, {"BTC/USD": "0.05"})) == {"BTC/USD": ("sell", Decimal(30))}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"pending": {"BTC/USD"}}, Reason.ORDER_PENDING),
        ({"refused": {"BTC/USD": "no"}}, Reason.REFUSED_BEFORE),
        ({"marks": {"BTC/USD": a_mark("BTC/USD", reason=Reason.BLACKLISTED)}}, Reason.BLACKLISTED),
    ],
)
def test_what_may_not_be_touched_is_named(more: dict[str, Any], reason: Reason) -> None:
    found = planned(a_snapshot(*positions_worth({"BTC": 800}), cash=200), {"BTC/USD": "0.4"}, **more)

    assert found.plan.actions == ()
    assert reasons_of(found) == {"BTC/USD": reason}
    assert [skip.reason for skip in found.plan.skips] == [reason]


def test_a_buy_is_not_planned_where_it_makes_no_sense() -> None:
    cash = a_snapshot(cash=100)
    resting = replace(cash, open_orders=(an_open_order("ETH/USD", side="buy"),))

    assert reasons_of(planned(cash, {"ETH/USD": "0.4"}, buys_by_quantity=False)) == {"ETH/USD": Reason.NO_MARKET_BUYS}
    assert reasons_of(planned(cash, {"ETH/USD": "0.05"})) == {"ETH/USD": Reason.BELOW_MINIMUM_POSITION}
    assert reasons_of(planned(resting, {"ETH/USD": "0.4"})) == {"ETH/USD": Reason.ORDER_PENDING}
    assert reasons_of(planned(replace(cash, cash_free=Decimal(0)), {"ETH/USD": "0.4"})) == {
        "ETH/USD": Reason.CASH_SPENT
    }


def test_a_buy_that_the_entry_check_blocks_is_taken_out_and_says_why() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 10}), cash=990)
    found = planned(snapshot, {"BTC/USD": "0.4", "ETH/USD": "0.4"})

    left = without_blocked(found, {"BTC/USD": ["halted"], "ETH/USD": ["cap_reached", "halted"]}, snapshot)

    assert left.plan.actions == ()
    assert [(s.symbol, s.detail) for s in left.plan.skips] == [("BTC/USD", "halted")]
    assert [c.detail for c in left.changes] == ["halted", "cap_reached, halted"]
    assert positions_read(left.plan) == 1


@given(
    st.lists(st.decimals("0.01", 5000, places=2), min_size=1, max_size=5),
    st.lists(st.integers(5, 40), min_size=5, max_size=5),
    st.decimals(0, 5000, places=2),
)
def test_no_plan_sells_more_than_is_free_or_spends_more_than_there_is(
    values: list[Decimal], weights: list[int], cash: Decimal
) -> None:
    positions: tuple[Position, ...] = positions_worth({f"C{n}": value for n, value in enumerate(values[:3])})
    snapshot = a_snapshot(*positions, cash=cash)
    shares = {f"C{n}/USD": str(Decimal(w) / sum(weights)) for n, w in enumerate(weights)}

    found = planned(snapshot, shares)

    held = {p.symbol: p.holding.free for p in positions}
    sold = [a for a in found.plan.actions if a.kind is ActionKind.REBALANCE_SELL]
    bought = [a for a in found.plan.actions if a.kind is ActionKind.REBALANCE_BUY]
    assert all(a.quantity <= held[a.symbol] for a in sold)
    assert sum(a.value for a in bought) * (1 + Decimal(FEE)) <= cash
    assert not (sold and bought)
    assert all(
        (change.amount > 0) == (change.symbol in {a.symbol for a in bought})
        for change in found.changes
        if change.is_planned
    )
