"""Reach a source of history as the product does, at a simulator."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from brokers.history.source import open_source
from brokers.hub import Venues
from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from models.fleet import Account
from models.history import HistorySource, Series, Span, Timeframe
from models.settings import HistorySettings
from tests.brokers.at_venue import QUOTE, a_world, hub, impatient, keys_of

HOUR, DAY = 3600, 86_400


def a_market(venue: str, **changes: Any) -> World:
    """Return a world of one market; its price stands still, which costs the simulator far less than one that moves."""
    row = {"symbol": f"BTC/{QUOTE[venue]}", "price": "50000.1", "tick": "0.1", **changes}
    return a_world(venue, {"platform": {QUOTE[venue]: "1000"}}, markets=[row])


def bitcoin(venue: str, timeframe: str = "1h") -> Series:
    return Series(venue, f"BTC/{QUOTE[venue]}", Timeframe.parse(timeframe))


def back(timeframe: str, since: int, count: int) -> Span:
    """Return a span of so many candles that begins so many candles before the one under way."""
    step = Timeframe.parse(timeframe).seconds
    start = (int(time.time()) // step - since) * step
    return Span(start, start + count * step)


@asynccontextmanager
async def source_of(
    running: RunningVenue, venues: Venues | None = None, **settings: Any
) -> AsyncIterator[HistorySource]:
    """Open the source that a simulator serves."""
    if venues is None:
        async with hub() as own, source_of(running, own, **settings) as source:
            yield source
        return
    name = str(running.world.venue)
    key: dict[str, Any] = {}
    if name == "alpaca":
        row = Account(id="platform", kind="platform", venue=name, quote=QUOTE[name], url=running.url)
        key = {"account": row, "credentials": keys_of(running)}
    yield open_source(
        name, venues=venues, policy=impatient(), settings=HistorySettings(**settings), url=running.url, **key
    )
