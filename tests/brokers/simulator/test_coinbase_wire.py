"""Check Coinbase's own rules through an unmodified ccxt: tokens, products, wallets, order ids, errors, pages."""

import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest

from brokers.simulator.credentials import KeyShape, simulated_credentials
from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from brokers.simulator.world import World

pytestmark = pytest.mark.wire

COID = "0123456789abcdef0123456789abcdef"
MARKETS: list[dict[str, Any]] = [
    {
        "symbol": "BTC/USD",
        "price": "50000",
        "lot_step": "0.00000001",
        "tick": "0.01",
        "min_quantity": "0.0001",
        "min_notional": "1",
    },
    {"symbol": "ETH/USD", "price": "2500"},
    {"symbol": "AUT/USD"},
]
OWNED = {"USD": "10000", "BTC": "0.02", "ETH": "1", "AUT": "5"}


def a_world(**changes: Any) -> World:
    """Give one account with money, and two priced markets and one without a price."""
    default = {"venue": "coinbase", "markets": MARKETS, "accounts": {"platform": {"balances": OWNED}}}
    return World.model_validate(default | changes)


def a_client(venue: RunningVenue, **config: Any) -> Any:
    """Build an unmodified client; only its balance comes from the endpoint that knows holds."""
    key, secret, _ = venue.credentials("platform")
    common = {"apiKey": key, "secret": secret, "enableRateLimit": False, "timeout": 5000, "timeout_on_exit": 0}
    options = {"fetchBalance": "v3PrivateGetBrokerageAccounts"}
    return ccxt.coinbase({**common, "urls": {"api": {"rest": venue.url}}, "options": options, **config})


@pytest.fixture
def running() -> Iterator[RunningVenue]:
    with RunningVenue(a_world()) as venue:
        yield venue


@pytest.fixture
async def client(running: RunningVenue) -> AsyncIterator[Any]:
    client = a_client(running)
    try:
        yield client
    finally:
        await client.close()


# --- tokens


async def test_a_key_nobody_has_is_refused(client: Any) -> None:
    await client.load_markets()
    client.apiKey = "organizations/nobody/apiKeys/1"

    with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
        await client.fetch_balance()


async def test_a_token_signed_with_another_key_is_refused(client: Any) -> None:
    await client.load_markets()
    client.secret = simulated_credentials("somebody else", KeyShape.EC_KEY).api_secret

    with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
        await client.fetch_balance()


@pytest.mark.parametrize("shift_seconds", [-121, 5])
async def test_a_token_of_another_hour_is_refused(client: Any, shift_seconds: int) -> None:
    await client.load_markets()
    client.seconds = lambda: int(time.time()) + shift_seconds

    with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
        await client.fetch_balance()


async def test_a_token_is_good_for_its_own_call_only(client: Any, running: RunningVenue) -> None:
    signed = client.sign("brokerage/accounts", ["v3", "private"])
    async with aiohttp.ClientSession() as session:
        async with session.get(signed["url"], headers=signed["headers"]) as own:
            assert own.status == 200
        async with session.get(f"{running.url}/api/v3/brokerage/key_permissions", headers=signed["headers"]) as other:
            assert (other.status, await other.text()) == (401, "Unauthorized\n")
        async with session.get(f"{running.url}/api/v3/brokerage/accounts") as without:
            assert without.status == 401


async def test_the_venue_s_clock_judges_a_token() -> None:
    with RunningVenue(a_world(clock_skew_seconds="300")) as running:
        client = a_client(running)
        try:
            with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
                await client.v3PrivateGetBrokerageAccounts()
            assert await client.fetch_time() - time.time() * 1000 > 290_000
        finally:
            await client.close()


# --- public


async def test_markets_carry_the_sizes_of_the_world(client: Any) -> None:
    market = (await client.load_markets())["BTC/USD"]

    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-8, 0.01)
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.0001, 1)
    assert (market["active"], market["taker"]) == (True, 0.004)


async def test_a_halted_market_is_inactive_and_a_delisted_one_is_gone(client: Any, running: RunningVenue) -> None:
    running.set_market("BTC/USD", "halted")
    running.set_market("ETH/USD", "delisted")

    markets = await client.load_markets()

    assert markets["BTC/USD"]["active"] is False
    assert "ETH/USD" not in markets


async def test_products_carry_prices_and_an_empty_one_where_nothing_traded(client: Any) -> None:
    tickers = await client.fetch_tickers()

    assert {symbol: ticker["last"] for symbol, ticker in tickers.items()} == {
        "BTC/USD": 50000,
        "ETH/USD": 2500,
        "AUT/USD": None,
    }
    assert set(await client.fetch_tickers(["BTC/USD"])) == {"BTC/USD"}


