"""Check OKX's own rules with an unmodified ccxt: signatures, clock, rows of refusals, pages, candles, easy convert."""

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
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def unchanged() -> Iterator[RunningVenue]:
    """Return a venue at which a test only reads, or is refused."""
    with RunningVenue(a_world("okx")) as venue:
        yield venue


@pytest.fixture
def running() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("okx")) as venue:
        yield venue


@pytest.fixture
async def reader(unchanged: RunningVenue) -> AsyncIterator[Any]:
    async with connected(unchanged) as client:
        await client.load_markets()
        yield client


async def test_markets_carry_the_sizes_of_the_world(reader: Any) -> None:
    market = reader.markets[BTC]

    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.00001, 0.1)
    assert (market["limits"]["amount"]["min"], market["active"], market["spot"]) == (0.0001, True, True)


async def test_a_halted_market_is_suspended_and_a_delisted_one_is_gone(running: RunningVenue) -> None:
    running.set_market(BTC, "halted")
    running.set_market("ETH/USDT", "delisted")

    async with connected(running) as client:
        markets = await client.load_markets()

    assert (markets[BTC]["active"], markets[BTC]["info"]["state"]) == (False, "suspend")
    assert "ETH/USDT" not in markets


async def test_tickers_leave_out_a_market_without_a_price(reader: Any) -> None:
    tickers = await reader.fetch_tickers()

    assert set(tickers) == {BTC, "ETH/USDT", "DOGE/USDT"}
    assert (tickers[BTC]["last"], tickers[BTC]["bid"], tickers[BTC]["ask"]) == (50000, 50000, 50000)


async def test_the_ticker_of_a_market_without_a_price_is_empty(reader: Any) -> None:
    assert (await reader.fetch_ticker("AUT/USDT"))["last"] is None


async def test_candles_come_newest_first_and_end_with_the_unfinished_one(reader: Any) -> None:
    raw = (await reader.publicGetMarketCandles({"instId": "BTC-USDT", "bar": "1H"}))["data"]

    assert len(raw) == 100
    assert [row[8] for row in raw] == ["0"] + ["1"] * 99
    assert [int(row[0]) for row in raw] == sorted((int(row[0]) for row in raw), reverse=True)


async def test_a_page_of_candles_is_cut_at_three_hundred(reader: Any) -> None:
    assert len(await reader.fetch_ohlcv(BTC, "1h", limit=1000)) == 300


async def test_old_candles_come_from_the_history_and_are_finished(reader: Any) -> None:
    since = int(time.time() * 1000) // HOUR_MS * HOUR_MS - 2000 * HOUR_MS

    candles = await reader.fetch_ohlcv(BTC, "1h", since, 100)

    assert [candle[0] for candle in candles] == [since + n * HOUR_MS for n in range(100)]
    assert (await reader.publicGetMarketHistoryCandles({"instId": "BTC-USDT", "bar": "1H"}))["data"][0][8] == "1"


async def test_the_newest_candles_do_not_go_back_further_than_1440(reader: Any) -> None:
    border = int(time.time() * 1000) - 1500 * HOUR_MS

    answer = await reader.publicGetMarketCandles({"instId": "BTC-USDT", "bar": "1H", "after": border})

    assert answer["data"] == []


async def test_trades_and_depth_are_served(reader: Any) -> None:
    trades = await reader.fetch_trades(BTC, limit=3)
    book = await reader.fetch_order_book(BTC, 3)

    assert [t["price"] for t in trades] == [50000] * 3
    assert [level[0] for level in book["bids"]] == [50000, 49999.9, 49999.8]


async def test_older_trades_are_paged_by_id(reader: Any) -> None:
    first = (await reader.publicGetMarketHistoryTrades({"instId": "BTC-USDT"}))["data"]
    query = {"instId": "BTC-USDT", "after": first[-1]["tradeId"]}
    second = (await reader.publicGetMarketHistoryTrades(query))["data"]

    ids = [int(row["tradeId"]) for row in first + second]
    assert ids == list(range(ids[0], ids[0] - 200, -1))


