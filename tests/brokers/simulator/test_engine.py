"""Drive the engine at random: money is never invented, never lost, never below zero."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.simulator.orders import Kind, Request, Side
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.world import FillMode, FillRule
from tests.brokers.simulator.clients import a_world

NOW = 1_750_000_000_000
START = {"USD": Decimal(1000), "BTC": Decimal("0.02")}

sides = st.sampled_from(Side)
quantities = st.decimals("0.0001", "0.03", places=8)
prices = st.decimals("20000", "90000", places=1)
requests = st.builds(
    lambda side, quantity, price: Request(
        "platform",
        "BTC/USD",
        side,
        Kind.MARKET if price is None else Kind.LIMIT,
        quantity,
        limit_price=price,
    ),
    sides,
    quantities,
    st.none() | prices,
)
orders = st.tuples(st.just("order"), requests)
moves = st.tuples(st.just("price"), prices)
rules = st.tuples(st.just("rule"), st.sampled_from(FillMode), st.sampled_from([None, "0", "5"]))
cancels = st.tuples(st.just("cancel"))


def a_venue(commission: str | None = None) -> Venue:
    accounts = {"platform": {"balances": {asset: str(total) for asset, total in START.items()}}}
    return Venue(a_world("kraken", accounts=accounts, commission=commission))


@settings(max_examples=60)
@given(
    st.lists(st.one_of(orders, moves, rules, cancels), max_size=25),
    st.sampled_from(["quote", "base", "received", "BNB"]),
)
def test_money_is_neither_invented_nor_lost(steps: list[Any], commission: str) -> None:
    venue = a_venue(commission)

    for number, (name, *arguments) in enumerate(steps):
        _STEPS[name](venue, NOW + number * 1000, *arguments)
        book = venue.book
        assert all(total >= 0 for total in book.totals["platform"].values())
        assert all(book.held("platform", asset) <= book.total("platform", asset) for asset in START)

    expected = dict(START)
    for fill in venue.book.fills.get("platform", []):
        sign = 1 if fill.side is Side.BUY else -1
        for asset, change in (("BTC", sign * fill.quantity), ("USD", -sign * fill.cost), (fill.fee_asset, -fill.fee)):
            expected[asset] += change
    assert venue.book.totals["platform"] == expected


@settings(max_examples=40)
@given(st.lists(st.one_of(orders, moves, rules, cancels), max_size=25))
def test_an_order_is_the_sum_of_its_fills(steps: list[Any]) -> None:
    venue = a_venue()

    for number, (name, *arguments) in enumerate(steps):
        _STEPS[name](venue, NOW + number * 1000, *arguments)

    for order in venue.book.orders.values():
        fills = venue.book.fills_of(order)
        assert order.filled == sum((fill.quantity for fill in fills), Decimal(0)) <= order.quantity
        assert order.cost == sum((fill.cost for fill in fills), Decimal(0))
        assert order.is_open or order.held == 0


def test_a_waiting_market_buy_that_can_no_longer_pay_ends() -> None:
    venue = a_venue()
    venue.engine.fill_rules = [FillRule(mode=FillMode.NEVER)]
    order = venue.engine.place(Request("platform", "BTC/USD", Side.BUY, Kind.MARKET, Decimal("0.015")), NOW)
    venue.prices.set_price("BTC/USD", Decimal(90000), NOW + 1)
    venue.engine.fill_rules = []
    venue.engine.settle(NOW + 2)

    assert (order.status, order.filled) == ("expired", 0)


def test_a_refused_order_leaves_no_trace() -> None:
    venue = a_venue()

    with pytest.raises(Refusal) as caught:
        venue.engine.place(Request("platform", "BTC/USD", Side.SELL, Kind.MARKET, Decimal(1)), NOW)

    assert caught.value.reason is Reason.INSUFFICIENT_FUNDS
    assert not venue.book.orders


def _place(venue: Venue, now_ms: int, request: Request) -> None:
    try:
        venue.engine.place(request, now_ms)
    except Refusal as refusal:
        assert refusal.reason in {Reason.INSUFFICIENT_FUNDS, Reason.NOTIONAL_BELOW_MINIMUM}  # noqa: PT017


def _move(venue: Venue, now_ms: int, price: Decimal) -> None:
    venue.prices.set_price("BTC/USD", price, now_ms)
    venue.engine.settle(now_ms)


def _change_rule(venue: Venue, now_ms: int, mode: FillMode, after: str | None) -> None:
    if mode is FillMode.DELAYED and after is None:
        return
    venue.engine.fill_rules = [FillRule(mode=mode, after_seconds=None if after is None else Decimal(after))]
    venue.engine.settle(now_ms)


def _cancel(venue: Venue, now_ms: int) -> None:
    for order in list(venue.book.open.get("platform", {}).values())[:1]:
        venue.engine.cancel(order, now_ms)


_STEPS: dict[str, Callable[..., None]] = {
    "order": _place,
    "price": _move,
    "rule": _change_rule,
    "cancel": _cancel,
}
