"""See what ccxt reads from the public side of both venues."""

import time
from collections.abc import Awaitable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ccxt as synchronous
import ccxt.async_support as ccxt
import pytest

from brokers.simulator.handle import RunningVenue
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire


async def test_markets_carry_the_sizes_of_the_world(client: Any, running: RunningVenue, btc: str) -> None:
    market = (await client.load_markets())[btc]

    listed = running.world.markets[0]
    assert Decimal(str(market["precision"]["amount"])) == listed.lot_step
    assert Decimal(str(market["precision"]["price"])) == listed.tick
    assert Decimal(str(market["limits"]["amount"]["min"])) == listed.min_quantity
    assert Decimal(str(market["limits"]["cost"]["min"])) == listed.min_notional


async def test_a_halted_market_is_listed_as_inactive(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_market(btc, "halted")

    assert (await client.load_markets())[btc]["active"] is False


async def test_a_delisted_market_is_gone_while_its_asset_is_still_held(
    client: Any, running: RunningVenue, btc: str
) -> None:
    running.set_market(btc, "delisted")

    assert btc not in await client.load_markets()
    assert (await client.fetch_balance())["total"]["BTC"] == 0.02


async def test_tickers_leave_out_a_market_without_a_price(client: Any, quote: str, btc: str) -> None:
    tickers = await client.fetch_tickers()

    assert set(tickers) == {btc, f"ETH/{quote}", f"DOGE/{quote}"}
    assert (tickers[btc]["bid"], tickers[btc]["ask"], tickers[btc]["last"]) == (50000, 50000, 50000)


async def test_tickers_of_named_symbols_can_be_asked_for(client: Any, quote: str, btc: str) -> None:
    assert set(await client.fetch_tickers([btc, f"ETH/{quote}"])) == {btc, f"ETH/{quote}"}


async def test_a_price_can_be_taken_away_and_given_back(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_price(btc, None)
    without = await client.fetch_tickers()
    running.set_price(btc, "51000")

    assert btc not in without
    assert (await client.fetch_ticker(btc))["last"] == 51000


async def test_a_spread_opens_around_the_last_price(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_market(btc, spread_bps="20")

    ticker = await client.fetch_ticker(btc)

    assert (ticker["bid"], ticker["last"], ticker["ask"]) == (49950, 50000, 50050)


async def test_an_order_book_steps_away_from_the_price(client: Any, btc: str) -> None:
    book = await client.fetch_order_book(btc, 3)

    assert [level[0] for level in book["bids"]] == [50000, 49999.9, 49999.8]
    assert [level[0] for level in book["asks"]] == [50000, 50000.1, 50000.2]


async def test_candles_end_with_the_unfinished_one(client: Any, running: RunningVenue, btc: str) -> None:
    candles = await client.fetch_ohlcv(btc, "1h")

    hour = 3_600_000
    assert candles[-1][0] == int(time.time() * 1000) // hour * hour
    assert {later[0] - earlier[0] for earlier, later in pairwise(candles)} == {hour}
    assert len(candles) == (720 if running.world.venue == "kraken" else 500)
    assert candles[-1][1:5] == [50000] * 4


async def test_candles_start_where_the_client_asks(client: Any, btc: str) -> None:
    day = 86_400_000
    since = int(time.time() * 1000) // day * day - 10 * day

    candles = await client.fetch_ohlcv(btc, "1d", since)

    assert candles[0][0] == since
    assert len(candles) == 11


async def test_recent_trades_follow_the_price(client: Any, btc: str) -> None:
    trades = await client.fetch_trades(btc, limit=5)

    assert len(trades) == 5
    assert {trade["price"] for trade in trades} == {50000}


async def test_the_clock_is_the_machines(client: Any) -> None:
    assert abs(await client.fetch_time() - time.time() * 1000) < 2000


async def test_currencies_carry_the_unified_codes() -> None:
    with RunningVenue(a_world("kraken")) as venue:
        async with connected(venue) as client:
            currencies = await client.fetch_currencies()

    assert {"BTC", "ETH", "DOGE", "AUT", "USD"} == set(currencies)
    assert currencies["BTC"]["id"] == "XXBT"
    assert currencies["DOGE"]["id"] == "XXDG"


async def test_binance_lists_its_coins_to_a_signed_call() -> None:
    with RunningVenue(a_world("binance")) as venue:
        async with connected(venue) as client:
            client.options["fetchCurrencies"] = True
            currencies = await client.fetch_currencies()

    assert {"BTC", "ETH", "DOGE", "AUT", "USDT"} == set(currencies)


async def test_kraken_pairs_have_the_real_names() -> None:
    symbols = ["BTC/USD", "ETH/USD", "ETH/BTC", "DOGE/USD", "DOGE/BTC", "ADA/USD", "BTC/USDT", "XRP/EUR"]
    world = a_world("kraken", markets=[{"symbol": symbol, "price": "10"} for symbol in symbols])

    with RunningVenue(world) as venue:
        async with connected(venue) as client:
            markets = await client.load_markets()

    ids = ["XXBTZUSD", "XETHZUSD", "XETHXXBT", "XDGUSD", "XXDGXXBT", "ADAUSD", "XBTUSDT", "XXRPZEUR"]
    assert [markets[symbol]["id"] for symbol in symbols] == ids
    assert markets["DOGE/USD"]["wsId"] == "XDG/USD"


async def test_an_unknown_pair_is_refused(client: Any, running: RunningVenue, btc: str) -> None:
    await client.load_markets()
    running.set_market(btc, "delisted")

    with pytest.raises(ccxt.ExchangeError) as caught:
        await client.fetch_ticker(btc)

    words = "EQuery:Unknown asset pair" if running.world.venue == "kraken" else "-1121"
    assert words in str(caught.value) or isinstance(caught.value, ccxt.BadSymbol)


async def test_an_unknown_method_is_refused(client: Any, running: RunningVenue) -> None:
    with pytest.raises((ccxt.ExchangeError, ccxt.ExchangeNotAvailable)) as caught:
        await _unknown(client, running)

    assert ("EGeneral:Unknown method" if running.world.venue == "kraken" else "404") in str(caught.value)


def test_the_synchronous_client_is_served_too() -> None:
    with RunningVenue(a_world("kraken")) as venue:
        key, secret, _ = venue.credentials("platform")
        urls = {"api": {"public": venue.url, "private": venue.url}}
        client = synchronous.kraken({"apiKey": key, "secret": secret, "urls": urls, "enableRateLimit": False})
        assert client.fetch_balance()["total"]["USD"] == 10000


def _unknown(client: Any, running: RunningVenue) -> Awaitable[Any]:
    return (
        client.privatePostOpenPositions() if running.world.venue == "kraken" else client.sapiGetCapitalWithdrawHistory()
    )
