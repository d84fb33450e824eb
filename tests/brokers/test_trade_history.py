"""Fills are read from the newest to the oldest over the venue's own pages, and no further than they are wanted."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers import binance
from brokers.account import AccountClient
from brokers.kraken import Kraken
from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import Account
from models.errors import VenueUnavailable
from rules.adoption import Trade, back_to_nothing
from tests.brokers.at_venue import QUOTE, a_world, reach

pytestmark = pytest.mark.wire

LONG_AGO = 400  # days; OKX has forgotten what is that old


def bought(symbol: str, *, count: int = 1, days_ago: float = 1, price: int = 100) -> list[dict[str, Any]]:
    """Buy one unit each time, a minute apart, the last of them so many days ago."""
    return [
        {"symbol": symbol, "side": "buy", "quantity": "1", "price": price, "hours_ago": days_ago * 24 + n / 60}
        for n in range(count)
    ]


@asynccontextmanager
async def traded(venue: str, *trades: list[dict[str, Any]]) -> AsyncIterator[tuple[AccountClient, RunningVenue]]:
    account = {"balances": {QUOTE[venue]: "1000"}, "trades": [row for rows in trades for row in rows]}
    accounts = {"platform": Account.model_validate(account)}
    with RunningVenue(a_world(venue, {}).model_copy(update={"accounts": accounts})) as running:
        async with reach(running) as reached:
            yield reached.account, running


def reaching(quantity: int, base: str) -> Any:
    def is_enough(newest: Sequence[Trade]) -> bool:
        return back_to_nothing(newest, Decimal(quantity), base=base) is not None

    return is_enough


@pytest.mark.parametrize("venue", QUOTE)
async def test_every_page_of_a_long_history_is_read_once_newest_first(venue: str) -> None:
    btc, eth = f"BTC/{QUOTE[venue]}", f"ETH/{QUOTE[venue]}"
    async with traded(venue, bought(btc, count=130), bought(eth, days_ago=2)) as (account, _):
        history = account.trade_history()
        fills = (await history.of(btc)).newest_first
        other = await history.of(eth)

    assert len(fills) == len({(t.order_id, t.fill.trade_id) for t in fills}) == 130
    assert [t.fill.at for t in fills] == sorted((t.fill.at for t in fills), key=str, reverse=True)
    assert {(t.side, t.fill.quantity, t.fill.price) for t in fills} == {("buy", Decimal(1), Decimal(100))}
    assert [t.fill.price for t in other.newest_first] == [100]
    assert not other.is_cut


@pytest.mark.parametrize(("venue", "calls"), [("kraken", 1), ("binance", 1), ("coinbase", 1), ("okx", 1), ("bybit", 1)])
async def test_what_explains_a_holding_ends_the_reading(venue: str, calls: int) -> None:
    btc = f"BTC/{QUOTE[venue]}"
    async with traded(venue, bought(btc, count=150, days_ago=2), bought(btc)) as (account, running):
        await account.holdings()
        before = running.calls("trades")
        found = await account.trade_history().of(btc, is_enough=reaching(1, "BTC"))
        read = running.calls("trades") - before

    assert back_to_nothing(found.newest_first, Decimal(1), base="BTC") == found.newest_first[:1]
    assert read == calls


async def test_a_list_of_every_symbol_is_read_once_for_all_of_them() -> None:
    async with traded("kraken", bought("BTC/USD", count=60), bought("ETH/USD", days_ago=2)) as (account, running):
        history = account.trade_history()
        found = [await history.of(symbol) for symbol in ("BTC/USD", "ETH/USD", "DOGE/USD")]

        assert [len(trades.newest_first) for trades in found] == [60, 1, 0]
        assert running.calls("trades") == 2


async def test_binance_lists_on_from_the_first_fill_where_the_newest_page_does_not_suffice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binance, "_FILLS_PER_PAGE", 20)
    async with traded("binance", bought("BTC/USDT", count=45), bought("BTC/USDT", days_ago=9)) as (account, running):
        whole = await account.trade_history().of("BTC/USDT", is_enough=reaching(46, "BTC"))

        assert (len(whole.newest_first), whole.is_cut, running.calls("trades")) == (46, False, 3)


async def test_bybit_is_read_week_by_week_and_only_as_far_back_as_asked() -> None:
    async with traded("bybit", bought("BTC/USDT", days_ago=LONG_AGO)) as (account, running):
        recent = await account.trades("BTC/USDT", datetime.now(UTC) - timedelta(days=10))
        few = running.calls("trades")
        old = await account.trade_history().of("BTC/USDT", is_enough=reaching(1, "BTC"))

    assert (recent, few) == ((), 2)
    assert len(old.newest_first) == 1


async def test_what_a_venue_has_forgotten_is_not_there_and_it_says_how_far_it_goes() -> None:
    async with traded("okx", bought("BTC/USDT", days_ago=LONG_AGO)) as (account, _):
        found = await account.trade_history().of("BTC/USDT")

        assert (found.newest_first, found.is_cut) == ((), False)
        assert account.trades_kept == timedelta(days=90)


async def test_a_history_that_is_too_long_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kraken, "most_trade_pages", 2)
    async with traded("kraken", bought("BTC/USD", count=120)) as (account, _):
        found = await account.trade_history().of("BTC/USD")

    assert (len(found.newest_first), found.is_cut) == (100, True)


async def test_a_fill_that_cannot_be_read_spoils_its_own_symbol_alone() -> None:
    row = {"ordertxid": "O1", "time": 1.7e9, "type": "buy", "price": "100", "vol": "1", "fee": "0", "cost": "100"}
    trades = {"T1": row | {"pair": "XXBTZUSD", "price": "?"}, "T2": row | {"pair": "XETHZUSD"}}
    body = json.dumps({"error": [], "result": {"trades": trades, "count": 2}})
    async with traded("kraken") as (account, running):
        running.set_faults({"operation": "trades", "fault": "status", "status": 200, "body": body, "times": None})
        history = account.trade_history()
        good = await history.of("ETH/USD")
        with pytest.raises(VenueUnavailable, match="unreadable"):
            await history.of("BTC/USD")

    assert [trade.fill.quantity for trade in good.newest_first] == [1]