async def test_a_wrong_key_is_refused(reader: Any) -> None:
    reader.apiKey = "nobody"

    with pytest.raises(ccxt.AuthenticationError, match="50111"):
        await reader.fetch_balance()


async def test_a_wrong_secret_is_refused(reader: Any) -> None:
    reader.secret = "wrong"

    with pytest.raises(ccxt.AuthenticationError, match="50113"):
        await reader.fetch_balance()


async def test_a_wrong_passphrase_is_refused(reader: Any) -> None:
    reader.password = "wrong"

    with pytest.raises(ccxt.AuthenticationError, match="50105"):
        await reader.fetch_balance()


@pytest.mark.parametrize("shift_ms", [-31_000, 31_000])
async def test_a_timestamp_half_a_minute_off_is_refused(reader: Any, shift_ms: int) -> None:
    reader.nonce = lambda: int(time.time() * 1000) + shift_ms

    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        await reader.fetch_balance()


@pytest.mark.parametrize(
    ("headers", "code"), [({}, "50103"), ({"OK-ACCESS-KEY": "a", "OK-ACCESS-PASSPHRASE": "b"}, "50106")]
)
async def test_a_missing_header_is_named(unchanged: RunningVenue, headers: dict[str, str], code: str) -> None:
    url = f"{unchanged.url}/api/v5/account/balance"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, code)


async def test_a_clock_of_the_venue_that_is_wrong_is_told_and_judged_by() -> None:
    with RunningVenue(a_world("okx", clock_skew_seconds="120")) as running:
        async with connected(running) as client:
            ahead = await client.fetch_time() - time.time() * 1000
            client.options["timeDifference"] = -ahead
            balance = await client.fetch_balance()

    assert 119_000 < ahead < 121_000
    assert balance["total"]["BTC"] == 0.02


@pytest.mark.parametrize(
    ("order", "error", "code"),
    [
        (("market", "sell", 1), ccxt.InsufficientFunds, "51008"),
        (("limit", "sell", 0.00001, 60000), ccxt.InvalidOrder, "51020"),
        (("limit", "sell", 0.0001, 40000), ccxt.InvalidOrder, "51020"),
        (("limit", "sell", 0.005, 60000, {"sz": "0.0050000001"}), ccxt.InvalidOrder, "51121"),
        (("limit", "sell", 0.005, 60000, {"clOrdId": "not-alphanumeric"}), ccxt.BadRequest, "51000"),
        (("limit", "sell", 0.005, 60000, {"instId": "NO-SUCH"}), ccxt.BadSymbol, "51001"),
        (("market", "sell", 0.005, None, {"marginMode": "cross"}), ccxt.AccountNotEnabled, "51010"),
    ],
)
async def test_a_refused_order_is_told_in_its_row(
    unchanged: RunningVenue, order: tuple[Any, ...], error: type[ccxt.BaseError], code: str
) -> None:
    async with connected(unchanged) as client:
        with pytest.raises(error) as caught:
            await client.create_order(BTC, *order)

    assert f'"sCode": "{code}"' in str(caught.value)
    assert unchanged.orders("platform") == []


async def test_a_market_that_is_halted_takes_no_order(running: RunningVenue) -> None:
    running.set_market(BTC, "halted")

    async with connected(running) as client:
        with pytest.raises(ccxt.ContractUnavailable, match="51022"):
            await client.create_order(BTC, "market", "sell", 0.005)


async def test_a_market_sell_answers_with_its_id_alone_and_fills(running: RunningVenue) -> None:
    async with connected(running) as client:
        placed = await client.create_order(BTC, "market", "sell", 0.01, None, {"clientOrderId": COID})
        order = await client.fetch_order(None, BTC, {"clOrdId": COID})

    assert (placed["status"], placed["filled"]) == (None, None)
    assert (order["id"], order["status"], order["filled"], order["average"]) == (placed["id"], "closed", 0.01, 50000)
    assert (order["fee"]["cost"], order["fee"]["currency"]) == (2, "USDT")
    assert order["info"]["fee"] == "-2"
    assert running.balances("platform")["BTC"] == Decimal("0.01")


