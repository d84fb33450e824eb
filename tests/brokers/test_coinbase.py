"""What Nija makes of Coinbase: wallets, worth, rights, orders, and every kind of answer that is none. Over the wire."""

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from brokers.coinbase import Coinbase
from brokers.coinbase_client import CoinbaseClient
from brokers.order_window import OrderWindow, sending_within
from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import Account
from brokers.venues import capabilities_of
from models.errors import OutcomeUnknown, SignAgain, VenueError, VenueRefused, VenueUnavailable
from models.order import Intent
from models.reasons import OrderState
from tests.brokers.at_venue import TRIES, Reached, a_world, hub, impatient, reach, shared_at
from tests.brokers.test_errors import SILENCES
from tests.builders import an_intent

pytestmark = pytest.mark.wire

_NUMBERS = count(1)
OWNED = {"USD": "1000", "BTC": "10", "ETH": "100", "AUT": "5"}


@pytest.fixture(scope="module")
def coinbase_of_all() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("coinbase", {"platform": OWNED})) as venue:
        yield venue


@pytest.fixture
def coinbase(coinbase_of_all: RunningVenue) -> Iterator[RunningVenue]:
    yield coinbase_of_all
    coinbase_of_all.set_faults()


def sale(**values: Any) -> Intent:
    """Return a small sale that no other test's order can be mistaken for."""
    return an_intent(**{"symbol": "ETH/USD", "quantity": "0.01", "client_order_id": uuid.uuid4().hex, **values})


def replayed(venue: RunningVenue, operation: str, answer: dict[str, Any], **fault: Any) -> None:
    """Let the venue answer every call of an operation with this."""
    told = {"fault": "status", "status": 200, "body": json.dumps(answer), "times": None, **fault}
    venue.set_faults({"operation": operation, **told})


async def amounts_of(at: Reached) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    return {h.asset: (h.free, h.held, h.locked) for h in await at.account.holdings()}


def a_wallet(currency: str, value: str, hold: str = "0", **changes: Any) -> dict[str, Any]:
    wallet = {
        "uuid": str(next(_NUMBERS)),
        "name": f"{currency} Wallet",
        "currency": currency,
        "available_balance": {"value": value, "currency": currency},
        "default": True,
        "active": True,
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": hold, "currency": currency},
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }
    return wallet | changes


def wallets(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"accounts": list(rows), "has_next": False, "cursor": "", "size": len(rows)} | changes


def an_order(**changes: Any) -> dict[str, Any]:
    order = {
        "order_id": "9bc1eb3b-5b46-4b71-9628-ae2ed0cca75b",
        "product_id": "ETH-USD",
        "order_configuration": {"market_market_ioc": {"base_size": "0.01"}},
        "side": "SELL",
        "client_order_id": "e5fe8482",
        "status": "FILLED",
        "created_time": "2023-01-16T23:37:23.947030Z",
        "filled_size": "0.01",
        "average_filled_price": "2500.0099999999999999",
        "total_fees": "0.1000004",
        "order_type": "MARKET",
        "something_new": {"deep": [None]},
    }
    return order | changes


ID = an_order()["order_id"]


async def placement_fault(venue: RunningVenue, **fault: Any) -> VenueError:
    """Place an order that meets a fault; return what it comes out as."""
    async with reach(venue) as at:
        venue.set_faults({"operation": "place", "times": None, **fault})
        with pytest.raises(VenueError) as caught:
            await at.account.place(sale(), datetime.now(UTC))
    return caught.value


# --- balances


async def test_what_an_open_order_holds_is_held_until_it_is_canceled() -> None:
    with RunningVenue(a_world("coinbase", {"platform": {"ETH": "1.5"}}, fills=[{"mode": "never"}])) as venue:
        async with reach(venue) as at:
            intent = sale()
            order_id, _ = await at.account.place(intent, datetime.now(UTC))
            during = (await amounts_of(at))["ETH"]
            (resting,) = await at.account.open_orders()
            await at.account.cancel(order_id, intent.symbol)
            await at.account.cancel(order_id, intent.symbol)  # gone already: no fault
            after = (await amounts_of(at))["ETH"]

    assert during == (Decimal("1.49"), Decimal("0.01"), Decimal(0))
    assert (resting.order_id, resting.client_order_id, resting.quantity) == (
        order_id,
        intent.client_order_id,
        Decimal("0.01"),
    )
    assert after == (Decimal("1.5"), Decimal(0), Decimal(0))


