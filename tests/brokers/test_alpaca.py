"""Alpaca through its adapter: cash and coins apart, two spellings, ids for ever, orders that no deadline stops."""

import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from models.errors import OutcomeUnknown, VenueError, VenueRefused, VenueUnavailable
from models.position import Holding
from models.reasons import OrderState
from tests.brokers.at_venue import Reached, a_world, impatient, reach
from tests.brokers.test_errors import SILENCES, placement_fault, sale

pytestmark = pytest.mark.wire

OWNED = {"USD": "1000", "BTC": "0.12345678", "ETH": "90071992547.40993001", "DOGE": "7", "AUT": "5"}
ORDER_ID = "61e69015-8549-4bfd-b9c3-01e75843f47d"
ACCOUNT = {
    "id": "43a01bde-4eb1-4a4c-8d3b-64fc26adb500",
    "status": "ACTIVE",
    "crypto_status": "ACTIVE",
    "currency": "USD",
    "cash": "5.92",
    "non_marginable_buying_power": "5.92",
    "equity": "48.6",
    "long_market_value": "42.68",
    "short_market_value": "0",
    "trading_blocked": False,
    "account_blocked": False,
    "trade_suspended_by_user": False,
    "a_field_of_tomorrow": {"x": None},
}
POSITION = {
    "asset_id": "276e2673-764b-4ab6-a611-caf665ca6340",
    "symbol": "BTCUSD",
    "asset_class": "crypto",
    "qty": "0.000207296",
    "qty_available": "0.000107296",
    "side": "long",
    "market_value": "42.68",
    "swap_rate": None,
}
ORDER = {
    "id": ORDER_ID,
    "client_order_id": "x",
    "submitted_at": "2026-03-02T04:21:42.233357Z",
    "filled_at": None,
    "symbol": "ETH/USD",
    "asset_class": "crypto",
    "notional": None,
    "qty": "0.01",
    "filled_qty": "0",
    "filled_avg_price": None,
    "order_type": "market",
    "type": "market",
    "side": "sell",
    "time_in_force": "gtc",
    "limit_price": None,
    "status": "new",
    "legs": None,
    "a_field_of_tomorrow": 1.5,
}
# What the venue says, what it means for an order, and our code.
ORDERS: list[tuple[int | None, str | None, int | None, type[VenueError], str]] = [
    (40310000, "insufficient balance for ETH (requested: 1, available: 0)", 403, VenueRefused, "INSUFFICIENT_FUNDS"),
    (40310000, "cost basis must be >= minimal amount of order 10", 403, VenueRefused, "INVALID_ORDER"),
    (40310000, "order qty must be >= minimal qty of order 0.000000002", 403, VenueRefused, "INVALID_ORDER"),
    (40310000, "insufficient qty available for order", 403, VenueRefused, "INSUFFICIENT_FUNDS"),
    (40310000, "potential wash trade detected. use complex orders", 403, VenueRefused, "INVALID_ORDER"),
    (40310000, "never seen before", 403, VenueRefused, "UNREACHABLE"),
    (40310000, "new orders are rejected by user request", 403, VenueRefused, "PERMISSION_DENIED"),
    (42210000, 'asset "ETH/USD" not found', 422, VenueRefused, "INVALID_ORDER"),
    (42210000, "invalid crypto time_in_force", 422, VenueRefused, "INVALID_ORDER"),
    (40010001, "crypto orders not allowed for account", 422, VenueRefused, "BAD_REQUEST"),
    (40010001, "client_order_id must be unique", 422, OutcomeUnknown, "BAD_REQUEST"),
    (40110000, "request is not authorized", 403, VenueRefused, "PERMISSION_DENIED"),
    (None, "unauthorized.", 401, VenueRefused, "AUTHENTICATION"),
    (None, "forbidden.", 403, VenueRefused, "PERMISSION_DENIED"),
    (42910000, "rate limit exceeded", 429, VenueRefused, "RATE_LIMITED"),
    (None, "too many requests.", 429, VenueRefused, "RATE_LIMITED"),
    (50010000, "internal server error occurred", 500, OutcomeUnknown, "UNREACHABLE"),
    (None, "service unavailable", 503, OutcomeUnknown, "UNREACHABLE"),
    (None, "upstream request timeout", 504, OutcomeUnknown, "TIMEOUT"),
    (49999999, "never seen before", 422, OutcomeUnknown, "VENUE_ERROR"),
]


@pytest.fixture(scope="module")
def alpaca_of_all() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("alpaca", {"platform": OWNED})) as venue:
        yield venue


