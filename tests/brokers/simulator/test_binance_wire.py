"""Check Binance's own rules: keys, signatures, clock, filters, answer lengths, client ids, weights."""

import time
from collections.abc import Awaitable, Iterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest

from brokers.simulator.handle import RunningVenue
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire

COID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def running() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("binance")) as venue:
        yield venue


async def test_a_wrong_key_is_refused(client: Any) -> None:
    await client.load_markets()
    client.apiKey = "nobody"

    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await client.fetch_balance()


async def test_a_wrong_secret_is_refused(client: Any) -> None:
    await client.load_markets()
    client.secret = "wrong"

    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await client.fetch_balance()


async def test_a_request_without_a_key_is_refused(running: RunningVenue) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/api/v3/account") as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, -2014)


@pytest.mark.parametrize("shift_ms", [-12_000, 5_000])
async def test_a_timestamp_out_of_the_window_is_refused(client: Any, shift_ms: int) -> None:
    await client.load_markets()
    client.nonce = lambda: int(time.time() * 1000) + shift_ms

    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await client.fetch_balance()


async def test_an_old_timestamp_is_taken_within_a_wider_window(client: Any) -> None:
    await client.load_markets()
    client.nonce = lambda: int(time.time() * 1000) - 12_000
    client.options["recvWindow"] = 20_000

    assert (await client.fetch_balance())["total"]["BTC"] == 0.02


async def test_a_quantity_off_the_lot_step_is_refused(client: Any) -> None:
    await client.load_markets()

    with pytest.raises(ccxt.InvalidOrder, match="lot size"):
        await _order(client, quantity="0.010001")


async def test_a_price_off_the_tick_is_refused(client: Any) -> None:
    await client.load_markets()

    with pytest.raises(ccxt.InvalidOrder, match="PRICE_FILTER"):
        await _order(client, type="LIMIT", timeInForce="GTC", quantity="0.01", price="40000.05")


async def test_a_number_with_too_many_places_is_refused(client: Any) -> None:
    await client.load_markets()

    with pytest.raises(ccxt.ExchangeError, match="-1111"):
        await _order(client, quantity="0.0100000001")


@pytest.mark.parametrize(("length", "keys"), [("ACK", 5), ("RESULT", 16), ("FULL", 17)])
async def test_the_answer_to_an_order_is_as_long_as_asked(client: Any, length: str, keys: int) -> None:
    await client.load_markets()

    answer = await _order(client, quantity="0.01", newOrderRespType=length)

    assert ("status" in answer, "fills" in answer) == (length != "ACK", length == "FULL")
    assert len(answer) == keys


async def test_a_client_id_finds_the_newest_order_that_carries_it(client: Any) -> None:
    for _ in range(2):
        placed = await client.create_order("BTC/USDT", "market", "sell", 0.005, None, {"clientOrderId": COID})

    found = await client.fetch_order(None, "BTC/USDT", {"clientOrderId": COID})

    assert found["id"] == placed["id"] == "2"


async def test_an_unknown_order_is_not_found(client: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order("77", "BTC/USDT")


async def test_cancelling_an_unknown_order_says_so(client: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order("77", "BTC/USDT")


async def test_all_orders_of_a_market_are_listed(client: Any) -> None:
    await client.create_order("BTC/USDT", "market", "sell", 0.005)
    await client.create_order("BTC/USDT", "limit", "sell", 0.005, 60000)
    await client.create_order("ETH/USDT", "market", "sell", 0.5)

    orders = await client.fetch_orders("BTC/USDT")

    assert [order["status"] for order in orders] == ["closed", "open"]


async def test_open_orders_of_all_markets_are_listed_without_a_symbol(client: Any) -> None:
    client.options["fetchOpenOrders"]["warnWithoutSymbol"] = False
    await client.create_order("BTC/USDT", "limit", "sell", 0.005, 60000)
    await client.create_order("ETH/USDT", "limit", "sell", 0.5, 6000)

    assert {order["symbol"] for order in await client.fetch_open_orders()} == {"BTC/USDT", "ETH/USDT"}


async def test_an_unknown_symbol_is_refused(running: RunningVenue) -> None:
    url = f"{running.url}/api/v3/depth?symbol=NOPE"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        document = await answer.json()

    assert (answer.status, document) == (400, {"code": -1121, "msg": "Invalid symbol."})


async def test_small_balances_become_bnb() -> None:
    markets = [{"symbol": "DOGE/USDT", "price": "0.08"}, {"symbol": "BNB/USDT", "price": "400"}]
    holds = {"platform": {"balances": {"USDT": "100", "DOGE": "50"}}}  # worth 4 USDT
    with RunningVenue(a_world("binance", markets=markets, accounts=holds)) as venue:
        async with connected(venue) as client:
            offered = (await client.sapiPostAssetDustBtc())["details"]
            done = await client.sapiPostAssetDust({"asset": ["DOGE"]})
            logged = (await client.sapiGetAssetDribblet())["userAssetDribblets"]
        balances = venue.balances("platform")

    told = [(row["asset"], row["toBNBOffExchange"], row["exchange"]) for row in offered]
    assert told == [("DOGE", "0.00980000", "0.00020000")]
    assert (done["totalTransfered"], done["totalServiceCharge"]) == ("0.00980000", "0.00020000")
    assert logged[0]["userAssetDribbletDetails"][0]["fromAsset"] == "DOGE"
    assert balances["BNB"] == Decimal("0.0098")


async def test_what_is_no_small_balance_is_not_converted(client: Any, running: RunningVenue) -> None:
    with pytest.raises(ccxt.ExchangeError):
        await client.sapiPostAssetDust({"asset": ["BTC"]})

    assert running.conversions("platform") == []


async def test_an_unfilled_rest_of_an_immediate_order_expires(client: Any, running: RunningVenue) -> None:
    running.set_fills("partial", fraction="0.5")

    order = await client.create_order("BTC/USDT", "limit", "sell", 0.01, 40000, {"timeInForce": "IOC"})

    assert (order["status"], order["filled"]) == ("expired", 0.005)


async def test_spent_weight_is_refused_with_a_wait() -> None:
    with RunningVenue(a_world("binance", rate_limits=True)) as running:
        async with aiohttp.ClientSession() as session:
            url = f"{running.url}/api/v3/ticker/24hr"
            answers = []
            for _ in range(76):
                async with session.get(url) as answer:
                    answers.append((answer.status, answer.headers.get("Retry-After")))

    assert answers[0] == (200, None)
    assert answers[-1][0] == 429
    assert int(answers[-1][1]) > 0


async def test_the_last_price_is_served_alone(running: RunningVenue) -> None:
    url = f"{running.url}/api/v3/ticker/price?symbol=BTCUSDT"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert await answer.json() == {"symbol": "BTCUSDT", "price": "50000.00000000"}


async def test_bids_and_asks_are_served_without_the_unpriced_market(client: Any) -> None:
    assert set(await client.fetch_bids_asks()) == {"BTC/USDT", "ETH/USDT", "DOGE/USDT"}


async def test_an_account_with_two_keys_by_the_world_is_known_by_its_own() -> None:
    accounts = {"platform": {"balances": {"USDT": "5"}, "api_key": "mine", "api_secret": "bXkgc2VjcmV0"}}
    with RunningVenue(a_world("binance", accounts=accounts)) as running:
        async with connected(running) as client:
            assert client.apiKey == "mine"
            assert (await client.fetch_balance())["total"] == {"USDT": 5}


def _order(client: Any, **params: Any) -> Awaitable[Any]:
    return client.privatePostOrder({"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", **params})