async def test_what_is_staked_or_in_a_vault_is_locked() -> None:
    owned = {"ETH": "1", "ETH.S": "0.5", "BTC.V": "2", "AUT.S": "3"}
    with RunningVenue(a_world("coinbase", {"platform": owned})) as venue:
        async with reach(venue) as at:
            found = await amounts_of(at)

    zero = Decimal(0)
    assert found == {
        "ETH": (Decimal(1), zero, Decimal("0.5")),
        "BTC": (zero, zero, Decimal(2)),
        "AUT": (zero, zero, Decimal(3)),
    }


async def test_wallets_of_one_currency_add_up_and_those_out_of_reach_are_locked(coinbase: RunningVenue) -> None:
    rows = [
        a_wallet("BTC", "1.0000000000000001", "0.5"),
        a_wallet("BTC", "2"),
        a_wallet("BTC", "4", ready=False),
        a_wallet("BTC", "8", "1", active=False),
        a_wallet("USD", "16", type="ACCOUNT_TYPE_FIAT", platform="ACCOUNT_PLATFORM_CFM_CONSUMER"),
        a_wallet("ETH", "32", ready=None, active=None, type=None, platform=None),
        a_wallet("ETH2", "64"),
        a_wallet("CGLD", "128"),
    ]
    async with reach(coinbase) as at:
        replayed(coinbase, "balance", wallets(*rows))
        found = await amounts_of(at)

    zero = Decimal(0)
    assert found == {
        "BTC": (Decimal("3.0000000000000001"), Decimal("0.5"), Decimal(13)),
        "USD": (zero, zero, Decimal(16)),
        "ETH": (Decimal(32), zero, Decimal(64)),
        "CELO": (Decimal(128), zero, zero),
    }


async def test_every_page_of_wallets_is_read() -> None:
    many = {f"C{number}": "1" for number in range(260)}
    with RunningVenue(a_world("coinbase", {"platform": many})) as venue:
        async with reach(venue) as at:
            assert len(await at.account.holdings()) == 260
        assert venue.calls("balance") == 2


ONE = a_wallet("BTC", "1")


@pytest.mark.parametrize(
    "answer",
    [
        wallets(a_wallet("BTC", "NaN")),
        wallets(a_wallet("BTC", "-1")),
        wallets(a_wallet("BTC", "")),
        wallets(a_wallet("BTC", "1") | {"hold": None}),
        wallets(a_wallet("BTC", "1") | {"available_balance": {"currency": "BTC"}}),
        wallets(ONE, ONE),
        wallets(ONE, has_next=True),
        wallets(ONE, has_next="true"),
        wallets(ONE, has_next=True, cursor="1"),  # the same page again
        wallets() | {"accounts": None},
        {"data": []},
    ],
    ids=str,
)
async def test_wallets_that_cannot_be_read_are_no_balance(coinbase: RunningVenue, answer: dict[str, Any]) -> None:
    async with reach(coinbase) as at:
        replayed(coinbase, "balance", answer)
        with pytest.raises(VenueUnavailable) as caught:
            await at.account.holdings()

    assert caught.value.code == "MALFORMED_ANSWER"


@pytest.mark.parametrize("status", [403, 404])
async def test_without_its_portfolio_the_balance_is_not_known(coinbase: RunningVenue, status: int) -> None:
    async with reach(coinbase) as at:
        coinbase.set_faults({"operation": "equity", "fault": "error", "code": "X", "status": status, "times": None})
        with pytest.raises((VenueRefused, VenueUnavailable)):
            await at.account.holdings()


async def test_without_an_answer_about_the_portfolio_the_balance_is_not_known(coinbase: RunningVenue) -> None:
    async with reach(coinbase) as at:
        coinbase.set_faults({"operation": "equity", "fault": "html", "times": None})
        with pytest.raises(VenueUnavailable):
            await at.account.holdings()


# --- worth and rights