@pytest.fixture
def alpaca(alpaca_of_all: RunningVenue) -> Iterator[RunningVenue]:
    yield alpaca_of_all
    alpaca_of_all.set_faults()
    alpaca_of_all.set_fills("immediate")


@pytest.fixture
async def at(alpaca: RunningVenue) -> AsyncIterator[Reached]:
    async with reach(alpaca) as reached:
        yield reached


def answers(operation: str, body: Any) -> dict[str, Any]:
    """Return the fault that replays an answer in place of the venue's own."""
    return {"operation": operation, "fault": "status", "status": 200, "body": json.dumps(body), "times": None}


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


# --- balances


async def test_cash_and_coins_are_the_venue_s_own_digits(alpaca: RunningVenue, at: Reached) -> None:
    found = await at.account.holdings()

    assert {h.asset: (h.free, h.held, h.locked) for h in found} == {
        asset: (total, 0, 0) for asset, total in alpaca.balances("platform").items()
    }


async def test_what_open_orders_keep_back_is_held() -> None:
    world = a_world("alpaca", {"platform": {"USD": "1000", "ETH": "1.5"}}, fills=[{"mode": "never"}])
    with RunningVenue(world) as venue:
        async with reach(venue) as at:
            sold = dataclasses.replace(sale(venue), quantity=Decimal("0.4"))
            bought = dataclasses.replace(sale(venue), side="buy", quantity=Decimal("0.1"))
            order_id, _ = await at.account.place(sold, datetime.now(UTC))
            await at.account.place(bought, datetime.now(UTC))
            during = {h.asset: h for h in await at.account.holdings()}
            equity = await at.account.reported_equity("USD")
            await at.account.cancel(order_id, sold.symbol)
            await at.account.cancel(order_id, sold.symbol)  # gone already: no fault
            after = {h.asset: h for h in await at.account.holdings()}

    assert during["ETH"] == Holding("ETH", Decimal("1.1"), Decimal("0.4"))
    assert during["USD"] == Holding("USD", Decimal("749.999"), Decimal("250.001"))
    assert equity == Decimal(1000) + Decimal("1.5") * Decimal("2500.01")
    assert after["ETH"] == Holding("ETH", Decimal("1.5"), Decimal(0))


async def test_balances_are_read_as_the_venue_really_writes_them(alpaca: RunningVenue, at: Reached) -> None:
    stock = POSITION | {"symbol": "ETHUSD", "asset_class": "us_equity", "qty": "-3", "side": "short"}
    slashed = POSITION | {"symbol": "ETH/USD", "qty": "1e-9", "qty_available": "0.000000001"}
    gone = POSITION | {"symbol": "LUNAUSD"}
    alpaca.set_faults(answers("equity", ACCOUNT), answers("balance", [POSITION, stock, slashed, gone]))

    found = await at.account.holdings()

    assert set(found) == {
        Holding("USD", Decimal("5.92"), Decimal(0)),
        Holding("BTC", Decimal("0.000107296"), Decimal("0.000100000")),
        Holding("ETH", Decimal("1e-9"), Decimal(0)),
        Holding("LUNAUSD", Decimal("0.000107296"), Decimal("0.000100000")),  # unknown: nothing is cut off its name
    }
    assert await at.account.reported_equity("USD") is None


async def test_a_coin_that_is_delisted_keeps_its_name_and_one_that_is_not_shows_a_torn_list(
    alpaca: RunningVenue,
) -> None:
    torn = [{"symbol": "BTC/USD", "class": "crypto", "status": "active", "tradable": True}]
    alpaca.set_faults(answers("markets", torn) | {"times": 1})
    async with reach(alpaca) as at:
        with pytest.raises(VenueUnavailable):
            await at.account.holdings()
        for symbol in ("ETH/USD", "DOGE/USD", "AUT/USD"):
            alpaca.set_market(symbol, "delisted")
        found = await at.account.holdings()
    for symbol in ("ETH/USD", "DOGE/USD", "AUT/USD"):
        alpaca.set_market(symbol, "online")

    assert {h.asset for h in found} == set(OWNED)


