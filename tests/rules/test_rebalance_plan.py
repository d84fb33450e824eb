"""A rebalance sells what is too much before it buys what is missing, and never on money that is not there."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.plan import Plan
from models.position import Position, Snapshot
from models.reasons import ActionKind, Reason
from rules.plan import positions_read
from rules.rebalance_plan import Rebalanced, RebalanceFacts, make_rebalance_plan, without_blocked
from tests.builders import (
    NOW,
    a_holding,
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


def test_what_is_bought_is_never_so_little_that_normalising_would_close_it_again() -> None:
    little = a_snapshot(*positions_worth({"BTC": 400}), cash=600, cash_free="7.60")
    weights = {"BTC/USD": "0.4", "ETH/USD": "0.4"}

    assert reasons_of(planned(little, weights))["ETH/USD"] is Reason.CASH_SPENT
    assert orders_of(planned(replace(little, cash_free=Decimal(8)), weights)).keys() == {"ETH/USD"}
    assert reasons_of(planned(a_snapshot(cash="18.80"), {"ETH/USD": "0.4"})) == {
        "ETH/USD": Reason.BELOW_MINIMUM_POSITION  # its fee alone would bring it below
    }


@pytest.mark.parametrize(("bid", "ask", "is_left"), [("9.91", "10.09", False), ("9.8", "10.2", True)])
def test_a_last_price_that_nobody_trades_at_is_none_to_trade_by(bid: str, ask: str, is_left: bool) -> None:
    price = replace(a_price(10), bid=Decimal(bid), ask=Decimal(ask))
    sold = a_snapshot(Position("BTC/USD", a_holding("BTC", 80), price), cash=200)
    facts = replace(facts_of(a_snapshot(cash=1000), {"ETH/USD": "0.4"}), prices={"ETH/USD": price})

    bought = make_rebalance_plan(a_snapshot(cash=1000), a_policy(), facts, now=NOW)

    for found in (bought, planned(sold, {"BTC/USD": "0.4"})):
        assert (found.plan.actions == ()) is is_left
        assert (Reason.SPREAD_TOO_WIDE in reasons_of(found).values()) is is_left


def test_who_approves_sales_approves_what_is_bought_with_them() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 1000}), cash=0)
    seen = planned(snapshot, {"BTC/USD": "0.4", "ETH/USD": "0.4", "SOL/USD": "0.2"}).plan
    dearer = planned(a_snapshot(*positions_worth({"BTC": 1100}), cash=0), dict(seen_weights(seen))).plan
    other = planned(snapshot, {"BTC/USD": "0.4", "ETH/USD": "0.2", "SOL/USD": "0.4"}).plan

    assert [a.symbol for a in seen.actions] == [a.symbol for a in other.actions] == ["BTC/USD"]
    assert dearer.content_hash == seen.content_hash != other.content_hash


def seen_weights(plan: Plan) -> Mapping[str, str]:
    return {symbol: str(weight) for symbol, weight in plan.weights}


@given(
    values=st.lists(st.decimals(0, 300, places=2), min_size=3, max_size=3),
    weights=st.lists(st.integers(5, 40), min_size=3, max_size=3),
    cash=st.decimals(0, 500, places=2),
    prices=st.lists(st.sampled_from(["0.03", "1", "37.5", "400"]), min_size=3, max_size=3),
    lot_step=st.sampled_from(["0.00000001", "0.01", "1"]),
    minimum=st.sampled_from([None, "5", "20"]),
    fee=st.sampled_from(["0", "0.006", None]),
)
def test_at_standing_prices_it_comes_to_rest_and_trades_each_market_one_way(  # noqa: PLR0917 - hypothesis fills them in
    values: list[Decimal],
    weights: list[int],
    cash: Decimal,
    prices: list[str],
    lot_step: str,
    minimum: str | None,
    fee: str | None,
) -> None:
    markets = {
        f"C{n}/USD": a_market(f"C{n}/USD", lot_step=lot_step, minimum_notional=minimum, taker_fee_fraction=fee)
        for n in range(3)
    }
    price = {symbol: a_price(one) for symbol, one in zip(markets, prices, strict=True)}
    held = {s: value / price[s].value for s, value in zip(markets, values, strict=True)}
    shares = {s: Decimal(w) / 100 for s, w in zip(markets, weights, strict=True)}
    traded: dict[str, set[str]] = {}

    for _ in range(8):
        positions = [Position(s, a_holding(s[:2], h), price[s]) for s, h in held.items() if h > 0]
        snapshot = a_snapshot(*positions, cash=cash, markets=markets.values())
        plan = make_rebalance_plan(snapshot, a_policy(), RebalanceFacts(shares, markets, price), now=NOW).plan
        for action in plan.actions:
            way, paid = (1, 1) if action.side == "buy" else (-1, -1)
            held[action.symbol] += way * action.quantity
            cash -= paid * action.value + action.value * Decimal(fee or "0.003")
            traded.setdefault(action.symbol, set()).add(action.side)
            assert held[action.symbol] >= 0
            assert cash >= 0
        if not plan.actions:
            break

    assert plan.actions == ()
    assert all(len(ways) == 1 for ways in traded.values())