async def test_the_worth_of_the_portfolio_is_told_in_its_own_currency_only(coinbase: RunningVenue) -> None:
    async with reach(coinbase) as at:
        told = await at.account.reported_equity("USD")
        other = await at.account.reported_equity("EUR")

    assert told is not None
    assert told > Decimal(700_000)
    assert other is None


async def test_a_missing_portfolio_is_a_refusal_with_the_venue_s_reason(coinbase: RunningVenue) -> None:
    async with reach(coinbase) as at:
        missing = {"code": "NOT_FOUND", "message": "portfolio not found", "status": 404}
        coinbase.set_faults({"operation": "equity", "fault": "error", "times": None, **missing})
        adapter = Coinbase(capabilities_of("coinbase"))
        with pytest.raises(VenueRefused) as caught:
            await at.account._read("equity", lambda: adapter.reported_equity(at.account._client, "USD"))

        assert await at.account.reported_equity("USD") is None
    assert (caught.value.code, caught.value.detail) == ("PORTFOLIO_MISSING", "NOT_FOUND portfolio not found")


@pytest.mark.parametrize(("trade", "withdraw"), [(True, False), (False, True)])
async def test_a_key_s_rights_are_told(trade: bool, withdraw: bool) -> None:
    account = Account(may_trade=trade, may_withdraw=withdraw)
    world = a_world("coinbase", {}).model_copy(update={"accounts": {"platform": account}})
    with RunningVenue(world) as venue:
        async with reach(venue) as at:
            given = await at.account.permissions()

    assert given is not None
    assert (given.trade, given.withdraw) == (trade, withdraw)
    assert "portfolio DEFAULT" in given.detail


async def test_rights_that_are_not_told_are_not_taken_for_granted(coinbase: RunningVenue) -> None:
    async with reach(coinbase) as at:
        replayed(coinbase, "permissions", {"can_view": True, "can_trade": True, "can_transfer": None})
        with pytest.raises(VenueUnavailable):
            await at.account.permissions()


# --- markets and prices


async def test_markets_and_prices_come_by_one_call_each(coinbase: RunningVenue) -> None:
    before = coinbase.calls("markets"), coinbase.calls("tickers"), coinbase.calls("currencies")
    async with reach(coinbase) as at:
        prices = (await at.shared.tickers(impatient())).prices
        market = at.shared.markets("USD")["BTC/USD"]
    after = coinbase.calls("markets"), coinbase.calls("tickers"), coinbase.calls("currencies")

    assert [later - earlier for later, earlier in zip(after, before, strict=True)] == [1, 1, 0]
    assert {symbol: price.value for symbol, price in prices.items()} == {
        "BTC/USD": Decimal("50000.1"),
        "ETH/USD": Decimal("2500.01"),
        "DOGE/USD": Decimal("0.0812345"),
    }
    assert (market.lot_step, market.minimum_notional, market.active) == (Decimal("1e-8"), Decimal(0), True)


@pytest.mark.parametrize(
    ("changed", "active"),
    [
        ({}, True),
        ({"status": ""}, True),
        ({"status": "delisted"}, False),
        ({"is_disabled": True}, False),
        ({"trading_disabled": True}, False),
        ({"cancel_only": True}, False),
        ({"limit_only": True}, False),
        ({"view_only": True}, False),
        ({"auction_mode": True}, False),
    ],
    ids=str,
)
async def test_a_market_that_takes_no_market_order_is_not_active(
    coinbase: RunningVenue, changed: dict[str, Any], active: bool
) -> None:
    product = {"product_id": "BTC-USD", "base_currency_id": "BTC", "quote_currency_id": "USD", "status": "online"}
    product |= {"product_type": "SPOT", "base_increment": "0.00000001", "quote_min_size": "1", "price": "1"}
    future = {"product_id": "BIP-20DEC30-CDE", "product_type": "FUTURE", "base_currency_id": "", "price": "1"}
    async with hub() as venues:
        shared = shared_at(venues, coinbase)
        replayed(coinbase, "markets", {"products": [product | changed, future], "num_products": 2})
        await shared.load(impatient())

    assert {symbol: market.active for symbol, market in shared.markets("USD").items()} == {"BTC/USD": active}
    assert shared.markets("USD")["BTC/USD"].minimum_notional == Decimal(1)


# --- orders