@pytest.mark.parametrize(
    ("figures", "free", "held"),
    [
        ({}, "5.92", "0"),
        ({"equity": "48.6031", "long_market_value": "42.6812"}, "5.92", "0"),  # each rounded by itself
        ({"equity": "58.6"}, "5.92", "10.00"),  # an open buy, where cash leaves out what it keeps back
        ({"non_marginable_buying_power": "1.92"}, "1.92", "4.00"),  # the same where it does not, or unsettled sales
        ({"non_marginable_buying_power": None}, "5.92", "0"),
    ],
)
async def test_cash_is_free_as_far_as_it_buys_crypto(
    alpaca: RunningVenue, at: Reached, figures: dict[str, Any], free: str, held: str
) -> None:
    alpaca.set_faults(answers("equity", ACCOUNT | figures), answers("balance", [POSITION]))

    (cash,) = [h for h in await at.account.holdings() if h.asset == "USD"]

    assert (cash.free, cash.held) == (Decimal(free), Decimal(held))


@pytest.mark.parametrize(
    ("account", "positions"),
    [
        (ACCOUNT, []),  # they are worth 42.68 together
        (ACCOUNT | {"cash": None}, [POSITION]),
        (ACCOUNT | {"cash": "-5.92"}, [POSITION]),
        (ACCOUNT | {"equity": "NaN"}, [POSITION]),
        ({"message": "all is well"}, [POSITION]),
        (ACCOUNT, {"positions": [POSITION]}),
        (ACCOUNT, [POSITION, POSITION]),
        (ACCOUNT, [POSITION | {"symbol": "USDUSD"}, POSITION | {"symbol": "BTC/USD"}, POSITION]),
        (ACCOUNT, [POSITION | {"side": "short", "qty": "-1", "qty_available": "-1"}]),
        (ACCOUNT, [POSITION | {"qty": "-0.1", "qty_available": "-0.1"}]),
        (ACCOUNT, [POSITION | {"qty_available": "1"}]),
        (ACCOUNT, [POSITION | {"qty": "some"}]),
        (ACCOUNT, [{"symbol": "BTCUSD", "qty": "1"}]),
    ],
)
async def test_balances_that_cannot_be_read_are_no_balances(
    alpaca: RunningVenue, at: Reached, account: Any, positions: Any
) -> None:
    alpaca.set_faults(answers("equity", account), answers("balance", positions))

    with pytest.raises(VenueUnavailable):
        await at.account.holdings()


@pytest.mark.parametrize("operation", ["balance", "equity", "open_orders"])
@pytest.mark.parametrize("fault", SILENCES, ids=str)
async def test_a_read_without_a_readable_answer_raises(
    alpaca: RunningVenue, at: Reached, operation: str, fault: dict[str, Any]
) -> None:
    if operation == "open_orders" and fault["fault"] == "null_fields":
        return  # there is none, and no field to lose
    alpaca.set_faults({"operation": operation, "times": None, **fault})

    with pytest.raises(VenueUnavailable):
        await (at.account.open_orders() if operation == "open_orders" else at.account.holdings())


# --- what the account is worth, and may do


async def test_equity_is_told_in_dollars_alone(alpaca: RunningVenue, at: Reached) -> None:
    prices = {"BTC": "50000.1", "ETH": "2500.01", "DOGE": "0.0812345", "USD": "1"}
    owned = alpaca.balances("platform")
    worth = sum((owned[asset] * Decimal(price) for asset, price in prices.items()), Decimal(0))

    assert await at.account.reported_equity("USD") == worth
    assert await at.account.reported_equity("EUR") is None


@pytest.mark.parametrize(
    ("flags", "trade", "detail"),
    [
        ({}, True, ""),
        ({"trading_blocked": True}, False, "trading_blocked"),
        ({"trade_suspended_by_user": True}, False, "trade_suspended_by_user"),
        ({"crypto_status": "INACTIVE", "account_blocked": True}, False, "account_blocked, crypto_status INACTIVE"),
        ({"crypto_status": None}, None, ""),
        ({"trading_blocked": "no"}, None, ""),
    ],
)
async def test_what_the_account_may_do_is_read_off_its_flags(
    alpaca: RunningVenue, at: Reached, flags: dict[str, Any], trade: bool | None, detail: str
) -> None:
    alpaca.set_faults(answers("equity", ACCOUNT | flags))

    found = await at.account.permissions()

    assert found is not None
    assert (found.trade, found.withdraw, found.detail) == (trade, None, detail)


async def test_the_venue_s_hour_is_told(at: Reached) -> None:
    there = await at.account.venue_time()

    assert there is not None
    assert abs(there - datetime.now(UTC)) < timedelta(seconds=5)


# --- markets