async def test_one_ticker_has_bid_and_ask(client: Any, running: RunningVenue) -> None:
    running.set_market("BTC/USD", spread_bps="20")

    ticker = await client.fetch_ticker("BTC/USD")

    assert (ticker["bid"], ticker["last"], ticker["ask"]) == (49950, 50000, 50050)


async def test_candles_come_three_hundred_at_a_time_and_end_with_the_unfinished_one(client: Any) -> None:
    hour = 3_600_000

    candles = await client.fetch_ohlcv("BTC/USD", "1h")
    early = await client.fetch_ohlcv("BTC/USD", "1h", candles[0][0] - 500 * hour)

    assert (len(candles), len(early)) == (300, 300)
    assert candles[-1][0] == int(time.time() * 1000) // hour * hour
    assert {later[0] - earlier[0] for earlier, later in pairwise(early)} == {hour}
    assert early[0][0] == candles[0][0] - 500 * hour


async def test_too_many_candles_at_once_are_refused(client: Any) -> None:
    await client.load_markets()
    end = int(time.time())

    with pytest.raises(ccxt.BadRequest, match="less than 350"):
        await client.v3PublicGetBrokerageMarketProductsProductIdCandles(
            {"product_id": "BTC-USD", "granularity": "ONE_MINUTE", "start": end - 351 * 60, "end": end}
        )


async def test_trades_and_depth_follow_the_price(client: Any) -> None:
    trades = await client.fetch_trades("BTC/USD", limit=5)
    book = await client.fetch_order_book("BTC/USD", 2)

    assert [trade["price"] for trade in trades] == [50000] * 5
    assert ([row[0] for row in book["bids"]], [row[0] for row in book["asks"]]) == (
        [50000, 49999.99],
        [50000, 50000.01],
    )


async def test_an_unknown_product_is_not_found(running: RunningVenue) -> None:
    url = f"{running.url}/api/v3/brokerage/market/products/NO-USD"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (answer.status, (await answer.json())["error"]) == (404, "NOT_FOUND")


# --- the account


async def test_the_balance_is_the_venue_s_with_what_orders_hold(client: Any, running: RunningVenue) -> None:
    await client.create_order("BTC/USD", "limit", "sell", 0.015, 60000)

    balance = await client.fetch_balance()

    assert balance["BTC"] == {"free": 0.005, "used": 0.015, "total": 0.02}
    assert balance["total"] == {code: float(total) for code, total in running.balances("platform").items()}


async def test_wallets_come_in_pages_of_at_most_250() -> None:
    many = {f"C{number}": "1" for number in range(300)}
    with RunningVenue(a_world(accounts={"platform": {"balances": many}})) as running:
        client = a_client(running)
        try:
            first = await client.v3PrivateGetBrokerageAccounts({"limit": 1000})
            rest = await client.v3PrivateGetBrokerageAccounts({"limit": 250, "cursor": first["cursor"]})
            usual = await client.v3PrivateGetBrokerageAccounts()
        finally:
            await client.close()

    assert (first["size"], first["has_next"], rest["size"], rest["has_next"], rest["cursor"]) == (
        250,
        True,
        50,
        False,
        "",
    )
    assert (usual["size"], usual["has_next"]) == (49, True)


async def test_a_vault_is_a_wallet_of_its_own_and_what_is_staked_only_in_the_portfolio() -> None:
    owned = {"ETH": "1", "ETH.S": "2", "ETH.V": "3"}
    with RunningVenue(a_world(accounts={"platform": {"balances": owned}})) as running:
        client = a_client(running)
        try:
            wallets = (await client.v3PrivateGetBrokerageAccounts())["accounts"]
            uuid = (await client.v3PrivateGetBrokerageKeyPermissions())["portfolio_uuid"]
            answer = await client.v3PrivateGetBrokeragePortfoliosPortfolioUuid({"portfolio_uuid": uuid})
        finally:
            await client.close()

    assert [(w["type"], w["available_balance"]["value"][:1]) for w in wallets] == [
        ("ACCOUNT_TYPE_CRYPTO", "1"),
        ("ACCOUNT_TYPE_VAULT", "3"),
    ]
    kinds = {p["account_type"]: p["total_balance_crypto"] for p in answer["breakdown"]["spot_positions"]}
    assert kinds == {"ACCOUNT_TYPE_WALLET": 1, "ACCOUNT_TYPE_STAKED_FUNDS": 2, "ACCOUNT_TYPE_VAULT": 3}
    assert answer["breakdown"]["portfolio_balances"]["total_balance"] == {"value": "15000.00", "currency": "USD"}