async def test_a_market_buy_without_a_target_spends_an_amount_of_quote(running: RunningVenue) -> None:
    buy = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "100", "clOrdId": COID}
    async with connected(running) as client:
        await client.privatePostTradeOrder(buy)
        (row,) = (await client.privateGetTradeOrder({"instId": "BTC-USDT", "clOrdId": COID}))["data"]

    assert (row["sz"], row["tgtCcy"], row["accFillSz"], row["feeCcy"]) == ("100", "quote_ccy", "0.002", "BTC")


async def test_an_open_order_holds_funds_until_it_is_canceled(running: RunningVenue) -> None:
    async with connected(running) as client:
        placed = await client.create_order(BTC, "limit", "sell", 0.015, 60000)
        during = (await client.fetch_balance())["BTC"]
        listed = [order["id"] for order in await client.fetch_open_orders()]
        await client.cancel_order(placed["id"], BTC)
        canceled = await client.fetch_order(placed["id"], BTC)
        with pytest.raises(ccxt.OrderNotFound, match="51400"):
            await client.cancel_order(placed["id"], BTC)
        after = (await client.fetch_balance())["BTC"]

    assert (during["used"], during["free"], after["used"], after["free"]) == (0.015, 0.005, 0, 0.02)
    assert (listed, canceled["status"]) == ([placed["id"]], "canceled")
    assert running.held("platform", "BTC") == 0


async def test_orders_are_placed_and_canceled_in_batches_each_for_itself(running: RunningVenue) -> None:
    def an_order(quantity: float, price: float) -> dict[str, Any]:
        return {"symbol": BTC, "type": "limit", "side": "sell", "amount": quantity, "price": price}

    async with connected(running) as client:
        placed = await client.create_orders([an_order(0.005, 60000), an_order(5, 60000), an_order(0.005, 70000)])
        await client.cancel_orders([o["id"] for o in placed if o["id"]], BTC)

    assert [o["status"] for o in placed] == [None, "rejected", None]
    assert [o.status for o in running.orders("platform")] == [Status.CANCELED] * 2


async def test_a_client_id_is_refused_while_its_order_is_open_and_can_sell_again_afterwards(
    running: RunningVenue,
) -> None:
    async with connected(running) as client:
        waits = await client.create_order(BTC, "limit", "sell", 0.005, 60000, {"clOrdId": COID})
        with pytest.raises(ccxt.InvalidOrder, match="51016"):
            await client.create_order(BTC, "market", "sell", 0.005, None, {"clOrdId": COID})
        await client.cancel_order(waits["id"], BTC)
        again = await client.create_order(BTC, "market", "sell", 0.005, None, {"clOrdId": COID})
        newest = await client.fetch_order(None, BTC, {"clOrdId": COID})

    assert newest["id"] == again["id"] != waits["id"]


async def test_an_order_after_its_deadline_is_refused_whole(running: RunningVenue) -> None:
    async with connected(running, headers={"expTime": str(int(time.time() * 1000) - 1)}) as client:
        await client.load_markets()
        with pytest.raises(ccxt.ExchangeError, match='"code": "50036"'):
            await client.create_order(BTC, "market", "sell", 0.005)
        client.headers = {"expTime": str(int(time.time() * 1000) + 60_000)}
        await client.create_order(BTC, "market", "sell", 0.005)

    assert len(running.orders("platform")) == 1


async def test_an_unknown_order_is_no_order_of_a_row(reader: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound, match='"code": "51603", "data": \\[\\]'):
        await reader.fetch_order("1", BTC)