async def test_an_order_is_found_by_its_ids_with_the_venue_s_own_digits(coinbase: RunningVenue) -> None:
    intent, since = sale(), datetime.now(UTC) - timedelta(minutes=1)
    async with reach(coinbase) as at:
        order_id, at_once = await at.account.place(intent, datetime.now(UTC))
        by_id = (await at.account.orders_by_id([(order_id, "ETH/USD"), (ID, "ETH/USD")]))[order_id]
        ours = await at.account.find(intent.client_order_id, "ETH/USD", since)
        nobody_s = await at.account.find("0" * 32, "ETH/USD", since)
        elsewhere = await at.account.find(intent.client_order_id, "BTC/USD", since)
        traded = await at.account.order_ids_traded("ETH/USD", since)
        other_trades = await at.account.order_ids_traded("BTC/USD", since)

    assert at_once is None  # the answer to an order says nothing of its fills
    assert by_id == ours
    assert (by_id.state, by_id.filled, by_id.average_price) == (OrderState.FILLED, Decimal("0.01"), Decimal("2500.01"))
    assert (by_id.fee, by_id.fee_asset) == (Decimal("0.1000004"), "USD")
    assert (nobody_s, elsewhere, other_trades) == (None, None, frozenset())
    assert order_id in traded


async def test_every_page_of_orders_and_fills_is_read() -> None:
    with RunningVenue(a_world("coinbase", {"platform": {"ETH": "100"}})) as venue:
        async with reach(venue) as at:
            first = sale()
            ids = {(await at.account.place(i, datetime.now(UTC)))[0] for i in (first, *(sale() for _ in range(100)))}
            since = datetime.now(UTC) - timedelta(minutes=5)
            found = await at.account.find(first.client_order_id, "ETH/USD", since)
            traded = await at.account.order_ids_traded("ETH/USD", since)

    assert found is not None
    assert found.client_order_id == first.client_order_id
    assert (len(ids), traded) == (101, ids)


@pytest.mark.parametrize(
    ("changed", "state", "filled"),
    [
        ({}, OrderState.FILLED, "0.01"),
        ({"total_fees": None, "average_filled_price": "2500"}, OrderState.FILLED, "0.01"),
        ({"status": "PENDING", "filled_size": "0"}, OrderState.OPEN, "0"),
        ({"status": "QUEUED", "filled_size": "0"}, OrderState.OPEN, "0"),
        ({"status": "CANCEL_QUEUED", "filled_size": "0.004"}, OrderState.PARTIAL, "0.004"),
        ({"status": "CANCELLED", "filled_size": "0.004"}, OrderState.PARTIALLY_FILLED, "0.004"),
        ({"status": "FAILED", "filled_size": "0"}, OrderState.CANCELED, "0"),
        ({"status": "EXPIRED", "filled_size": "0"}, OrderState.CANCELED, "0"),
        ({"order_configuration": {"market_market_ioc": {"quote_size": "25"}}}, OrderState.FILLED, "0.01"),
        ({"order_configuration": {"trigger_bracket_gtc": {"base_size": "0.01"}}}, OrderState.FILLED, "0.01"),
    ],
    ids=str,
)
async def test_an_order_is_read_in_every_shape_the_venue_has(
    coinbase: RunningVenue, changed: dict[str, Any], state: OrderState, filled: str
) -> None:
    async with reach(coinbase) as at:
        replayed(coinbase, "order", {"order": an_order(**changed)})
        order = (await at.account.orders_by_id([(ID, "ETH/USD")]))[ID]

    assert (order.state, order.filled) == (state, Decimal(filled))
    assert (order.fee is None) == ("total_fees" in changed)


@pytest.mark.parametrize(
    "answer",
    [
        {"order": {}},
        {"order": None},
        {"order": an_order(order_id="another")},
        {"order": an_order(status="UNKNOWN_ORDER_STATUS")},
        {"order": an_order(status="SOMETHING_NEW")},
        {"order": an_order(filled_size=None)},
        {"order": an_order(filled_size="NaN")},
        {"orders": []},
    ],
    ids=str,
)
async def test_an_order_that_cannot_be_read_is_neither_found_nor_missing(
    coinbase: RunningVenue, answer: dict[str, Any]
) -> None:
    async with reach(coinbase) as at:
        replayed(coinbase, "order", answer)
        with pytest.raises(VenueUnavailable):
            await at.account.orders_by_id([(ID, "ETH/USD")])


