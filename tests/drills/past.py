"""What a drill about history has at hand: series that a desk wants, runs over them, a process that may be killed."""

import asyncio
import logging
import os
import random
import signal
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pandas as pd
import pytest
from sqlalchemy import delete

from brokers.simulator.handle import RunningVenue
from flows.collect_history import collect_wanted
from flows.fill_gaps import fill_wanted
from flows.history_request import HistoryRequest
from flows.history_view import chosen_spans, gaps_report
from models.fleet import load_fleet
from models.history import Absence, Fetched, Judged, Series, Span, Timeframe
from models.history_report import CollectReport, GapsReport
from models.store.candles import candles, keep_batch, series_of
from models.store.engine import Store
from models.store.history_tables import CryptoPriceHistory
from tests.drills.desk import Desk
from tests.drills.plain import without_throttle
from tests.forked import Forked

HOUR, MINUTE = Timeframe(3600), Timeframe(60)
_LONGEST_SECONDS = 60.0


def wants(desk: Desk, venue: RunningVenue, symbol: str, timeframe: str, since: str) -> Series:
    """Let the fleet file want one series from a venue."""
    source = venue.world.venue.value
    desk.history.append(
        {"source": source, "symbols": [symbol], "timeframe": timeframe, "since": since, "url": venue.url}
    )
    desk.write_fleet()
    return Series(source, symbol, Timeframe.parse(timeframe))


def collected(desk: Desk, **request: object) -> CollectReport:
    """Collect as `nija history collect` does."""
    return asyncio.run(collect_wanted(HistoryRequest.model_validate({"fleet": str(desk.fleet), **request})))


def filled(desk: Desk, **request: object) -> CollectReport:
    """Fill as `nija history fill` does."""
    return asyncio.run(fill_wanted(HistoryRequest.model_validate({"fleet": str(desk.fleet), **request})))


def gaps_of(desk: Desk, *, everything: bool = False) -> GapsReport:
    """Return what `nija history gaps` shows."""
    request = HistoryRequest(fleet=str(desk.fleet))

    async def look(store: Store) -> GapsReport:
        spans = await chosen_spans(store, load_fleet(desk.fleet, {}), request, datetime.now(UTC))
        return await gaps_report(store, spans, everything=everything)

    return desk.in_store(look)


def stored(desk: Desk, series: Series) -> pd.DataFrame:
    """Return every candle of a series."""
    return desk.in_store(lambda store: candles(store, series, Span(0, 2**33)))


def punched(desk: Desk, series: Series, holes: int, seed: int) -> list[Span]:
    """Lose so many candles inside of what is stored; return them as contiguous spans."""
    step, times = series.timeframe.seconds, [int(time) for time in stored(desk, series)["time"]]
    lost = sorted(random.Random(seed).sample(times[1:-1], holes))  # noqa: S311 - which ones is no secret

    async def lose(store: Store) -> None:
        number = await series_of(store, series)
        table = CryptoPriceHistory.__table__  # type: ignore[attr-defined]
        await store.execute(delete(table).where(table.c.series_id == number, table.c.time.in_(lost)))

    desk.in_store(lose)
    return _contiguous(lost, step)


def noted_as(desk: Desk, series: Series, span: Span, kind: Absence) -> None:
    """Have it stand in the store that a span is absent, and why."""
    nothing = stored(desk, series).head(0)
    said = Fetched(series, Span(span.start, span.start), nothing, "a drill", datetime.now(UTC))
    desk.in_store(lambda store: keep_batch(store, series, said, Judged(nothing, ()), [(span, kind)]))


def _contiguous(times: Iterable[int], step: int) -> list[Span]:
    spans: list[Span] = []
    for at in times:
        if spans and spans[-1].end == at:
            spans[-1] = Span(spans[-1].start, at + step)
        else:
            spans.append(Span(at, at + step))
    return spans


def killed_while_collecting(desk: Desk, venue: RunningVenue, after: int) -> None:
    """Collect in a process of its own, and kill it when it has made so many requests for candles more."""
    wanted = venue.calls("candles") + after
    process = Forked("tests.drills.past:collect_until_killed", {"fleet": str(desk.fleet)}, env=os.environ)
    end = time.monotonic() + _LONGEST_SECONDS
    while venue.calls("candles") < wanted:
        assert time.monotonic() < end, "it asked for nothing"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.join(_LONGEST_SECONDS) == -signal.SIGKILL


def collect_until_killed(fleet: str) -> None:
    """Collect in this process."""
    logging.disable(logging.CRITICAL)
    without_throttle(pytest.MonkeyPatch())
    asyncio.run(collect_wanted(HistoryRequest(fleet=fleet)))
