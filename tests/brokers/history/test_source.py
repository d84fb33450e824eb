"""What the environment says of the sources, and that none of them goes past the throttle."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brokers.hub import Venues
from brokers.nonces import Turns
from brokers.simulator.handle import RunningVenue
from brokers.throttle import Throttle
from models.clock import SystemClock
from models.errors import ConfigError, NotAsked
from models.history import Series, Timeframe
from models.settings import CoinGeckoPlan, load_history_settings
from models.store.engine import Store
from models.store.leases import Holder
from models.store.throttles import known_levels
from tests.brokers.history.sources import HOUR, a_market, back, bitcoin, source_of
from tests.brokers.history.test_coingecko import KEY, a_gecko

pytestmark = pytest.mark.wire
COIN = Series("coingecko", "bitcoin/usd", Timeframe(HOUR))


@asynccontextmanager
async def throttled(store: Store, home: Path) -> AsyncIterator[Venues]:
    """Open venues whose calls are all counted."""
    clock = SystemClock()
    with Holder(home) as holder:
        turns = Turns(store, holder, clock, 5, timedelta(0))
        throttle = Throttle(store, clock, trusts_this_machine=False)
        async with Venues(clock, 5, turns, throttle=throttle) as venues:
            yield venues


def test_the_environment_says_how_coingecko_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"PLAN": "pro", "API_KEY": KEY, "CALLS_PER_MINUTE": "500", "URL": "http://127.0.0.1:1"}
    for name, value in values.items():
        monkeypatch.setenv(f"NIJA_COINGECKO_{name}", value)

    found = load_history_settings()

    assert (found.coingecko_plan, found.coingecko_calls_per_minute) == (CoinGeckoPlan.PRO, 500)
    assert found.coingecko_url == "http://127.0.0.1:1"
    assert KEY not in repr(found)


def test_a_plan_that_nobody_sells_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJA_COINGECKO_PLAN", "gold")

    with pytest.raises(ConfigError, match="NIJA_COINGECKO_PLAN"):
        load_history_settings()


async def test_calls_are_booked_where_all_processes_see_them(store_url: str, tmp_path: Path) -> None:
    async with await Store.open(store_url) as store:
        with RunningVenue(a_gecko()) as gecko, RunningVenue(a_market("kraken")) as kraken:
            async with throttled(store, tmp_path) as venues:
                async with source_of(gecko, venues) as source:
                    await source.fetch(COIN, back("1h", 30, 10))
                async with source_of(kraken, venues) as source:
                    await source.fetch(bitcoin("kraken"), back("1h", 30, 10))
        booked = {
            level.budget: level.level.used + sum(n for _, n in level.level.grants)
            for level in await known_levels(store)
        }

    assert booked[f"coingecko|{gecko.url}|calls"] >= 1
    assert booked[f"kraken|{kraken.url}|public"] >= 1


async def test_a_source_that_wants_to_be_left_alone_is(store_url: str, tmp_path: Path) -> None:
    async with await Store.open(store_url) as store:
        with RunningVenue(a_gecko()) as gecko:
            async with throttled(store, tmp_path) as venues, source_of(gecko, venues) as source:
                gecko.set_faults({"operation": "candles", "fault": "rate_limited"})
                with pytest.raises(NotAsked) as caught:
                    await source.fetch(COIN, back("1h", 30, 10))

            assert gecko.calls("candles") == 1
    assert caught.value.until > datetime.now(UTC) + timedelta(seconds=30)
