"""The volatility of a symbol comes from its stored hourly candles alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from models.history import Series, Timeframe
from models.store.engine import Store
from rules.volatility import Unknown, volatility
from tasks.volatility import volatility_of
from tests.builders import NOW
from tests.models.store.history import BITCOIN, a_walk, keep


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with await Store.open(sqlite_url) as opened:
        yield opened


async def test_the_newest_twenty_hours_of_the_very_source_and_symbol_count(store: Store) -> None:
    await keep(store, a_walk(60))
    await keep(store, a_walk(60, seed=2), replace(BITCOIN, source="binance"))
    await keep(store, a_walk(60, seed=3), replace(BITCOIN, symbol="ETH/USD"))
    await keep(store, a_walk(60, seed=4), Series("kraken", "BTC/USD", Timeframe(1800)))

    answer = await volatility_of(store, "kraken", "BTC/USD", NOW + timedelta(minutes=59))

    assert answer.value == volatility(a_walk(60)["close"].tolist()).value
    assert (answer.candles, answer.as_of) == (20, NOW)


async def test_without_candles_or_with_old_ones_there_is_no_figure(store: Store) -> None:
    assert (await volatility_of(store, "kraken", "BTC/USD", NOW)).unknown is Unknown.NOT_STORED

    await keep(store, a_walk(60).drop(index=55))

    assert (await volatility_of(store, "kraken", "BTC/USD", NOW)).unknown is Unknown.GAPPED
    assert (await volatility_of(store, "kraken", "BTC/USD", NOW + timedelta(hours=4))).unknown is Unknown.TOO_OLD