async def test_an_open_order_of_any_configuration_is_listed(coinbase: RunningVenue) -> None:
    bracket = {"trigger_bracket_gtc": {"base_size": "0.5", "limit_price": "1", "stop_trigger_price": "2"}}
    order = an_order(status="OPEN", filled_size="0.2", client_order_id="", order_configuration=bracket)
    async with reach(coinbase) as at:
        replayed(coinbase, "open_orders", {"orders": [order], "has_next": False, "cursor": ""})
        (resting,) = await at.account.open_orders()

    assert (resting.quantity, resting.side, resting.symbol) == (Decimal("0.3"), "sell", "ETH/USD")


async def test_an_order_in_usdc_is_known_when_it_shows_under_usd() -> None:
    markets = [{"symbol": f"ETH/{quote}", "price": "2500"} for quote in ("USD", "USDC")]
    with RunningVenue(a_world("coinbase", {"platform": {"ETH": "1"}}, markets=markets)) as venue:
        async with reach(venue) as at:
            at.account._client.markets["ETH/USDC"]["info"]["alias"] = "ETH-USD"
            intent = sale()
            order_id, _ = await at.account.place(intent, datetime.now(UTC))
            since = datetime.now(UTC) - timedelta(minutes=1)
            found = await at.account.find(intent.client_order_id, "ETH/USDC", since)
            traded = await at.account.order_ids_traded("ETH/USDC", since)

    assert found is not None
    assert (found.order_id, found.symbol) == (order_id, "ETH/USDC")
    assert traded == {order_id}