async def test_a_key_that_may_only_look_places_nothing() -> None:
    accounts = {"platform": {"balances": OWNED, "may_trade": False, "may_withdraw": True}}
    with RunningVenue(a_world(accounts=accounts)) as running:
        client = a_client(running)
        try:
            key = await client.v3PrivateGetBrokerageKeyPermissions()
            with pytest.raises(ccxt.PermissionDenied):
                await client.create_order("BTC/USD", "market", "sell", 0.01)
        finally:
            await client.close()

    assert (key["can_view"], key["can_trade"], key["can_transfer"]) == (True, False, True)


# --- orders


async def test_a_market_sell_is_answered_with_its_ids_and_filled(client: Any, running: RunningVenue) -> None:
    placed = await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"client_order_id": COID})

    order = await client.fetch_order(placed["id"], "BTC/USD")

    assert (placed["clientOrderId"], placed["status"]) == (COID, None)
    assert (order["status"], order["filled"], order["average"], order["clientOrderId"]) == ("closed", 0.01, 50000, COID)
    assert (order["info"]["total_fees"], order["info"]["size_in_quote"]) == ("2", False)
    assert running.balances("platform")["USD"] == Decimal(10498)


async def test_a_market_buy_spends_an_amount(client: Any, running: RunningVenue) -> None:
    await client.create_market_buy_order_with_cost("BTC/USD", 1000)

    (fill,) = running.fills("platform")
    (order,) = await client.fetch_orders("BTC/USD")
    assert (fill.quantity, fill.cost) == (Decimal("0.02"), Decimal(1000))
    assert order["info"]["order_configuration"] == {"market_market_ioc": {"quote_size": "1000"}}


async def test_a_client_id_used_again_returns_the_first_order(client: Any, running: RunningVenue) -> None:
    first = await client.create_order("BTC/USD", "market", "sell", 0.005, None, {"client_order_id": COID})
    again = await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"client_order_id": COID})

    assert again["id"] == first["id"]
    assert running.balances("platform")["BTC"] == Decimal("0.015")
    assert len(running.orders("platform")) == 1


async def test_open_and_filled_orders_are_listed_apart_and_all_orders_newest_first(client: Any) -> None:
    sold = await client.create_order("BTC/USD", "market", "sell", 0.005)
    waits = await client.create_order("BTC/USD", "limit", "sell", 0.005, 60000)

    listed = await client.v3PrivateGetBrokerageOrdersHistoricalBatch({"product_ids": ["BTC-USD", "ETH-USD"]})

    assert [order["id"] for order in await client.fetch_open_orders("BTC/USD")] == [waits["id"]]
    assert [order["id"] for order in await client.fetch_closed_orders("BTC/USD")] == [sold["id"]]
    assert [order["order_id"] for order in listed["orders"]] == [waits["id"], sold["id"]]
    assert await client.fetch_open_orders("ETH/USD") == []


async def test_open_orders_cannot_be_listed_with_others(client: Any) -> None:
    with pytest.raises(ccxt.BadRequest, match="OPEN"):
        await client.v3PrivateGetBrokerageOrdersHistoricalBatch({"order_status": ["OPEN", "FILLED"]})


async def test_orders_and_fills_come_in_pages(client: Any) -> None:
    ids = [(await client.create_order("BTC/USD", "market", "sell", 0.001))["id"] for _ in range(3)]
    orders: list[str] = []
    fills: list[str] = []
    for path, rows, found in (("Batch", "orders", orders), ("Fills", "fills", fills)):
        call, cursor = getattr(client, f"v3PrivateGetBrokerageOrdersHistorical{path}"), ""
        while len(found) < 3:
            answer = await call({"limit": 2, **({"cursor": cursor} if cursor else {})})
            found += [row["order_id"] for row in answer[rows]]
            cursor = answer["cursor"]
        assert cursor == ""

    assert orders == fills == ids[::-1]


async def test_a_limit_order_waits_for_its_price(client: Any, running: RunningVenue) -> None:
    placed = await client.create_order("BTC/USD", "limit", "buy", 0.01, 40000)
    waiting = await client.fetch_order(placed["id"])
    running.set_price("BTC/USD", "39000")

    order = await client.fetch_order(placed["id"])

    assert (waiting["status"], waiting["filled"]) == ("open", 0)
    assert (order["status"], order["average"], order["timeInForce"]) == ("closed", 40000, "GTC")
    (trade,) = await client.fetch_my_trades("BTC/USD")
    assert (trade["order"], trade["amount"], trade["cost"], trade["takerOrMaker"]) == (placed["id"], 0.01, 400, "maker")
    assert trade["fee"] == {"cost": 1, "currency": "USD"}


