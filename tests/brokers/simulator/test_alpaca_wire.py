"""Check Alpaca's own rules: keys as headers, two spellings, ids for ever, pages, answers without a body."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire

COID = "0123456789abcdef0123456789abcdef"
BTC = "BTC/USD"


@pytest.fixture
def running() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("alpaca")) as venue:
        yield venue


@pytest.fixture
async def client(running: RunningVenue) -> AsyncIterator[Any]:
    async with connected(running) as client:
        yield client


async def asked(
    running: RunningVenue, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, Any]:
    """Make a call as any client would; return the status and what the body says."""
    keys = running.credentials("platform")
    headers = {"APCA-API-KEY-ID": keys.api_key, "APCA-API-SECRET-KEY": keys.api_secret}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{running.url}{path}", json=body) as answer,
    ):
        raw = await answer.read()
        return answer.status, await answer.json() if raw else None


def an_order(**changes: Any) -> dict[str, Any]:
    return {"symbol": BTC, "qty": "0.001", "side": "sell", "type": "market", "time_in_force": "gtc", **changes}


# --- who is calling


@pytest.mark.parametrize("wrong", [{"apiKey": "nobody"}, {"secret": "wrong"}])
async def test_a_wrong_key_or_secret_is_refused(running: RunningVenue, wrong: dict[str, str]) -> None:
    async with connected(running, **wrong) as client:
        with pytest.raises(ccxt.AuthenticationError, match=r"unauthorized\."):
            await client.load_markets()


async def test_market_data_takes_no_key(running: RunningVenue) -> None:
    url = f"{running.url}/v1beta3/crypto/us/snapshots?symbols=BTC/USD"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (await answer.json())["snapshots"][BTC]["latestTrade"]["p"] == 50000


async def test_more_calls_than_a_minute_allows_are_refused() -> None:
    with RunningVenue(a_world("alpaca", rate_limits=True)) as running:
        async with connected(running) as client:
            for _ in range(200):
                await client.traderPrivateGetV2Clock()
            with pytest.raises(ccxt.RateLimitExceeded, match="42910000"):
                await client.traderPrivateGetV2Clock()


# --- what anyone may know


async def test_the_hour_is_told_in_new_york(client: Any) -> None:
    answer = await client.traderPrivateGetV2Clock()

    assert answer["timestamp"].endswith("-05:00")
    assert abs(datetime.fromisoformat(answer["timestamp"]) - datetime.now(UTC)) < timedelta(seconds=5)
    assert abs(await client.fetch_time() - datetime.now(UTC).timestamp() * 1000) < 5000


async def test_markets_state_their_sizes(client: Any, running: RunningVenue) -> None:
    running.set_market("ETH/USD", "delisted")
    running.set_market("DOGE/USD", "halted")

    markets = await client.load_markets()

    assert set(markets) == {BTC, "DOGE/USD", "AUT/USD"}
    assert (markets[BTC]["precision"]["amount"], markets[BTC]["limits"]["amount"]["min"]) == (0.00001, 0.0001)
    assert [markets[symbol]["info"]["tradable"] for symbol in (BTC, "DOGE/USD")] == [True, False]


async def test_tickers_of_all_markets_come_by_one_call_without_the_unpriced(client: Any, running: RunningVenue) -> None:
    tickers = await client.fetch_tickers()

    assert {symbol: ticker["last"] for symbol, ticker in tickers.items()} == {
        BTC: 50000,
        "ETH/USD": 2500,
        "DOGE/USD": 0.08,
    }
    assert (tickers[BTC]["bid"], tickers[BTC]["ask"], tickers[BTC]["high"]) == (50000, 50000, 50000)
    assert running.calls("tickers") == 1


async def test_a_misspelt_symbol_is_refused(running: RunningVenue) -> None:
    status, answer = await asked(running, "GET", "/v1beta3/crypto/us/snapshots?symbols=BTCUSD")

    assert status == 400
    assert answer["message"].startswith("Invalid symbol(s): BTCUSD")


async def test_candles_come_oldest_first_page_after_page(client: Any) -> None:
    since, hour = client.parse8601("2026-01-01T00:00:00Z"), 3_600_000
    request = {"loc": "us", "symbols": "BTC/USD,ETH/USD", "timeframe": "1Day", "start": "2026-01-01", "limit": 3}
    request["end"] = "2026-01-02T00:00:00Z"

    hours = await client.fetch_ohlcv(BTC, "1h", since)
    first = await client.marketPublicGetV1beta3CryptoLocBars(request)
    rest = await client.marketPublicGetV1beta3CryptoLocBars({**request, "page_token": first["next_page_token"]})

    assert [candle[0] for candle in hours] == [since + number * hour for number in range(1000)]
    assert {symbol: len(rows) for symbol, rows in first["bars"].items()} == {BTC: 2, "ETH/USD": 1}
    assert {symbol: len(rows) for symbol, rows in rest["bars"].items()} == {"ETH/USD": 1}
    assert rest["next_page_token"] is None


async def test_candles_without_a_beginning_are_today_s(client: Any) -> None:
    candles = await client.fetch_ohlcv(BTC, "1d")

    assert [candle[0] % 86_400_000 for candle in candles] == [0]


async def test_trades_and_depth_are_served(client: Any) -> None:
    start = int((datetime.now(UTC) - timedelta(minutes=10)).timestamp() * 1000)
    trades = await client.fetch_trades(BTC, start)
    book = await client.fetch_order_book(BTC)

    assert len(trades) > 50
    assert {trade["price"] for trade in trades} == {50000}
    assert (book["bids"][0][0], book["asks"][1][0]) == (50000, 50000.1)


# --- money


async def test_cash_is_in_the_account_and_coins_are_positions(client: Any, running: RunningVenue) -> None:
    balance = await client.fetch_balance()
    (btc, *_) = balance["info"]["positions"]

    assert balance["total"] == {code: float(total) for code, total in running.balances("platform").items()}
    assert (btc["symbol"], btc["qty"], btc["side"], btc["market_value"]) == ("BTCUSD", "0.02", "long", "1000")
    assert balance["info"]["account"]["equity"] == "13500"


async def test_an_unpriced_coin_is_a_position_without_a_value(running: RunningVenue) -> None:
    _, position = await asked(running, "GET", "/v2/positions/AUTUSD")

    assert (position["qty"], position["market_value"], position["current_price"]) == ("5", None, None)


async def test_an_open_sell_holds_its_coin_and_an_open_buy_its_cash(client: Any) -> None:
    await client.create_order(BTC, "limit", "sell", 0.015, 60000)
    await client.create_order(BTC, "limit", "buy", 0.01, 40000)

    balance = await client.fetch_balance()

    assert (balance["BTC"]["used"], balance["BTC"]["free"]) == (0.015, 0.005)
    assert (balance["USD"]["used"], balance["USD"]["free"]) == (400, 9600)


async def test_fees_come_off_what_is_received(client: Any, running: RunningVenue) -> None:
    await client.create_order(BTC, "market", "buy", 0.01)
    await client.create_order("ETH/USD", "market", "sell", 1)

    balances = running.balances("platform")
    assert (balances["BTC"], balances["USD"]) == (Decimal("0.02996"), Decimal(10000) - 500 + 2500 - 10)


# --- orders


async def test_an_order_is_taken_before_anything_became_of_it(client: Any) -> None:
    placed = await client.create_order(BTC, "market", "sell", 0.01, None, {"clientOrderId": COID})
    order = await client.fetch_order(placed["id"], BTC)

    assert (placed["info"]["status"], placed["filled"], placed["clientOrderId"]) == ("pending_new", 0, COID)
    assert (order["status"], order["filled"], order["average"], order["symbol"]) == ("closed", 0.01, 50000, BTC)
    assert order["fee"] is None


async def test_an_order_is_found_by_its_client_id(client: Any, running: RunningVenue) -> None:
    placed = await client.create_order(BTC, "market", "sell", 0.01, None, {"clientOrderId": COID})

    found = await asked(running, "GET", f"/v2/orders:by_client_order_id?client_order_id={COID}")
    nothing = await asked(running, "GET", "/v2/orders:by_client_order_id?client_order_id=nobody")

    assert (found[0], found[1]["id"], found[1]["status"]) == (200, placed["id"], "filled")
    assert (nothing[0], nothing[1]["code"]) == (404, 40410000)


async def test_a_client_id_can_never_be_used_again(client: Any, running: RunningVenue) -> None:
    await client.create_order(BTC, "market", "sell", 0.005, None, {"clientOrderId": COID})

    with pytest.raises(ccxt.BadRequest, match="client_order_id must be unique"):
        await client.create_order(BTC, "market", "sell", 0.005, None, {"clientOrderId": COID})

    assert len(running.orders("platform")) == 1


async def test_both_spellings_of_a_symbol_are_taken(running: RunningVenue) -> None:
    status, answer = await asked(running, "POST", "/v2/orders", an_order(symbol="BTCUSD"))

    assert (status, answer["symbol"]) == (200, BTC)


@pytest.mark.parametrize(
    ("changes", "status", "code", "words"),
    [
        ({"time_in_force": "day"}, 422, 42210000, "invalid crypto time_in_force"),
        ({"type": "stop_limit"}, 422, 40010001, "invalid order type for crypto order"),
        ({"symbol": "NOPE/USD"}, 422, 42210000, 'asset "NOPE/USD" not found'),
        ({"qty": "0.00005"}, 403, 40310000, "order qty must be >= minimal qty of order 0.0001"),
        ({"qty": "0.5"}, 403, 40310000, "insufficient balance for BTC (requested: 0.5, available: 0.02)"),
        ({"qty": "0.0001", "side": "buy"}, 403, 40310000, "cost basis must be >= minimal amount of order 10"),
        ({"qty": None}, 422, 42210000, "invalid qty"),
        ({"client_order_id": "x" * 129}, 422, 40010001, "client_order_id must be no more than 128 characters"),
    ],
)
async def test_what_is_wrong_with_an_order_is_told(
    running: RunningVenue, changes: dict[str, Any], status: int, code: int, words: str
) -> None:
    answer = await asked(running, "POST", "/v2/orders", an_order(**changes))

    assert answer == (status, {"code": code, "message": words})
    assert running.orders("platform") == []


async def test_a_small_rest_may_be_sold(client: Any, running: RunningVenue) -> None:
    await client.create_order(BTC, "market", "sell", 0.0001)

    (fill,) = running.fills("platform")
    assert fill.cost == 5


async def test_an_account_that_may_not_trade_is_told_so() -> None:
    accounts = {"platform": {"balances": {"BTC": "1"}, "may_trade": False}}
    with RunningVenue(a_world("alpaca", accounts=accounts)) as running:
        async with connected(running) as client:
            account = await client.traderPrivateGetV2Account()
            with pytest.raises(ccxt.PermissionDenied, match="orders are rejected by user request"):
                await client.create_order(BTC, "market", "sell", 0.01)

    assert account["trade_suspended_by_user"] is True


async def test_a_cancel_is_answered_without_a_body_and_a_filled_order_is_past_it(
    client: Any, running: RunningVenue
) -> None:
    waits = await client.create_order(BTC, "limit", "sell", 0.005, 60000)
    sold = await client.create_order(BTC, "market", "sell", 0.005)

    yes = await asked(running, "DELETE", f"/v2/orders/{waits['id']}")
    late = await asked(running, "DELETE", f"/v2/orders/{sold['id']}")
    unknown = await asked(running, "DELETE", "/v2/orders/00000000-0000-4000-8000-000000000001")

    assert yes == (204, None)
    assert late == (422, {"code": 42210000, "message": 'order is already in "filled" state'})
    assert (unknown[0], unknown[1]["code"]) == (404, 40410000)
    assert (await client.fetch_order(waits["id"], BTC))["status"] == "canceled"


async def test_all_open_orders_are_cancelled_at_once(client: Any, running: RunningVenue) -> None:
    for price in (60000, 70000):
        await client.create_order(BTC, "limit", "sell", 0.005, price)

    status, rows = await asked(running, "DELETE", "/v2/orders")

    assert (status, [row["status"] for row in rows]) == (207, [200, 200])
    assert [order.status for order in running.orders("platform")] == [Status.CANCELED] * 2


async def test_orders_are_listed_by_status_market_and_instant(client: Any) -> None:
    sold = await client.create_order(BTC, "market", "sell", 0.005)
    waits = [await client.create_order(BTC, "limit", "sell", 0.001, 60000 + n) for n in range(3)]
    other = await client.create_order("ETH/USD", "limit", "sell", 0.5, 6000)

    newest = await client.traderPrivateGetV2Orders({"limit": "2"})
    oldest = await client.traderPrivateGetV2Orders({"limit": "2", "direction": "asc"})
    after = await client.traderPrivateGetV2Orders({"direction": "asc", "after": oldest[-1]["submitted_at"]})

    assert [order["id"] for order in newest] == [other["id"], waits[2]["id"]]
    assert [order["id"] for order in oldest] == [waits[0]["id"], waits[1]["id"]]
    assert [order["id"] for order in after] == [waits[2]["id"], other["id"]]
    assert [order["id"] for order in await client.fetch_closed_orders(BTC)] == [sold["id"]]
    assert {order["symbol"] for order in await client.fetch_open_orders()} == {BTC, "ETH/USD"}


async def test_fills_are_activities_in_pages(client: Any) -> None:
    placed = [await client.create_order(BTC, "market", "sell", 0.001) for _ in range(3)]

    first = await client.traderPrivateGetV2AccountActivitiesActivityType(
        {"activity_type": "FILL", "page_size": 2, "direction": "asc"}
    )
    rest = await client.traderPrivateGetV2AccountActivitiesActivityType(
        {"activity_type": "FILL", "page_size": 2, "direction": "asc", "page_token": first[-1]["id"]}
    )
    (newest, *_) = await client.fetch_my_trades(BTC)

    assert [fill["order_id"] for fill in first + rest] == [order["id"] for order in placed]
    assert (newest["price"], newest["amount"], newest["symbol"]) == (50000, 0.001, BTC)


async def test_a_rest_that_cannot_be_filled_at_once_is_canceled(client: Any, running: RunningVenue) -> None:
    running.set_fills("partial", fraction="0.5")

    placed = await client.create_order(BTC, "limit", "sell", 0.01, 40000, {"timeInForce": "IOC"})
    order = await client.fetch_order(placed["id"], BTC)

    assert (order["status"], order["filled"]) == ("canceled", 0.005)


async def test_a_venue_s_own_code_decides_the_status(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "time", "fault": "error", "code": 50010000})

    status, answer = await asked(running, "GET", "/v2/clock")

    assert (status, answer["message"]) == (500, "internal server error occurred")


async def test_two_accounts_do_not_see_each_other() -> None:
    accounts = {name: {"balances": {"BTC": "1"}} for name in ("platform", "other")}
    with RunningVenue(a_world("alpaca", accounts=accounts)) as running:
        keys = running.credentials("other")
        async with connected(running) as one, connected(running, apiKey=keys.api_key, secret=keys.api_secret) as two:
            placed = await one.create_order(BTC, "market", "sell", 0.1)

            with pytest.raises(ccxt.InvalidOrder, match="40410000"):
                await two.fetch_order(placed["id"], BTC)
