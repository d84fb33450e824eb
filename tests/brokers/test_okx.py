"""OKX through our client: its balances in every account mode, its refusals, its deadline, its pages. Over the wire."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from models.errors import OutcomeUnknown, SignAgain, VenueError, VenueRefused, VenueUnavailable
from models.reasons import OrderState
from tests.brokers.at_venue import a_world, reach
from tests.brokers.test_errors import SILENCES, placement_fault, sale

pytestmark = pytest.mark.wire

ETH = "ETH/USDT"
OWNED = {"USDT": "1000", "BTC": "10", "ETH": "100", "DOGE": "100000", "AUT": "5"}

# What the venue says to an order, in which shape, what it means, and our code.
ORDERS: list[tuple[int, str, type[VenueError], str]] = [
    (51008, "Order failed. Insufficient ETH balance in account", VenueRefused, "INSUFFICIENT_FUNDS"),
    (51020, "Your order should meet or exceed the minimum order amount.", VenueRefused, "INVALID_ORDER"),
    (51121, "Order quantity must be a multiple of the lot size.", VenueRefused, "INVALID_ORDER"),
    (51150, "The precision of the number of trades exceeds the limit.", VenueRefused, "INVALID_ORDER"),
    (51001, "Instrument ID or Spread ID doesn't exist.", VenueRefused, "BAD_SYMBOL"),
    (51022, "Contract suspended.", VenueRefused, "INVALID_ORDER"),
    (51087, "Listing canceled for this crypto", VenueRefused, "BAD_SYMBOL"),
    (51155, "Trading of this pair is restricted due to local compliance.", VenueRefused, "PERMISSION_DENIED"),
    (51201, "The value of a market order can't exceed 1000000 USDT.", VenueRefused, "INVALID_ORDER"),
    (51000, "Parameter sz error", VenueRefused, "BAD_REQUEST"),
    (50014, "Parameter instId can not be empty.", VenueRefused, "BAD_REQUEST"),
    (50011, "Too Many Requests", VenueRefused, "RATE_LIMITED"),
    (50061, "You've reached the maximum order rate limit for this account.", VenueRefused, "RATE_LIMITED"),
    (50036, "The expTime can't be earlier than the current system time.", VenueRefused, "INVALID_ORDER"),
    (50037, "Order expired.", VenueRefused, "INVALID_ORDER"),
    (50105, 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', VenueRefused, "AUTHENTICATION"),
    (50111, "Invalid OK-ACCESS-KEY.", VenueRefused, "AUTHENTICATION"),
    (50113, "Invalid Sign", VenueRefused, "AUTHENTICATION"),
    (50119, "API key doesn't exist", VenueRefused, "AUTHENTICATION"),
    (50120, "This API key doesn't have permission to use this function", VenueRefused, "PERMISSION_DENIED"),
    (50102, "Timestamp request expired", SignAgain, "NONCE_OR_CLOCK"),
    (51016, "Client order ID already exists.", OutcomeUnknown, "INVALID_ORDER"),
    (50071, "clOrdId already exists", OutcomeUnknown, "VENUE_ERROR"),
    (50001, "Service temporarily unavailable. Please try again later.", OutcomeUnknown, "MAINTENANCE"),
    (50004, "API endpoint request timeout.", OutcomeUnknown, "TIMEOUT"),
    (50013, "Systems are busy. Please try again later.", OutcomeUnknown, "UNREACHABLE"),
    (50026, "System error. Try again later", OutcomeUnknown, "UNREACHABLE"),
    (51054, "Request timed out. Please try again.", OutcomeUnknown, "TIMEOUT"),
    (51149, "Order timed out. Please try again.", OutcomeUnknown, "TIMEOUT"),
    (59999, "Never seen before.", OutcomeUnknown, "VENUE_ERROR"),
]


@pytest.fixture(scope="module")
def okx_of_all() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("okx", {"platform": OWNED})) as venue:
        yield venue


@pytest.fixture
def okx(okx_of_all: RunningVenue) -> Iterator[RunningVenue]:
    yield okx_of_all
    okx_of_all.set_faults()


def now() -> datetime:
    return datetime.now(UTC)


def answered(rows: Any, **envelope: Any) -> str:
    return json.dumps({"code": "0", "msg": "", "data": rows, **envelope})


def replayed(operation: str, body: str) -> dict[str, Any]:
    return {"operation": operation, "fault": "status", "status": 200, "body": body, "times": None}


# --- orders


@pytest.mark.parametrize(("code", "text", "meaning", "our_code"), ORDERS)
async def test_what_okx_answers_to_an_order(
    okx: RunningVenue, code: int, text: str, meaning: type[VenueError], our_code: str
) -> None:
    error = await placement_fault(okx, fault="error", code=code, message=text)

    assert (type(error), error.code, error.detail) == (meaning, our_code, f"{code} {text}")


@pytest.mark.parametrize("in_row", [True, False])
async def test_a_code_means_the_same_in_the_row_and_for_the_whole_request(okx: RunningVenue, in_row: bool) -> None:
    row = {"clOrdId": "", "ordId": "", "sCode": "50036", "sMsg": "Too late.", "tag": "", "ts": "1", "new": None}
    whole = {"code": "50036", "msg": "Too late.", "data": []}
    body = {"code": "1", "msg": "All operations failed", "data": [row], "inTime": "1"} if in_row else whole

    error = await placement_fault(okx, fault="status", status=200, body=json.dumps(body))

    assert (type(error), error.detail) == (VenueRefused, "50036 Too late.")


@pytest.mark.parametrize("fault", SILENCES, ids=str)
async def test_an_order_without_a_readable_answer_has_no_known_outcome_and_is_sent_once(
    okx: RunningVenue, fault: dict[str, Any]
) -> None:
    before = okx.calls("place")

    error = await placement_fault(okx, **fault)

    assert type(error) is OutcomeUnknown
    assert okx.calls("place") == before + 1


@pytest.mark.parametrize(
    "body",
    [
        answered([]),
        answered([{"ordId": "", "clOrdId": "", "sCode": "0", "sMsg": ""}]),
        answered([{"ordId": None, "sCode": None}]),
        answered(None),
        answered([{"ordId": "", "clOrdId": "", "sCode": "1", "sMsg": "Something failed"}], code="2"),
    ],
)
async def test_an_answer_that_names_no_order_leaves_the_outcome_unknown(okx: RunningVenue, body: str) -> None:
    assert type(await placement_fault(okx, fault="status", status=200, body=body)) is OutcomeUnknown


async def test_an_order_arrives_with_its_id_size_and_deadline_and_is_told_in_the_venue_s_own_digits(
    okx: RunningVenue,
) -> None:
    intent = sale(okx)
    async with reach(okx) as at:
        order_id, told = await at.account.place(intent, now())
        by_id = (await at.account.orders_by_id([(order_id, ETH), ("1", ETH)]))[order_id]
        by_ours = await at.account.find(intent.client_order_id, ETH, now() - timedelta(minutes=1))
        nothing = await at.account.find("0" * 32, ETH, now() - timedelta(minutes=1))
        traded = await at.account.order_ids_traded(ETH, now() - timedelta(minutes=1))

    (call,) = [c for c in okx.call_log() if c.params.get("clOrdId") == intent.client_order_id and "sz" in c.params]
    assert (
        call.endpoint,
        call.params["sz"],
        call.params["tgtCcy"],
        call.params["tdMode"],
        call.params["banAmend"],
    ) == (
        "trade/order",
        "0.01",
        "base_ccy",
        "cash",
        "true",
    )
    assert (told, nothing) == (None, None)
    assert (by_id.state, by_id.filled, by_id.average_price) == (OrderState.FILLED, Decimal("0.01"), Decimal("2500.01"))
    assert (by_id.fee, by_id.fee_asset) == (Decimal("0.1000004"), "USDT")
    assert by_id == by_ours
    assert order_id in traded


async def test_an_order_that_reaches_the_venue_after_its_deadline_is_void(okx: RunningVenue) -> None:
    before = len(okx.orders("platform"))
    async with reach(okx) as at:
        with pytest.raises(VenueRefused) as caught:
            await at.account.place(sale(okx), now() - timedelta(hours=1))

    assert caught.value.detail.startswith("50036")
    assert len(okx.orders("platform")) == before


async def test_an_order_that_the_details_have_forgotten_is_found_in_the_history(okx: RunningVenue) -> None:
    intent = sale(okx)
    async with reach(okx) as at:
        order_id, _ = await at.account.place(intent, now())
        okx.set_faults({"operation": "order", "fault": "error", "code": 51603, "times": None})
        found = await at.account.find(intent.client_order_id, ETH, now() - timedelta(minutes=1))
        by_id = await at.account.orders_by_id([(order_id, ETH)])

    assert found is not None
    assert (found.order_id, found.state, by_id) == (order_id, OrderState.FILLED, {})


@pytest.mark.parametrize("code", [51400, 51503, 51001])
async def test_only_the_venue_s_own_word_for_it_means_that_there_is_no_such_order(okx: RunningVenue, code: int) -> None:
    async with reach(okx) as at:
        okx.set_faults({"operation": "order", "fault": "error", "code": code, "times": None})
        with pytest.raises(VenueError):
            await at.account.find("0" * 32, ETH, now() - timedelta(minutes=1))


async def test_an_order_of_a_market_that_is_gone_is_found_and_its_absence_proves_nothing() -> None:
    with RunningVenue(a_world("okx", {"platform": OWNED})) as venue:
        intent = sale(venue)
        async with reach(venue) as at:
            order_id, _ = await at.account.place(intent, now())
            venue.set_market(ETH, "delisted")
            by_id = await at.account.orders_by_id([(order_id, ETH)])
            found = await at.account.find(intent.client_order_id, ETH, now() - timedelta(minutes=1))
            with pytest.raises(VenueError) as caught:
                await at.account.find("0" * 32, ETH, now() - timedelta(minutes=1))

    assert (by_id, caught.value.code) == ({}, "BAD_SYMBOL")
    assert found is not None
    assert (found.order_id, found.symbol, found.state) == (order_id, ETH, OrderState.FILLED)


async def test_a_stranger_s_purchase_for_an_amount_of_quote_can_be_read() -> None:
    buy = {"instId": "ETH-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "100", "clOrdId": "his"}
    with RunningVenue(a_world("okx", {"platform": OWNED})) as venue:
        async with reach(venue) as at:
            (row,) = (await at.account._client.privatePostTradeOrder(buy))["data"]
            order = (await at.account.orders_by_id([(row["ordId"], ETH)]))[row["ordId"]]
            venue.set_fills("never")
            await at.account._client.privatePostTradeOrder(buy)
            (waits,) = await at.account.open_orders()

    assert (order.state, order.quantity, order.client_order_id) == (OrderState.FILLED, order.filled, "his")
    assert order.filled == Decimal("0.03999984")
    assert waits.quantity == 0


async def test_more_orders_than_a_page_holds_are_all_listed() -> None:
    with RunningVenue(a_world("okx", {"platform": OWNED}, max_open_orders=300)) as venue:
        async with reach(venue) as at:
            row = {
                "instId": "ETH-USDT",
                "tdMode": "cash",
                "side": "sell",
                "ordType": "limit",
                "px": "9000",
                "sz": "0.1",
            }
            for start in range(0, 220, 20):
                batch = [row | {"clOrdId": f"o{number}"} for number in range(start, start + 20)]
                await at.account._client.privatePostTradeBatchOrders(batch)
            found = await at.account.open_orders()
            (eth,) = [h for h in await at.account.holdings() if h.asset == "ETH"]
            await at.account.cancel(found[0].order_id, ETH)
            await at.account.cancel(found[0].order_id, ETH)  # gone already: no fault

    assert {order.client_order_id for order in found} == {f"o{number}" for number in range(220)}
    assert {(order.side, order.quantity) for order in found} == {("sell", Decimal("0.1"))}
    assert (eth.free, eth.held, eth.locked) == (Decimal(78), Decimal(22), Decimal(0))


async def test_more_fills_than_a_page_holds_are_all_read() -> None:
    with RunningVenue(a_world("okx", {"platform": OWNED})) as venue:
        async with reach(venue) as at:
            row = {"instId": "ETH-USDT", "tdMode": "cash", "side": "sell", "ordType": "market", "sz": "0.1"}
            for start in range(0, 120, 20):
                batch = [row | {"clOrdId": f"o{number}"} for number in range(start, start + 20)]
                await at.account._client.privatePostTradeBatchOrders(batch)
            recent = await at.account.order_ids_traded(ETH, now() - timedelta(minutes=1))
            old = await at.account.order_ids_traded(ETH, now() - timedelta(days=30))
            venue.set_faults({"operation": "order", "fault": "error", "code": 51603, "times": None})
            oldest = await at.account.find("o0", ETH, now() - timedelta(minutes=1))
        made = {order.id for order in venue.orders("platform")}
        asked = [call.endpoint for call in venue.call_log() if call.operation == "trades"]

    assert recent == old == made
    assert asked == ["trade/fills"] * 2 + ["trade/fills-history"] * 2
    assert len(made) == 120
    assert oldest is not None


# --- balances


async def test_balances_are_the_venue_s_own_digits() -> None:
    owned = {"BTC": "0.12345678", "ETH": "90071992547.40993001", "USDT": "1234567.89", "DOGE": "0"}
    with RunningVenue(a_world("okx", {"platform": owned})) as venue:
        async with reach(venue) as at:
            found = await at.account.holdings()

    assert {h.asset: h.total for h in found} == {a: Decimal(total) for a, total in owned.items() if total != "0"}


async def test_what_is_owed_is_not_ours() -> None:
    owed = {"accounts": {"platform": {"balances": {"ETH": "5", "USDT": "10"}, "borrowed": {"ETH": "2"}}}}
    with RunningVenue(World.model_validate(a_world("okx", {}).model_dump() | owed)) as venue:
        async with reach(venue) as at:
            found = {h.asset: h for h in await at.account.holdings()}

    assert (found["ETH"].free, found["ETH"].held) == (Decimal(3), Decimal(0))


# Two rows follow the examples in https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance.
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"cashBal": "4850.435693622894", "availBal": "4834.317093622894", "availEq": "4834.3170936228935"}
            | {"eq": "4992.890093622894", "frozenBal": "158.573", "ordFrozen": "0", "stgyEq": "150", "liab": "0"},
            ("4834.317093622894", "0", "158.573"),
        ),
        (
            {"cashBal": "0.049", "availBal": "0.049", "availEq": "", "eq": "0.049", "frozenBal": "0", "liab": ""},
            ("0.049", "0", "0"),
        ),
        ({"cashBal": "10", "availBal": "", "frozenBal": "4", "ordFrozen": "", "eq": "10"}, ("6", "4", "0")),
        ({"cashBal": "10", "availBal": "6", "frozenBal": "4", "ordFrozen": "3", "unheard": None}, ("6", "3", "1")),
        ({"cashBal": "3", "availBal": "3", "frozenBal": "0", "ordFrozen": "0", "liab": "5", "eq": "0"}, None),
        ({"cashBal": "-5", "availBal": "0", "frozenBal": "0", "liab": "5", "eq": "-5"}, None),
        ({"cashBal": "0", "availBal": "0", "frozenBal": "0", "ordFrozen": "0", "eq": "7"}, ("0", "0", "7")),
    ],
)
async def test_a_balance_is_read_in_every_account_mode(
    okx: RunningVenue, row: dict[str, Any], expected: tuple[str, str, str] | None
) -> None:
    async with reach(okx) as at:
        okx.set_faults(replayed("balance", answered([{"totalEq": "1", "details": [{"ccy": "ETH", **row}]}])))
        found = await at.account.holdings()

    assert [(h.free, h.held, h.locked) for h in found] == ([tuple(map(Decimal, expected))] if expected else [])


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"totalEq": "1"}],
        [{"totalEq": "1", "details": None}],
        [{"details": [{"ccy": "ETH", "availBal": "NaN", "frozenBal": "0"}]}],
        [{"details": [{"ccy": "ETH", "availBal": "-1", "frozenBal": "0"}]}],
        [{"details": [{"ccy": "ETH", "availBal": "", "frozenBal": "0"}]}],
        [{"details": []}, {"details": []}],
    ],
)
async def test_a_balance_that_cannot_be_read_is_no_balance(okx: RunningVenue, rows: list[Any]) -> None:
    async with reach(okx) as at:
        okx.set_faults(replayed("balance", answered(rows)))
        with pytest.raises(VenueUnavailable):
            await at.account.holdings()


@pytest.mark.parametrize("fault", SILENCES, ids=str)
async def test_a_read_without_a_readable_answer_raises(okx: RunningVenue, fault: dict[str, Any]) -> None:
    async with reach(okx) as at:
        okx.set_faults({"operation": "balance", "times": None, **fault})
        with pytest.raises(VenueUnavailable):
            await at.account.holdings()


# --- equity and permissions


async def test_equity_is_told_in_dollars_and_converted_by_the_quote_s_own_worth(okx: RunningVenue) -> None:
    async with reach(okx) as at:
        in_dollars = await at.account.reported_equity("USD")
        in_quote = await at.account.reported_equity("USDT")
        in_none_that_is_held = await at.account.reported_equity("AUT")

    totals = okx.balances("platform")
    prices = {"USDT": Decimal(1), "BTC": Decimal("50000.1"), "ETH": Decimal("2500.01"), "DOGE": Decimal("0.0812345")}
    expected = sum(totals[asset] * price for asset, price in prices.items())
    assert in_quote is not None
    assert abs(in_quote - expected) < Decimal("0.000001")
    assert in_dollars == expected * Decimal("0.9996")
    assert in_none_that_is_held is None  # the venue has no dollar price of it


@pytest.mark.parametrize("total", ["", None, "NaN"])
async def test_equity_that_cannot_be_read_is_not_known(okx: RunningVenue, total: str | None) -> None:
    usdt = {"ccy": "USDT", "eq": "10", "eqUsd": "9.99"}
    async with reach(okx) as at:
        okx.set_faults(replayed("balance", answered([{"totalEq": total, "details": [usdt]}])))

        assert await at.account.reported_equity("USDT") is None


@pytest.mark.parametrize(
    ("perm", "trade", "withdraw"),
    [("read_only,withdraw,trade", True, True), ("read_only,trade", True, False), ("read_only", False, False)],
)
async def test_permissions_are_those_of_the_key(okx: RunningVenue, perm: str, trade: bool, withdraw: bool) -> None:
    async with reach(okx) as at:
        okx.set_faults(replayed("permissions", answered([{"perm": perm, "acctLv": "1", "unheard": []}])))
        found = await at.account.permissions()

    assert found is not None
    assert (found.trade, found.withdraw) == (trade, withdraw)


async def test_an_answer_without_permissions_says_nothing(okx: RunningVenue) -> None:
    async with reach(okx) as at:
        okx.set_faults(replayed("permissions", answered([{"acctLv": "1"}])))
        with pytest.raises(VenueUnavailable):
            await at.account.permissions()


# --- markets and time


async def test_loading_takes_two_calls_and_no_key() -> None:
    with RunningVenue(a_world("okx", {"platform": OWNED})) as venue:
        async with reach(venue) as at:
            market = at.shared.markets("USDT")[ETH]
        calls = sorted(call.endpoint for call in venue.call_log())

    assert calls == ["public/instruments", "public/time"]
    assert (market.lot_step, market.minimum_quantity, market.minimum_notional) == (
        Decimal("1E-8"),
        Decimal("1E-8"),
        None,
    )


async def test_the_venue_s_hour_is_read(okx: RunningVenue) -> None:
    async with reach(okx) as at:
        there = await at.account.venue_time()

    assert there is not None
    assert abs(there - now()) < timedelta(seconds=5)


async def test_prices_with_nothing_or_more_in_them_than_usual_are_read_as_they_are(okx: RunningVenue) -> None:
    rows = [
        {"instType": "SPOT", "instId": "BTC-USDT", "last": "50000.10", "ts": "1700000000000", "unheard": {"of": []}},
        {"instType": "SPOT", "instId": "ETH-USDT", "last": "", "askPx": "", "ts": "1700000000000"},
        {"instType": "SPOT", "instId": "DOGE-USDT", "last": "0.000000012345", "ts": None},
    ]
    async with reach(okx) as at:
        okx.set_faults(replayed("tickers", answered(rows)))
        tickers = await at.shared.tickers(at.account._policy)

    assert {symbol: str(price.value) for symbol, price in tickers.prices.items()} == {
        "BTC/USDT": "50000.10",
        "DOGE/USDT": "1.2345E-8",
    }