@pytest.mark.parametrize(
    ("result", "is_refused"),
    [
        ({"success": False, "failure_reason": "ORDER_IS_FULLY_FILLED"}, False),
        ({"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER"}, False),
        ({"success": False, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON"}, True),
        ({"success": None, "failure_reason": None}, False),
        ({}, True),
        (None, True),
    ],
    ids=str,
)
async def test_a_cancel_that_proves_nothing_raises(coinbase: RunningVenue, result: Any, is_refused: bool) -> None:
    async with reach(coinbase) as at:
        replayed(coinbase, "cancel", {"results": [] if result is None else [result | {"order_id": ID}]})
        if not is_refused:
            await at.account.cancel(ID, "ETH/USD")
            return
        with pytest.raises(VenueUnavailable):
            await at.account.cancel(ID, "ETH/USD")


# --- refusals and unknown outcomes


@pytest.mark.parametrize(
    ("reason", "status", "meaning", "code"),
    [
        ("INSUFFICIENT_FUND", None, VenueRefused, "INSUFFICIENT_FUNDS"),
        ("PREVIEW_INSUFFICIENT_FUND", None, VenueRefused, "INSUFFICIENT_FUNDS"),
        ("INVALID_SIZE_PRECISION", None, VenueRefused, "INVALID_ORDER"),
        ("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", None, VenueRefused, "INVALID_ORDER"),
        ("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", None, VenueRefused, "INVALID_ORDER"),
        ("INVALID_NO_LIQUIDITY", None, VenueRefused, "INVALID_ORDER"),
        ("COMMANDER_REJECTED_NEW_ORDER", None, VenueRefused, "INVALID_ORDER"),
        ("INVALID_PRODUCT_ID", None, VenueRefused, "BAD_SYMBOL"),
        ("ORDER_ENTRY_DISABLED", None, VenueRefused, "MARKET_CLOSED"),
        ("UNTRADABLE_PRODUCT", None, VenueRefused, "MARKET_CLOSED"),
        ("UNSUPPORTED_ORDER_CONFIGURATION", None, VenueRefused, "BAD_REQUEST"),
        ("GEOFENCING_RESTRICTION", None, VenueRefused, "PERMISSION_DENIED"),
        ("INVALID_ARGUMENT", 400, VenueRefused, "BAD_REQUEST"),
        ("PERMISSION_DENIED", 403, VenueRefused, "PERMISSION_DENIED"),
        ("NOT_FOUND", 404, VenueRefused, "BAD_REQUEST"),
        ("RESOURCE_EXHAUSTED", 429, VenueRefused, "RATE_LIMITED"),
        ("UNKNOWN_FAILURE_REASON", None, OutcomeUnknown, "VENUE_ERROR"),
        ("SOMETHING_NEW", None, OutcomeUnknown, "VENUE_ERROR"),
        ("SOMETHING_NEW", 400, OutcomeUnknown, "VENUE_ERROR"),
        ("INTERNAL", 500, OutcomeUnknown, "UNREACHABLE"),
        ("INVALID_ARGUMENT", 500, OutcomeUnknown, "UNREACHABLE"),
        ("UNAVAILABLE", 503, OutcomeUnknown, "UNREACHABLE"),
        ("INVALID_DUPLICATE_ORDER", None, OutcomeUnknown, "INVALID_ORDER"),
    ],
)
async def test_what_coinbase_answers_to_an_order(
    coinbase: RunningVenue, reason: str, status: int | None, meaning: type[VenueError], code: str
) -> None:
    error = await placement_fault(coinbase, fault="error", code=reason, message="in words", status=status)

    assert (type(error), error.code, error.detail) == (meaning, code, f"{reason} in words")


async def test_a_key_that_was_taken_away_is_a_refusal(coinbase: RunningVenue) -> None:
    error = await placement_fault(coinbase, fault="auth_revoked")

    assert (type(error), error.code, error.detail) == (VenueRefused, "AUTHENTICATION", "Unauthorized")


async def test_an_order_refused_for_the_hour_alone_may_be_signed_again(coinbase: RunningVenue) -> None:
    assert type(await placement_fault(coinbase, fault="clock_error")) is SignAgain


@pytest.mark.parametrize("fault", SILENCES, ids=str)
async def test_an_order_without_a_readable_answer_has_no_known_outcome_and_is_sent_once(
    coinbase: RunningVenue, fault: dict[str, Any]
) -> None:
    before = coinbase.calls("place")

    error = await placement_fault(coinbase, **fault)

    assert type(error) is OutcomeUnknown
    assert coinbase.calls("place") == before + 1


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False},
        {"success": False, "order_id": ID},
        {"success": True},
        {"success": True, "success_response": None},
        {"success": True, "success_response": {"order_id": ""}},
        {"success": False, "error_response": {}},
        {"success": False, "error_response": {"error": None, "message": None, "preview_failure_reason": None}},
    ],
    ids=str,
)
async def test_an_answer_that_names_neither_an_order_nor_a_reason_proves_nothing(
    coinbase: RunningVenue, answer: dict[str, Any]
) -> None:
    error = await placement_fault(coinbase, fault="status", status=200, body=json.dumps(answer))

    assert type(error) is OutcomeUnknown


@pytest.mark.parametrize("operation", ["balance", "open_orders"])
async def test_a_read_without_a_readable_answer_raises_and_is_tried_again(
    coinbase: RunningVenue, operation: str
) -> None:
    async with reach(coinbase) as at:
        read = at.account.holdings if operation == "balance" else at.account.open_orders
        for fault in SILENCES:
            before = coinbase.calls(operation)
            coinbase.set_faults({"operation": operation, "times": None, **fault})
            if fault["fault"] == "null_fields" and operation == "open_orders":
                assert await read() == ()  # there was none, and no field to lose
                continue
            with pytest.raises(VenueUnavailable):
                await read()
            assert coinbase.calls(operation) >= before + TRIES, fault


@pytest.mark.parametrize(
    ("fault", "meaning", "code"),
    [
        ("auth_revoked", VenueRefused, "AUTHENTICATION"),
        ("rate_limited", VenueUnavailable, "RATE_LIMITED"),
        ("maintenance", VenueUnavailable, "UNREACHABLE"),
        ("clock_error", SignAgain, "NONCE_OR_CLOCK"),
        ("nan_numbers", VenueUnavailable, "MALFORMED_ANSWER"),
        ("wrong_types", VenueUnavailable, "MALFORMED_ANSWER"),
        ("duplicated_rows", VenueUnavailable, "MALFORMED_ANSWER"),
    ],
)
async def test_what_a_refused_read_means(
    coinbase: RunningVenue, fault: str, meaning: type[VenueError], code: str
) -> None:
    async with reach(coinbase) as at:
        coinbase.set_faults({"operation": "balance", "fault": fault, "times": None})
        with pytest.raises(VenueError) as caught:
            await at.account.holdings()

    assert (type(caught.value), caught.value.code) == (meaning, code)