async def test_all_prices_come_by_one_call_in_the_venue_s_digits(alpaca: RunningVenue, at: Reached) -> None:
    before = alpaca.calls("tickers")

    tickers = await at.shared.tickers(impatient())

    assert {symbol: price.value for symbol, price in tickers.prices.items()} == {
        "BTC/USD": Decimal("50000.1"),
        "ETH/USD": Decimal("2500.01"),
        "DOGE/USD": Decimal("0.0812345"),
    }
    assert alpaca.calls("tickers") == before + 1


async def test_a_market_is_active_where_it_is_tradable_and_asks_no_least_value_of_a_sale() -> None:
    sizes = {"price": "15", "lot_step": "0.000000001", "min_quantity": "0.000000002", "tick": "0.01"}
    markets = [{"symbol": "LINK/USD", **sizes}, {"symbol": "ETH/USD", **sizes, "status": "halted"}]
    with RunningVenue(a_world("alpaca", {"platform": {}}, markets=markets)) as venue:
        async with reach(venue) as at:
            found = at.shared.markets("USD")

    link = found["LINK/USD"]
    assert (link.lot_step, link.minimum_quantity) == (Decimal("1e-9"), Decimal("2e-9"))
    assert not link.minimum_notional
    assert (link.active, found["ETH/USD"].active) == (True, False)


# --- orders


async def test_what_an_order_came_to_is_told_in_the_venue_s_own_digits(alpaca: RunningVenue, at: Reached) -> None:
    intent = sale(alpaca)

    order_id, first = await at.account.place(intent, datetime.now(UTC))
    order = (await at.account.orders_by_id([(order_id, intent.symbol), (ORDER_ID, intent.symbol)]))[order_id]
    same = await at.account.find(intent.client_order_id, intent.symbol, ago(minutes=1))
    nothing = await at.account.find("0" * 32, intent.symbol, ago(minutes=1))
    traded = await at.account.order_ids_traded(intent.symbol, ago(minutes=1))

    assert first is not None
    assert (first.state, first.filled) == (OrderState.OPEN, 0)  # the venue takes it before anything became of it
    assert (order.state, order.filled, order.average_price) == (OrderState.FILLED, Decimal("0.01"), Decimal("2500.01"))
    assert (order.client_order_id, order.symbol, order.fee) == (intent.client_order_id, "ETH/USD", None)
    assert (same, nothing) == (order, None)
    assert order_id in traded
    assert order_id not in await at.account.order_ids_traded("BTC/USD", ago(minutes=1))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, OrderState.OPEN),
        ({"symbol": "ETHUSD"}, OrderState.OPEN),
        ({"status": "pending_cancel"}, OrderState.OPEN),
        ({"status": "pending_cancel", "filled_qty": "0.004", "filled_avg_price": "9.5"}, OrderState.PARTIAL),
        ({"status": "done_for_day"}, OrderState.OPEN),
        ({"status": "rejected"}, OrderState.CANCELED),
        ({"status": "expired", "filled_qty": "0.004", "filled_avg_price": "9.5"}, OrderState.PARTIALLY_FILLED),
        ({"status": "filled", "filled_qty": "0.01", "filled_avg_price": "9.5"}, OrderState.FILLED),
    ],
)
async def test_an_order_is_read_in_every_state(
    alpaca: RunningVenue, at: Reached, changes: dict[str, Any], state: OrderState
) -> None:
    alpaca.set_faults(answers("order", ORDER | changes))

    order = await at.account.find("x", "ETH/USD", ago(minutes=1))

    assert order is not None
    assert (order.state, order.symbol, order.order_id) == (state, "ETH/USD", ORDER_ID)


@pytest.mark.parametrize(
    "changes", [{"status": "reticulated"}, {"filled_qty": None}, {"qty": None}, {"filled_qty": "NaN"}, {"status": None}]
)
async def test_an_order_that_cannot_be_read_is_not_taken_for_any_state(
    alpaca: RunningVenue, at: Reached, changes: dict[str, Any]
) -> None:
    alpaca.set_faults(answers("order", ORDER | changes))

    with pytest.raises(VenueUnavailable):
        await at.account.find("x", "ETH/USD", ago(minutes=1))


@pytest.mark.parametrize(("number", "text", "status", "meaning", "code"), ORDERS)
async def test_what_alpaca_answers_to_an_order(  # noqa: PLR0917 - a row of the table
    alpaca: RunningVenue, number: int | None, text: str, status: int, meaning: type[VenueError], code: str
) -> None:
    error = await placement_fault(alpaca, fault="error", code=number, message=text, status=status)

    assert (type(error), error.code) == (meaning, code)
    assert error.detail == (text if number is None else f"{number} {text}")


