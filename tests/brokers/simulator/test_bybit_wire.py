"""Check Bybit's own rules through an unmodified ccxt client: envelope, signature, clock, pages, ids, sizes, dust."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
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
BTC = "BTC/USDT"
WALLET = {"accountType": "eb_convert_uta"}


@pytest.fixture
def running() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("bybit")) as venue:
        yield venue


@pytest.fixture
async def client(running: RunningVenue) -> AsyncIterator[Any]:
    async with connected(running) as client:
        yield client


async def ask(venue: RunningVenue, path: str) -> tuple[int, Any]:
    """Ask without a signature; return status and document."""
    async with aiohttp.ClientSession() as session, session.get(f"{venue.url}/v5/{path}") as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text


async def look_up(client: Any, **by: str) -> Any:
    """Return the raw rows of the look-up by an id."""
    return (await client.privateGetV5OrderRealtime({"category": "spot", **by}))["result"]["list"]


async def test_every_answer_is_wrapped_and_tells_the_hour(running: RunningVenue) -> None:
    status, document = await ask(running, "market/time")

    assert (status, document["retCode"], document["retMsg"], document["retExtInfo"]) == (200, 0, "OK", {})
    assert abs(document["time"] - time.time() * 1000) < 2000


async def test_markets_carry_the_sizes_of_the_world(client: Any, running: RunningVenue) -> None:
    running.set_market("ETH/USDT", "halted")
    running.set_market("DOGE/USDT", "delisted")

    markets = await client.load_markets()

    assert (markets[BTC]["precision"], markets["ETH/USDT"]["active"]) == ({"amount": 0.00001, "price": 0.1}, False)
    assert (markets[BTC]["limits"]["amount"]["min"], markets[BTC]["limits"]["cost"]["min"]) == (0.0001, 5)
    assert set(markets) == {BTC, "ETH/USDT", "AUT/USDT"}


async def test_tickers_leave_out_a_market_without_a_price(client: Any) -> None:
    tickers = await client.fetch_tickers()

    assert set(tickers) == {BTC, "ETH/USDT", "DOGE/USDT"}
    assert (tickers[BTC]["bid"], tickers[BTC]["last"]) == (50000, 50000)


async def test_candles_come_a_thousand_a_page_newest_first(client: Any, running: RunningVenue) -> None:
    since = int(time.time() * 1000) // 60_000 * 60_000 - 5000 * 60_000

    page = await client.fetch_ohlcv(BTC, "1m", since, 1000)
    _, raw = await ask(running, "market/kline?category=spot&symbol=BTCUSDT&interval=60&limit=3")

    assert (page[0][0], page[-1][0], len(page)) == (since, since + 999 * 60_000, 1000)
    assert [len(row) for row in raw["result"]["list"]] == [7] * 3
    assert raw["result"]["list"][0][0] > raw["result"]["list"][1][0]


async def test_trades_and_depth_surround_the_price(client: Any) -> None:
    book = await client.fetch_order_book(BTC, 2)

    assert ([level[0] for level in book["bids"]], [level[0] for level in book["asks"]]) == (
        [50000, 49999.9],
        [50000, 50000.1],
    )
    assert {trade["price"] for trade in await client.fetch_trades(BTC, limit=5)} == {50000}


@pytest.mark.parametrize("path", ["market/tickers?category=spot&symbol=NOPE", "market/orderbook?category=spot"])
async def test_market_data_of_an_unknown_symbol_is_refused_in_its_own_words(running: RunningVenue, path: str) -> None:
    _, document = await ask(running, path)

    assert (document["retCode"], document["retMsg"]) == (10001, "Not supported symbols")


@pytest.mark.parametrize(
    "path", ["market/kline?category=spot&symbol=BTCUSDT&interval=7", "market/instruments-info?category=linear"]
)
async def test_a_wrong_parameter_is_refused(running: RunningVenue, path: str) -> None:
    assert (await ask(running, path))[1]["retCode"] == 10001


async def test_an_unknown_path_is_not_found(running: RunningVenue) -> None:
    assert (await ask(running, "market/nothing"))[0] == 404


async def test_a_call_without_a_signature_is_refused(running: RunningVenue) -> None:
    _, document = await ask(running, "order/realtime?category=spot")

    assert document["retCode"] == 10001
    assert "openapi sign params error!" in document["retMsg"]


async def test_ccxt_asks_for_the_kind_of_account_before_it_reads_the_balance(
    client: Any, running: RunningVenue
) -> None:
    balance = await client.fetch_balance()

    assert balance["total"] == {"USDT": 10000, "BTC": 0.02, "ETH": 1, "AUT": 5}
    assert {record.endpoint for record in running.call_log()} >= {"user/query-api", "account/info"}


async def test_a_wrong_key_is_refused(client: Any) -> None:
    await client.load_markets()
    client.apiKey = "nobody"

    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        await client.fetch_balance()


async def test_a_wrong_secret_is_refused(client: Any) -> None:
    await client.load_markets()
    client.secret = "wrong"

    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        await client.fetch_balance()


@pytest.mark.parametrize("shift_ms", [-12_000, 1_500])
async def test_a_timestamp_out_of_the_window_is_refused(client: Any, shift_ms: int) -> None:
    await client.load_markets()
    client.nonce = lambda: int(time.time() * 1000) + shift_ms

    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await client.fetch_balance()


async def test_an_old_timestamp_is_taken_within_a_wider_window(client: Any) -> None:
    await client.load_markets()
    client.nonce = lambda: int(time.time() * 1000) - 12_000
    client.options["recvWindow"] = 20_000

    assert (await client.fetch_balance())["total"]["BTC"] == 0.02


async def test_a_wallet_of_another_kind_is_refused(client: Any) -> None:
    with pytest.raises(ccxt.BadRequest, match="only support UNIFIED"):
        await client.privateGetV5AccountWalletBalance({"accountType": "SPOT"})


async def test_what_is_borrowed_is_in_the_wallet_and_not_in_the_equity() -> None:
    accounts = {"platform": {"balances": {"ETH": "2"}, "borrowed": {"ETH": "0.5"}}}
    with RunningVenue(a_world("bybit", accounts=accounts)) as running:
        async with connected(running) as client:
            answer = await client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"})

    (coin,) = answer["result"]["list"][0]["coin"]
    assert (coin["walletBalance"], coin["spotBorrow"], coin["equity"]) == ("2", "0.5", "1.5")
    assert answer["result"]["list"][0]["totalEquity"] == "3748.5"


async def test_the_answer_to_an_order_names_it_and_says_no_more(client: Any, running: RunningVenue) -> None:
    placed = await client.create_order(BTC, "market", "sell", 0.01, None, {"clientOrderId": COID})

    (order,) = running.orders("platform")
    assert placed["info"] == {"orderId": order.id, "orderLinkId": COID}
    assert (order.status, running.balances("platform")["USDT"]) == (Status.FILLED, Decimal(10498))


async def test_a_market_buy_spends_quote_unless_it_says_otherwise(client: Any, running: RunningVenue) -> None:
    order = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market"}
    await client.privatePostV5OrderCreate({**order, "qty": "1000"})
    await client.privatePostV5OrderCreate({**order, "qty": "0.01", "marketUnit": "baseCoin"})

    assert [fill.quantity for fill in running.fills("platform")] == [Decimal("0.02"), Decimal("0.01")]
    assert (await client.fetch_closed_orders(BTC))[0]["filled"] == 0.02


async def test_an_order_is_found_by_either_id_in_any_state(client: Any) -> None:
    placed = await client.create_order(BTC, "market", "sell", 0.01, None, {"clientOrderId": COID})

    (by_ours,) = await look_up(client, orderLinkId=COID)
    found = await client.fetch_order(placed["id"], BTC, {"acknowledged": True})

    assert (by_ours["orderId"], by_ours["orderStatus"], by_ours["cumFeeDetail"]) == (
        placed["id"],
        "Filled",
        {"USDT": "2"},
    )
    assert (found["status"], found["filled"], found["average"], found["fee"]["cost"]) == ("closed", 0.01, 50000, 2)
    assert await look_up(client, orderLinkId="unheard-of") == []


async def test_open_and_closed_orders_are_kept_apart(client: Any) -> None:
    sold = await client.create_order(BTC, "market", "sell", 0.005)
    waits = await client.create_order(BTC, "limit", "sell", 0.005, 60000)

    assert [order["id"] for order in await client.fetch_open_orders()] == [waits["id"]]
    assert [order["id"] for order in await client.fetch_closed_orders(BTC)] == [sold["id"]]
    assert (await client.fetch_balance())["BTC"]["used"] == 0.005


async def test_orders_come_newest_first_by_pages_and_a_cursor_that_may_lead_to_an_empty_one(client: Any) -> None:
    for price in (60000, 61000, 62000):
        await client.create_order(BTC, "limit", "sell", 0.001, price)
    request = {"category": "spot", "limit": 2}
    pages = [(await client.privateGetV5OrderRealtime(request))["result"]]
    while pages[-1]["nextPageCursor"]:
        answer = await client.privateGetV5OrderRealtime({**request, "cursor": pages[-1]["nextPageCursor"]})
        pages.append(answer["result"])

    assert [[row["price"] for row in page["list"]] for page in pages] == [["62000", "61000"], ["60000"], []]


async def test_a_partly_filled_order_that_is_cancelled_says_so(client: Any, running: RunningVenue) -> None:
    running.set_fills("partial", fraction="0.5")
    placed = await client.create_order(BTC, "limit", "sell", 0.01, 40000)
    (before,) = await look_up(client, orderId=placed["id"])
    await client.cancel_order(placed["id"], BTC)
    (after,) = await look_up(client, orderId=placed["id"])

    assert (before["orderStatus"], before["leavesQty"]) == ("PartiallyFilled", "0.005")
    assert (after["orderStatus"], after["leavesQty"], after["cumExecQty"]) == ("PartiallyFilledCanceled", "0", "0.005")


async def test_all_open_orders_are_cancelled_at_once(client: Any, running: RunningVenue) -> None:
    for price in (60000, 70000):
        await client.create_order(BTC, "limit", "sell", 0.005, price)

    await client.cancel_all_orders(BTC)

    assert [order.status for order in running.orders("platform")] == [Status.CANCELED] * 2


async def test_executions_name_order_price_and_fee(client: Any) -> None:
    placed = await client.create_order(BTC, "market", "buy", 0.01)

    (trade,) = await client.fetch_my_trades(BTC)

    assert (trade["order"], trade["price"], trade["amount"], trade["cost"]) == (placed["id"], 50000, 0.01, 500)
    assert (trade["fee"]["cost"], trade["fee"]["currency"], trade["takerOrMaker"]) == (0.00004, "BTC", "taker")


async def test_a_client_id_is_unique_among_open_orders(client: Any, running: RunningVenue) -> None:
    await client.create_order(BTC, "limit", "sell", 0.005, 60000, {"clientOrderId": COID})
    with pytest.raises(ccxt.InvalidOrder, match="170141"):
        await client.create_order(BTC, "market", "sell", 0.005, None, {"clientOrderId": COID})
    await client.cancel_all_orders(BTC)
    for _ in range(2):
        await client.create_order(BTC, "market", "sell", 0.005, None, {"clientOrderId": COID})

    assert len(running.fills("platform")) == 2
    assert len(await look_up(client, orderLinkId=COID)) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOPE"}, "170121"),
        ({"qty": "0.010001"}, "170137"),
        ({"qty": "0.00005"}, "170136"),
        ({"symbol": "ETHUSDT", "qty": "0.0001"}, "170140"),
        ({"qty": "0.5"}, "170131"),
        ({"orderType": "Limit", "price": "60000.05"}, "170134"),
        ({"orderType": "Limit", "price": "40000", "timeInForce": "PostOnly"}, "170218"),
        ({"side": "SELL"}, "10001"),
        ({"orderLinkId": "x" * 37}, "10001"),
        ({"category": "linear"}, "10001"),
    ],
)
async def test_an_order_against_the_rules_is_refused_with_its_code(
    client: Any, running: RunningVenue, change: dict[str, str], code: str
) -> None:
    order = {"category": "spot", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Market", "qty": "0.01"}

    with pytest.raises(ccxt.ExchangeError, match=f'"retCode": {code},'):
        await client.privatePostV5OrderCreate(order | change)

    assert running.orders("platform") == []


async def test_a_halted_market_and_an_unknown_order_have_their_codes(client: Any, running: RunningVenue) -> None:
    await client.load_markets()
    running.set_market(BTC, "halted")

    with pytest.raises(ccxt.InvalidOrder, match="170151"):
        await client.create_order(BTC, "market", "sell", 0.01)
    with pytest.raises(ccxt.OrderNotFound, match="170213"):
        await client.cancel_order("1400000000000000099", BTC)


async def test_a_key_may_do_what_the_world_says() -> None:
    accounts = {"platform": {"balances": {"BTC": "1"}, "may_trade": False, "may_withdraw": True}}
    with RunningVenue(a_world("bybit", accounts=accounts)) as running:
        async with connected(running) as client:
            key = (await client.privateGetV5UserQueryApi())["result"]
            with pytest.raises(ccxt.PermissionDenied, match="10005"):
                await client.create_order(BTC, "market", "sell", 0.01)

    assert (key["readOnly"], key["permissions"]["Spot"]) == (0, [])
    assert "Withdraw" in key["permissions"]["Wallet"]


async def test_too_many_calls_a_second_are_refused() -> None:
    with RunningVenue(a_world("bybit", rate_limits=True)) as running:
        async with connected(running) as client:
            heard = await asyncio.gather(
                *(client.privateGetV5UserQueryApi() for _ in range(50)), return_exceptions=True
            )

    refused = [answer for answer in heard if isinstance(answer, ccxt.RateLimitExceeded)]
    assert 0 < len(refused) < len(heard)
    assert "10006" in str(refused[0])


async def test_small_balances_are_offered_quoted_and_converted_once(client: Any, running: RunningVenue) -> None:
    running.set_balances("platform", ETH="0.002", DOGE="50", BTC="1")
    listed = (await client.privateGetV5AssetCovertSmallBalanceList(WALLET))["result"]["smallAssetCoins"]
    asked = {**WALLET, "fromCoinList": ["ETH", "DOGE"], "toCoin": "USDT"}
    quote = (await client.privatePostV5AssetCovertGetQuote(asked))["result"]
    confirmed = {"quoteId": quote["quoteId"]}
    done = (await client.privatePostV5AssetCovertSmallBalanceExecute(confirmed))["result"]
    with pytest.raises(ccxt.BadRequest, match="expired"):
        await client.privatePostV5AssetCovertSmallBalanceExecute(confirmed)
    records = (await client.privateGetV5AssetCovertSmallBalanceHistory(confirmed))["result"]["records"]

    assert {(row["fromCoin"], row["baseValue"]) for row in listed} == {("ETH", "5"), ("DOGE", "4")}
    assert (quote["result"]["totalFeeInfo"]["amount"], done["status"]) == ("0.18", "processing")
    assert [(row["toAmount"], row["status"], len(row["subRecords"])) for row in records] == [("8.82", "success", 2)]
    balances = running.balances("platform")
    assert (balances["ETH"], balances["DOGE"], balances["USDT"]) == (0, 0, Decimal("10008.82"))


@pytest.mark.parametrize(
    "change", [{"fromCoinList": ["BTC"]}, {"fromCoinList": []}, {"toCoin": "MNT"}, {"accountType": "UNIFIED"}]
)
async def test_what_is_no_small_balance_gets_no_quote(
    client: Any, running: RunningVenue, change: dict[str, Any]
) -> None:
    running.set_balances("platform", ETH="0.002")

    with pytest.raises(ccxt.BadRequest):
        await client.privatePostV5AssetCovertGetQuote({**WALLET, "fromCoinList": ["ETH"], "toCoin": "USDT"} | change)

    assert running.conversions("platform") == []