async def test_ended_orders_and_fills_are_listed_newest_first_in_pages(running: RunningVenue) -> None:
    async with connected(running) as client:
        ids = [(await client.create_order(BTC, "market", "sell", 0.001))["id"] for _ in range(3)]
        await client.create_order(BTC, "limit", "sell", 0.001, 60000)
        query = {"instType": "SPOT", "limit": "2"}
        first = (await client.privateGetTradeOrdersHistory(query))["data"]
        second = (await client.privateGetTradeOrdersHistory({**query, "after": first[-1]["ordId"]}))["data"]
        fills = (await client.privateGetTradeFills(query))["data"]
        older = (await client.privateGetTradeFills({**query, "after": fills[-1]["billId"]}))["data"]
        (trade, *_) = await client.fetch_my_trades(BTC)

    assert [row["ordId"] for row in first + second] == ids[::-1]
    assert [row["ordId"] for row in fills + older] == ids[::-1]
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (ids[0], 0.001, "taker")
    assert (trade["fee"]["cost"], trade["fee"]["currency"]) == (0.2, "USDT")


async def test_what_is_borrowed_can_be_spent_and_is_no_equity() -> None:
    account = {"balances": {"USDT": "100", "BTC": "0.5"}, "borrowed": {"BTC": "0.2"}}
    with RunningVenue(a_world("okx", accounts={"platform": account})) as running:
        async with connected(running) as client:
            (row,) = (await client.privateGetAccountBalance())["data"]

    btc = next(detail for detail in row["details"] if detail["ccy"] == "BTC")
    assert (btc["cashBal"], btc["availBal"], btc["liab"], btc["eq"]) == ("0.5", "0.5", "0.2", "0.3")
    assert Decimal(row["totalEq"]) == Decimal("0.9996") * (100 + 15000)


async def test_a_key_that_may_not_trade_is_told_so() -> None:
    account = {"balances": {"BTC": "1"}, "may_trade": False, "may_withdraw": True}
    with RunningVenue(a_world("okx", accounts={"platform": account})) as running:
        async with connected(running) as client:
            (config,) = (await client.privateGetAccountConfig())["data"]
            with pytest.raises(ccxt.ExchangeError, match="50120"):
                await client.create_order(BTC, "market", "sell", 0.01)

    assert config["perm"] == "read_only,withdraw"


async def test_small_balances_are_converted_five_at_a_time() -> None:
    names = [f"D{number}" for number in range(6)]
    markets = [{"symbol": f"{name}/USDT", "price": "0.5"} for name in names]
    account = {"balances": dict.fromkeys(names, "2") | {"USDT": "10"}}
    with RunningVenue(a_world("okx", markets=markets, accounts={"platform": account})) as running:
        async with connected(running) as client:
            (offer,) = (await client.privateGetTradeEasyConvertCurrencyList())["data"]
            with pytest.raises(ccxt.ExchangeError, match="50025"):
                await client.privatePostTradeEasyConvert({"fromCcy": names, "toCcy": "USDT"})
            done = (await client.privatePostTradeEasyConvert({"fromCcy": names[:5], "toCcy": "USDT"}))["data"]
            history = (await client.privateGetTradeEasyConvertHistory())["data"]
            with pytest.raises(ccxt.ExchangeError, match="51143"):
                await client.privatePostTradeEasyConvert({"fromCcy": names[:1], "toCcy": "USDT"})
        balances = running.balances("platform")

    assert [row["fromCcy"] for row in offer["fromData"]] == names
    assert [(row["fromCcy"], row["fillToSz"], row["status"]) for row in done] == [(n, "1", "filled") for n in names[:5]]
    assert [row["fromCcy"] for row in history] == names[4::-1]
    assert (balances["USDT"], balances["D5"], balances["D0"]) == (15, 2, 0)


async def test_too_many_calls_in_two_seconds_are_refused() -> None:
    with RunningVenue(a_world("okx", rate_limits=True)) as running:
        async with connected(running) as client:
            for _ in range(5):
                await client.privateGetAccountConfig()
            with pytest.raises(ccxt.RateLimitExceeded, match="50011"):
                await client.privateGetAccountConfig()


async def test_an_unknown_path_is_not_found(unchanged: RunningVenue) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{unchanged.url}/api/v5/no/such") as answer:
        assert answer.status == 404