# --- the key


async def test_a_private_key_may_be_given_on_one_line(coinbase: RunningVenue) -> None:
    secret = coinbase.credentials("platform").api_secret.replace("\n", r"\n")
    async with reach(coinbase, secret=secret) as at:
        assert await at.account.holdings()


@pytest.mark.parametrize("secret", ["-----BEGIN nothing", "c29tZXRoaW5nIGVsc2U=", "short"])
async def test_a_secret_that_is_none_is_a_matter_of_authentication(coinbase: RunningVenue, secret: str) -> None:
    before = coinbase.calls("place")
    async with reach(coinbase, secret=secret) as at:
        with pytest.raises(VenueRefused) as read:
            await at.account.holdings()
        with pytest.raises(VenueRefused) as placed:
            await at.account.place(sale(), datetime.now(UTC))

    assert (read.value.code, placed.value.code) == ("AUTHENTICATION", "AUTHENTICATION")
    assert len(coinbase.orders("platform")) <= before


async def test_an_order_in_a_market_that_is_gone_is_still_found() -> None:
    with RunningVenue(a_world("coinbase", {"platform": OWNED})) as venue:
        async with reach(venue) as at:
            intent = sale()
            order_id, _ = await at.account.place(intent, datetime.now(UTC))
        venue.set_market("ETH/USD", "delisted")
        async with reach(venue) as at:
            found = await at.account.find(intent.client_order_id, "ETH/USD", datetime.now(UTC) - timedelta(minutes=1))
            by_id = await at.account.orders_by_id([(order_id, "ETH/USD")])

    assert found == by_id[order_id]
    assert found is not None
    assert (found.symbol, found.state) == ("ETH/USD", OrderState.FILLED)


# --- the hour


async def test_an_order_that_arrives_after_its_window_is_refused_by_the_venue(coinbase: RunningVenue) -> None:
    placed = len(coinbase.orders("platform"))
    async with reach(coinbase) as at:
        with pytest.raises(SignAgain):
            await at.account.place(sale(), datetime.now(UTC) - timedelta(seconds=60))

    assert len(coinbase.orders("platform")) == placed


async def test_a_token_for_an_order_ends_with_its_window_and_any_other_in_time() -> None:
    class Client(CoinbaseClient, _Signs):
        """The mixin alone, over a signer that shows what it was given."""

    opens = datetime.fromtimestamp(1_800_000_000.4, UTC)
    client = Client()
    plain = _claims(client.jwt({"uri": "GET http://127.0.0.1:9/x", "exp": 0}, b""))
    with sending_within(OrderWindow(opens, opens + timedelta(seconds=5))):
        ordered = _claims(client.jwt({"uri": "POST api.coinbase.com/x", "exp": 0}, b""))
    with sending_within(OrderWindow(opens, opens + timedelta(seconds=500))):
        long = _claims(client.jwt({"uri": "POST api.coinbase.com/x", "exp": 0}, b""))

    assert plain == {"uri": "GET 127.0.0.1:9/x", "nbf": 1_799_999_970, "iat": 1_799_999_970, "exp": 1_800_000_090}
    assert (ordered["exp"], long["exp"]) == (1_800_000_005, 1_800_000_090)


@pytest.mark.parametrize("skew", ["-40", "3600"])
async def test_a_venue_in_another_hour_is_served_by_its_own_clock(skew: str) -> None:
    with RunningVenue(a_world("coinbase", {"platform": OWNED}, clock_skew_seconds=skew)) as venue:
        async with reach(venue) as at:
            await at.account.place(sale(), at.account.now())
            assert await at.account.holdings()
        assert len(venue.orders("platform")) == 1


class _Signs:
    """Stands where ccxt's client does: the hour stands still, and the token is its claims."""

    def seconds(self) -> int:
        return 1_800_000_000

    def jwt(self, claims: dict[str, Any], _secret: bytes) -> str:
        return base64.b64encode(json.dumps(claims).encode()).decode()


def _claims(token: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.b64decode(token))
    return decoded