@pytest.mark.parametrize("fault", SILENCES, ids=str)
async def test_an_order_without_a_readable_answer_has_no_known_outcome_and_is_sent_once(
    alpaca: RunningVenue, fault: dict[str, Any]
) -> None:
    before = alpaca.calls("place")

    error = await placement_fault(alpaca, **fault)

    assert type(error) is OutcomeUnknown
    assert alpaca.calls("place") == before + 1


async def test_an_order_of_ours_that_is_there_already_is_no_refusal(alpaca: RunningVenue, at: Reached) -> None:
    intent, before = sale(alpaca), len(alpaca.fills("platform"))
    await at.account.place(intent, datetime.now(UTC))

    with pytest.raises(OutcomeUnknown, match="must be unique"):
        await at.account.place(intent, datetime.now(UTC))

    assert len(alpaca.fills("platform")) == before + 1


async def test_an_order_whose_time_is_over_does_not_leave(alpaca: RunningVenue, at: Reached) -> None:
    before = alpaca.calls("place")

    with pytest.raises(VenueRefused, match="the time of the order is over"):
        await at.account.place(sale(alpaca), ago(hours=1))

    assert alpaca.calls("place") == before
    assert await at.account.holdings()  # what is read has no deadline


async def test_a_cancel_that_was_not_acknowledged_raises(alpaca: RunningVenue, at: Reached) -> None:
    alpaca.set_fills("never")
    intent = sale(alpaca)
    order_id, _ = await at.account.place(intent, datetime.now(UTC))
    alpaca.set_faults({"operation": "cancel", "fault": "empty", "times": None})

    with pytest.raises(VenueUnavailable):
        await at.account.cancel(order_id, intent.symbol)

    alpaca.set_faults()
    await at.account.cancel(order_id, intent.symbol)
    assert (await at.account.orders_by_id([(order_id, intent.symbol)]))[order_id].state is OrderState.CANCELED


async def test_a_cancel_that_met_a_fill_is_no_fault(alpaca: RunningVenue, at: Reached) -> None:
    intent = sale(alpaca)
    order_id, _ = await at.account.place(intent, datetime.now(UTC))

    await at.account.cancel(order_id, intent.symbol)

    assert (await at.account.orders_by_id([(order_id, intent.symbol)]))[order_id].state is OrderState.FILLED


async def test_open_orders_and_fills_are_read_to_the_last_page(
    alpaca: RunningVenue, at: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brokers.alpaca._ORDERS_PER_PAGE", 5)  # pages overlap by what came within two milliseconds
    monkeypatch.setattr("brokers.alpaca._FILLS_PER_PAGE", 2)
    since = ago(seconds=0)
    filled = {(await at.account.place(sale(alpaca), datetime.now(UTC)))[0] for _ in range(5)}
    alpaca.set_fills("never")
    resting = [(await at.account.place(sale(alpaca), datetime.now(UTC)))[0] for _ in range(11)]

    found = await at.account.open_orders()
    traded = await at.account.order_ids_traded("ETH/USD", since)

    assert [order.order_id for order in found] == resting
    assert {(o.symbol, o.side, o.quantity) for o in found} == {("ETH/USD", "sell", Decimal("0.01"))}
    assert traded == filled
    for order_id in resting:
        await at.account.cancel(order_id, "ETH/USD")


async def test_pages_that_do_not_advance_are_no_list(
    alpaca: RunningVenue, at: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = {"id": "20260302042142233::x", "order_id": ORDER_ID, "symbol": "ETHUSD"}
    monkeypatch.setattr("brokers.alpaca._ORDERS_PER_PAGE", 1)
    monkeypatch.setattr("brokers.alpaca._FILLS_PER_PAGE", 1)
    alpaca.set_faults(answers("open_orders", [ORDER]), answers("trades", [fill]))

    with pytest.raises(VenueUnavailable):
        await at.account.open_orders()
    with pytest.raises(VenueUnavailable):
        await at.account.order_ids_traded("ETH/USD", ago(minutes=1))


async def test_open_orders_of_stocks_are_not_ours(alpaca: RunningVenue, at: Reached) -> None:
    stock = ORDER | {"id": "a-stock", "symbol": "SPY", "asset_class": "us_equity", "qty": None, "notional": "10"}
    alpaca.set_faults(answers("open_orders", [ORDER | {"filled_qty": "0.004"}, stock]))

    (order,) = await at.account.open_orders()

    assert (order.order_id, order.symbol, order.quantity) == (ORDER_ID, "ETH/USD", Decimal("0.006"))
