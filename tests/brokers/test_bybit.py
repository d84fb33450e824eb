"""Bybit through the adapter: what is ours in a unified wallet, deadlines in signatures, look-ups, pages, refusals."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from models.errors import OutcomeUnknown, SignAgain, VenueError, VenueRefused, VenueUnavailable
from models.order import Intent
from models.reasons import OrderState
from tests.brokers.at_venue import Reached, a_world, impatient, reach
from tests.builders import an_intent
from tests.drills.plain import without_throttle

pytestmark = pytest.mark.wire

ETH = "ETH/USDT"
# One coin of a wallet as the venue sends it: numbers in quotes, what is out of use empty, more than anyone asked for.
COIN = {
    "coin": "ETH",
    "equity": "2",
    "usdValue": "5000",
    "walletBalance": "2",
    "locked": "0",
    "spotHedgingQty": "0",
    "borrowAmount": "0.000000000000000000",
    "spotBorrow": "0",
    "availableToWithdraw": "",
    "availableToBorrow": "",
    "free": "",
    "accruedInterest": "0",
    "totalOrderIM": "0",
    "totalPositionIM": "",
    "bonus": "0",
    "marginCollateral": True,
    "somethingNew": None,
}
# What the venue says, what it means for an order, and our code.
ORDERS: list[tuple[int, str, type[VenueError], str]] = [
    (170131, "Insufficient balance.", VenueRefused, "INSUFFICIENT_FUNDS"),
    (170140, "Order value exceeded lower limit.", VenueRefused, "INVALID_ORDER"),
    (170137, "Order quantity has too many decimals.", VenueRefused, "INVALID_ORDER"),
    (170130, "Data sent for parameter 'qty' is not valid.", VenueRefused, "BAD_REQUEST"),
    (170121, "Invalid symbol.", VenueRefused, "BAD_SYMBOL"),
    (170151, "The trading pair is not open yet.", VenueRefused, "MARKET_CLOSED"),
    (170209, "This trading pair is only available to another region.", VenueRefused, "VENUE_ERROR"),
    (170810, "Cannot exceed maximum of 500 active orders.", VenueRefused, "VENUE_ERROR"),
    (10003, "API key is invalid.", VenueRefused, "AUTHENTICATION"),
    (10004, "error sign!", VenueRefused, "AUTHENTICATION"),
    (10005, "Permission denied, please check your API key permissions.", VenueRefused, "PERMISSION_DENIED"),
    (10006, "Too many visits. Exceeded the API Rate Limit.", VenueRefused, "RATE_LIMITED"),
    (10002, "invalid request, please check your server timestamp.", SignAgain, "NONCE_OR_CLOCK"),
    (10000, "Server Timeout", OutcomeUnknown, "TIMEOUT"),
    (10014, "Invalid duplicate request.", OutcomeUnknown, "BAD_REQUEST"),
    (10016, "Server error.", OutcomeUnknown, "VENUE_ERROR"),
    (10016, "Request timeout, please try again later", OutcomeUnknown, "TIMEOUT"),
    (170007, "Timeout waiting for response from backend server.", OutcomeUnknown, "TIMEOUT"),
    (170032, "Network error. Please try again later", OutcomeUnknown, "VENUE_ERROR"),
    (170035, "Submitted to the system for processing!", OutcomeUnknown, "BAD_REQUEST"),
    (170141, "Duplicate clientOrderId.", OutcomeUnknown, "INVALID_ORDER"),
    (170146, "Order creation timeout", OutcomeUnknown, "INVALID_ORDER"),
    (199999, "Never seen before.", OutcomeUnknown, "VENUE_ERROR"),
]


@pytest.fixture(scope="module")
def of_all() -> Iterator[RunningVenue]:
    holds = {"platform": {"USDT": "1000", "BTC": "10", "ETH": "100", "AUT": "5"}}
    with RunningVenue(a_world("bybit", holds)) as venue:
        yield venue


@pytest.fixture(autouse=True)
def _unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    without_throttle(monkeypatch)


@pytest.fixture
def bybit(of_all: RunningVenue) -> Iterator[RunningVenue]:
    yield of_all
    of_all.set_faults()
    of_all.set_fills("immediate")


def replayed(result: Any, operation: str, **more: Any) -> dict[str, Any]:
    """Return the fault that answers every call of an operation with this result."""
    document = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1_766_128_195_512, **more}
    return {"operation": operation, "fault": "status", "status": 200, "body": json.dumps(document), "times": None}


def wallet(*coins: dict[str, Any], equity: str = "5000") -> dict[str, Any]:
    """Return a result with one unified wallet."""
    return {"list": [{"accountType": "UNIFIED", "totalEquity": equity, "accountLTV": "", "coin": list(coins)}]}


def sale(quantity: str = "0.01") -> Intent:
    """Return a small sale under an id of its own."""
    return an_intent(ETH, quantity=quantity, client_order_id=uuid.uuid4().hex)


async def resting(at: Reached, price: str = "9000") -> str:
    """Leave a sale at the venue that nobody meets; return its venue id."""
    placed = await at.account._client.create_order(ETH, "limit", "sell", "0.01", price)
    return str(placed["id"])


async def test_every_call_goes_to_the_address_and_none_asks_which_kind_of_account_it_is(bybit: RunningVenue) -> None:
    before = len(bybit.call_log())
    async with reach(bybit) as at:
        await at.account.holdings()
        await at.account.place(sale(), datetime.now(UTC))

    endpoints = [record.endpoint for record in bybit.call_log()[before:]]
    assert sorted(endpoints) == ["account/wallet-balance", "instruments-info", "order/create", "time"]


async def test_a_market_order_has_a_largest_size_of_its_own(bybit: RunningVenue) -> None:
    async with reach(bybit) as at:
        market = at.shared.markets("USDT")[ETH]

    assert (market.lot_step, market.maximum_quantity) == (Decimal("1E-8"), 4_500_000)


async def test_what_an_open_order_holds_is_held() -> None:
    with RunningVenue(a_world("bybit", {"platform": {"ETH": "2.000000000000000001"}})) as venue:
        async with reach(venue) as at:
            await resting(at)
            (holding,) = await at.account.holdings()

    assert (holding.free, holding.held, holding.locked) == (Decimal("1.990000000000000001"), Decimal("0.01"), 0)


async def test_what_is_borrowed_is_not_ours() -> None:
    accounts = {"platform": {"balances": {"ETH": "2", "USDT": "10"}, "borrowed": {"ETH": "0.5"}}}
    world = World.model_validate(a_world("bybit", {}).model_dump() | {"accounts": accounts})
    with RunningVenue(world) as venue:
        async with reach(venue) as at:
            holdings = {holding.asset: holding.total for holding in await at.account.holdings()}
            equity = await at.account.reported_equity("USDT")

    assert holdings == {"ETH": Decimal("1.5"), "USDT": 10}
    assert equity == Decimal("1.5") * Decimal("2500.01") + 10


@pytest.mark.parametrize(
    ("change", "free", "locked"),
    [
        ({}, "2", "0"),
        ({"spotBorrow": None, "walletBalance": None} | {"spotBorrow": "0", "walletBalance": "0.00000001"}, "1E-8", "0"),
        ({"totalPositionIM": "0.5"}, "1.5", "0.5"),
        ({"totalPositionIM": "7"}, "0", "2"),
        ({"availableToWithdraw": "0.3"}, "2", "0"),
    ],
)
async def test_a_coin_is_read_as_the_venue_writes_it(
    bybit: RunningVenue, change: dict[str, Any], free: str, locked: str
) -> None:
    async with reach(bybit) as at:
        bybit.set_faults(replayed(wallet(COIN | change), "balance"))
        (holding,) = await at.account.holdings()

    assert (holding.asset, holding.free, holding.locked) == ("ETH", Decimal(free), Decimal(locked))


async def test_a_wallet_without_the_newer_fields_is_read(bybit: RunningVenue) -> None:
    older = {name: COIN[name] for name in ("coin", "walletBalance", "locked", "equity", "usdValue")}
    async with reach(bybit) as at:
        bybit.set_faults(replayed(wallet(older), "balance"))
        (holding,) = await at.account.holdings()

    assert holding.free == 2


@pytest.mark.parametrize(
    "result",
    [
        {"list": []},
        {"list": wallet(COIN)["list"] * 2},
        {"list": [wallet(COIN)["list"][0] | {"accountType": "CONTRACT"}]},
        wallet(COIN, COIN),
        wallet(COIN | {"walletBalance": None}),
        wallet(COIN | {"walletBalance": ""}),
        wallet(COIN | {"walletBalance": "NaN"}),
        wallet(COIN | {"walletBalance": "-3"}),
        wallet(COIN | {"spotBorrow": "5"}),
        wallet(COIN | {"spotBorrow": None}),
        wallet(COIN | {"locked": None}),
        wallet({"coin": "ETH"}),
        {"list": None},
        {},
        None,
    ],
    ids=lambda result: json.dumps(result)[:60],
)
async def test_a_wallet_that_cannot_be_believed_is_no_wallet(bybit: RunningVenue, result: Any) -> None:
    async with reach(bybit) as at:
        bybit.set_faults(replayed(result, "balance"))
        with pytest.raises(VenueUnavailable):
            await at.account.holdings()


async def test_an_account_without_coins_holds_nothing(bybit: RunningVenue) -> None:
    async with reach(bybit) as at:
        bybit.set_faults(replayed(wallet(equity="0"), "balance"))

        assert await at.account.holdings() == ()
        assert await at.account.reported_equity("USDT") is None


async def test_equity_is_told_in_the_quote_at_the_venue_s_own_rate(bybit: RunningVenue) -> None:
    cash = COIN | {"coin": "USDT", "walletBalance": "200", "equity": "200", "usdValue": "199.5"}
    async with reach(bybit) as at:
        bybit.set_faults(replayed(wallet(COIN, cash, equity="5199.5"), "balance"))

        equity = await at.account.reported_equity("USDT")
        assert equity is not None
        assert round(equity, 4) == Decimal("5212.5313")
        assert await at.account.reported_equity("USDC") is None


async def test_a_key_says_what_it_may_do_and_until_when(bybit: RunningVenue) -> None:
    async with reach(bybit) as at:
        found = await at.account.permissions()

    assert found is not None
    assert (found.trade, found.withdraw) == (True, False)
    assert timedelta(days=89) < (found.expires_in or timedelta(0)) <= timedelta(days=90)


@pytest.mark.parametrize(
    ("key", "trade", "withdraw"),
    [
        ({"readOnly": 1, "permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}}, False, False),
        ({"readOnly": 0, "permissions": {"Spot": [], "Wallet": ["AccountTransfer", "Withdraw"]}}, False, True),
        ({"readOnly": "0", "permissions": {"Spot": ["SpotTrade"], "Wallet": [], "New": []}}, True, False),
    ],
)
async def test_rights_are_read_off_the_key_and_one_bound_to_addresses_never_expires(
    bybit: RunningVenue, key: dict[str, Any], trade: bool, withdraw: bool
) -> None:
    bound = {"ips": ["10.0.0.1"], "deadlineDay": -2, "expiredAt": "1970-01-01T00:00:00Z"}
    async with reach(bybit) as at:
        bybit.set_faults(replayed(key | bound, "permissions"))
        found = await at.account.permissions()

    assert found is not None
    assert (found.trade, found.withdraw, found.expires_in) == (trade, withdraw, None)


@pytest.mark.parametrize("key", [{"readOnly": None, "permissions": {"Spot": [], "Wallet": []}}, {"readOnly": 0}, {}])
async def test_rights_that_cannot_be_read_are_no_rights(bybit: RunningVenue, key: dict[str, Any]) -> None:
    async with reach(bybit) as at:
        bybit.set_faults(replayed(key, "permissions"))
        with pytest.raises(VenueUnavailable):
            await at.account.permissions()


@pytest.mark.parametrize(("number", "text", "meaning", "code"), ORDERS)
async def test_what_bybit_answers_to_an_order(
    bybit: RunningVenue, number: int, text: str, meaning: type[VenueError], code: str
) -> None:
    async with reach(bybit) as at:
        bybit.set_faults({"operation": "place", "fault": "error", "code": number, "message": text})
        with pytest.raises(VenueError) as caught:
            await at.account.place(sale(), datetime.now(UTC))

    assert (type(caught.value), caught.value.code, caught.value.detail) == (meaning, code, f"{number} {text}")


@pytest.mark.parametrize("result", [{}, {"orderId": ""}, {"orderId": None, "orderLinkId": None}])
async def test_an_answer_without_an_order_id_proves_nothing(bybit: RunningVenue, result: Any) -> None:
    async with reach(bybit) as at:
        bybit.set_faults(replayed(result, "place"))
        with pytest.raises(OutcomeUnknown):
            await at.account.place(sale(), datetime.now(UTC))


@pytest.mark.parametrize(("age_seconds", "is_taken"), [(1.5, True), (3.5, False)])
async def test_an_order_is_void_once_its_deadline_has_passed(
    bybit: RunningVenue, age_seconds: float, is_taken: bool
) -> None:
    before = len(bybit.orders("platform"))
    async with reach(bybit, policy=impatient(order_deadline_seconds=3)) as at:
        sent_at = datetime.now(UTC) - timedelta(seconds=age_seconds)
        if is_taken:
            await at.account.place(sale(), sent_at)
        else:
            with pytest.raises(SignAgain):
                await at.account.place(sale(), sent_at)
        await at.account.holdings()  # signed with its own hour again

    assert len(bybit.orders("platform")) == before + is_taken


@pytest.mark.parametrize(("age_seconds", "is_done"), [(1.5, True), (3.5, False)])
async def test_a_conversion_is_void_once_its_deadline_has_passed(age_seconds: float, is_done: bool) -> None:
    with RunningVenue(a_world("bybit", {"platform": {"ETH": "0.002"}})) as venue:
        async with reach(venue, policy=impatient(order_deadline_seconds=3)) as at:
            sent_at = datetime.now(UTC) - timedelta(seconds=age_seconds)
            if is_done:
                await at.account.convert_dust(["ETH"], sent_at)
            else:
                with pytest.raises(VenueRefused):
                    await at.account.convert_dust(["ETH"], sent_at)

        assert len(venue.conversions("platform")) == is_done


async def test_an_order_whose_answer_was_lost_is_found_by_our_id(bybit: RunningVenue) -> None:
    intent = sale()
    async with reach(bybit) as at:
        bybit.set_faults({"operation": "place", "fault": "drop_after"})
        with pytest.raises(OutcomeUnknown):
            await at.account.place(intent, datetime.now(UTC))
        found = await at.account.find(intent.client_order_id, ETH, datetime.now(UTC) - timedelta(minutes=1))

    assert found is not None
    assert (found.state, found.filled, found.average_price) == (OrderState.FILLED, Decimal("0.01"), Decimal("2500.01"))
    assert (found.symbol, found.fee_asset) == (ETH, "USDT")
    assert found.fee == bybit.fills("platform")[-1].fee


async def test_an_order_that_only_the_history_has_is_found_there(bybit: RunningVenue) -> None:
    intent = sale()
    since = datetime.now(UTC) - timedelta(minutes=1)
    async with reach(bybit) as at:
        order_id, _ = await at.account.place(intent, datetime.now(UTC))
        bybit.set_faults({"operation": "order", "fault": "empty_result", "times": None})
        found = await at.account.find(intent.client_order_id, ETH, since)
        by_id = await at.account.orders_by_id([(order_id, ETH), ("1400000000000099999", ETH)])

    assert found is not None
    assert (found.order_id, list(by_id)) == (order_id, [order_id])


async def test_only_two_empty_lists_are_not_found(bybit: RunningVenue) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    async with reach(bybit) as at:
        nowhere = await at.account.find("unheard-of", ETH, since)
        bybit.set_faults({"operation": "closed_orders", "fault": "error", "code": 10016, "times": None})
        with pytest.raises(VenueUnavailable):
            await at.account.find("unheard-of", ETH, since)

    assert nowhere is None


async def test_somebody_else_s_order_is_not_taken_for_ours(bybit: RunningVenue) -> None:
    async with reach(bybit) as at:
        await at.account.place(sale(), datetime.now(UTC))
        client = at.account._client
        answer = await client.privateGetV5OrderRealtime({"category": "spot", "openOnly": 1})
        bybit.set_faults(replayed(answer["result"], "order"), replayed(answer["result"], "closed_orders"))

        assert await at.account.find("mine", ETH, datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("Rejected", "0", OrderState.CANCELED),
        ("Cancelled", "0", OrderState.CANCELED),
        ("PartiallyFilledCanceled", "0.004", OrderState.PARTIALLY_FILLED),
        ("PartiallyFilled", "0.004", OrderState.PARTIAL),
        ("Untriggered", "0", OrderState.OPEN),
        ("Filled", "0.01", OrderState.FILLED),
    ],
)
async def test_every_state_of_an_order_is_read(
    bybit: RunningVenue, status: str, filled: str, state: OrderState
) -> None:
    row = {"orderId": "7", "orderLinkId": "", "symbol": "ETHUSDT", "side": "Sell", "orderType": "Market", "qty": "0.01"}
    row |= {"cumExecQty": filled, "cumExecValue": "10", "avgPrice": "", "orderStatus": status, "tpslMode": ""}
    async with reach(bybit) as at:
        bybit.set_faults(replayed({"list": [row], "nextPageCursor": "7%3A1"}, "order"))
        found = (await at.account.orders_by_id([("7", ETH)]))["7"]

    assert (found.state, found.filled, found.symbol, found.client_order_id) == (state, Decimal(filled), ETH, None)


async def test_an_order_in_a_state_nobody_knows_is_not_read(bybit: RunningVenue) -> None:
    row = {"orderId": "7", "symbol": "ETHUSDT", "side": "Sell", "orderType": "Market", "qty": "1", "cumExecQty": "0"}
    async with reach(bybit) as at:
        bybit.set_faults(replayed({"list": [row | {"orderStatus": "Mislaid"}]}, "order"))
        with pytest.raises(VenueUnavailable):
            await at.account.orders_by_id([("7", ETH)])


async def test_open_orders_of_all_markets_and_pages_are_read() -> None:
    with RunningVenue(a_world("bybit", {"platform": {"ETH": "2", "BTC": "1"}}, max_open_orders=200)) as venue:
        async with reach(venue) as at:
            placed = [await resting(at) for _ in range(51)]
            other = await at.account._client.create_order("BTC/USDT", "limit", "sell", "0.01", "90000")
            orders = await at.account.open_orders()

    assert {order.order_id for order in orders} == {*placed, other["id"]}
    assert {(order.symbol, order.quantity) for order in orders} == {
        (ETH, Decimal("0.01")),
        ("BTC/USDT", Decimal("0.01")),
    }


async def test_pages_that_lead_in_a_circle_are_no_list(bybit: RunningVenue) -> None:
    async with reach(bybit) as at:
        await resting(at)
        rows = (await at.account._client.privateGetV5OrderRealtime({"category": "spot"}))["result"]["list"]
        bybit.set_faults(replayed({"list": rows, "nextPageCursor": "round"}, "open_orders"))
        with pytest.raises(VenueUnavailable):
            await at.account.open_orders()
        bybit.set_faults()
        await at.account._client.cancel_all_orders(ETH)


async def test_the_orders_that_traded_are_named(bybit: RunningVenue) -> None:
    started = datetime.now(UTC)
    async with reach(bybit) as at:
        order_id, _ = await at.account.place(sale(), datetime.now(UTC))
        traded = await at.account.order_ids_traded(ETH, started - timedelta(milliseconds=1))
        later = await at.account.order_ids_traded(ETH, datetime.now(UTC) + timedelta(seconds=1))

    assert order_id in traded
    assert later == frozenset()