async def test_a_cancel_has_a_result_for_each_order(client: Any, running: RunningVenue) -> None:
    waits = await client.create_order("BTC/USD", "limit", "sell", 0.005, 60000)
    sold = await client.create_order("BTC/USD", "market", "sell", 0.005)

    answer = await client.v3PrivatePostBrokerageOrdersBatchCancel({"order_ids": [waits["id"], sold["id"], "nothing"]})

    assert [(row["success"], row["failure_reason"]) for row in answer["results"]] == [
        (True, "UNKNOWN_CANCEL_FAILURE_REASON"),
        (False, "ORDER_IS_FULLY_FILLED"),
        (False, "UNKNOWN_CANCEL_ORDER"),
    ]
    assert [order.status for order in running.orders("platform")] == [Status.CANCELED, Status.FILLED]


async def test_an_unknown_order_is_not_found(client: Any) -> None:
    await client.load_markets()

    with pytest.raises(ccxt.ExchangeError, match="orderID was not found"):
        await client.fetch_order("00000000-0000-4000-8000-000000000000")


# --- refusals: an answer of 200, and ccxt's class where it knows the reason


@pytest.mark.parametrize(
    ("kind", "quantity", "price", "params", "expected", "reason"),
    [
        ("market", 0.5, None, {}, ccxt.InsufficientFunds, "PREVIEW_INSUFFICIENT_FUND"),
        ("market", 0.00005, None, {}, ccxt.ExchangeError, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ("limit", 0.01, 40000, {"postOnly": True}, ccxt.ExchangeError, "INVALID_LIMIT_PRICE_POST_ONLY"),
    ],
)
async def test_a_refused_order_is_a_200_with_reasons(  # noqa: PLR0917 - a row of the table
    client: Any,
    running: RunningVenue,
    kind: str,
    quantity: float,
    price: float | None,
    params: dict[str, Any],
    expected: type[Exception],
    reason: str,
) -> None:
    with pytest.raises(expected, match=reason):
        await client.create_order("BTC/USD", kind, "sell", quantity, price, params)

    assert running.orders("platform") == []
    assert client.last_http_response.startswith('{"success": false')


async def test_a_size_off_the_increment_is_refused(client: Any, running: RunningVenue) -> None:
    running.set_market("BTC/USD", lot_step="0.001", min_quantity="0.001")

    with pytest.raises(ccxt.ExchangeError, match="INVALID_SIZE_PRECISION"):
        await client.v3PrivatePostBrokerageOrders(_body({"market_market_ioc": {"base_size": "0.0015"}}))


async def test_a_halted_market_takes_no_order(client: Any, running: RunningVenue) -> None:
    await client.load_markets()
    running.set_market("BTC/USD", "halted")

    with pytest.raises(ccxt.ExchangeError, match="ORDER_ENTRY_DISABLED"):
        await client.create_order("BTC/USD", "market", "sell", 0.01)


async def test_a_market_sell_by_amount_and_an_unknown_configuration_are_refused(client: Any) -> None:
    for configuration in ({"market_market_ioc": {"quote_size": "10"}}, {"twap_limit_gtd": {"base_size": "1"}}):
        with pytest.raises(ccxt.ExchangeError, match="UNSUPPORTED_ORDER_CONFIGURATION"):
            await client.v3PrivatePostBrokerageOrders(_body(configuration))


async def test_an_order_without_its_terms_is_a_bad_request(client: Any) -> None:
    for body in (_body({"market_market_ioc": {}}), {"client_order_id": COID, "product_id": "BTC-USD", "side": "SELL"}):
        with pytest.raises(ccxt.BadRequest, match="INVALID_ARGUMENT"):
            await client.v3PrivatePostBrokerageOrders(body)


async def test_a_market_order_without_a_price_ends_unfilled(client: Any, running: RunningVenue) -> None:
    placed = await client.create_order("AUT/USD", "market", "sell", 5)

    assert (await client.fetch_order(placed["id"]))["status"] == "canceled"
    assert running.balances("platform")["AUT"] == 5


async def test_calls_beyond_the_rate_are_refused() -> None:
    with RunningVenue(a_world(rate_limits=True)) as running:
        async with aiohttp.ClientSession() as session:
            statuses = []
            for _ in range(12):
                async with session.get(f"{running.url}/api/v3/brokerage/time") as answer:
                    statuses.append(answer.status)

    assert (statuses[0], statuses[-1]) == (200, 429)


def _body(configuration: dict[str, Any]) -> dict[str, Any]:
    return {"client_order_id": COID, "product_id": "BTC-USD", "side": "SELL", "order_configuration": configuration}
