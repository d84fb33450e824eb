"""Collect one series: ask for what is missing of a span, hold it to its contract, store it. Knows no Prefect.

Collecting is filling gaps: what is stored, or known not to exist, is not asked for again, so a run that was killed at
any point is gone on with by the next. Nothing but candles and absences in the store says how far it came.
"""

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from models.clock import Clock
from models.errors import LeaseHeld, NotAsked, VenueRefused, VenueUnavailable
from models.history import COLUMNS, POINT_COLUMNS, Absence, Fetched, Gap, HistorySource, Judged, Series, Span
from models.history_plan import POLYMARKET
from models.history_report import SeriesState
from models.store.candles import candles, keep_batch, known_series
from models.store.engine import Store
from models.store.gaps import gaps
from models.store.history_bounds import bounds
from models.store.leases import Holder, drop_released, hold
from rules.absence import Answer, Explained, due, explain
from validations.candles import judge_candles
from validations.points import judge_points

log = logging.getLogger(__name__)

_NEIGHBOURS = 20  # stored candles on each side of a page, which tell a price that stays from one that jumps
_UNLISTED = "BAD_SYMBOL"  # the list of markets, as the venue sent it, lacks the symbol: nothing was asked for


class Progress(Protocol):
    """Is told how far a collection is."""

    def begins(self, series: Series, wanted: int) -> None:
        """So many candles of a series are missing."""
        ...

    def page(self, series: Series, settled: int, rows: int) -> None:
        """One request was answered: so many times are dealt with, by so many rows."""
        ...


class Silent:
    """Tells nobody."""

    def begins(self, series: Series, wanted: int) -> None:
        """Say nothing."""

    def page(self, series: Series, settled: int, rows: int) -> None:
        """Say nothing."""


SILENT: Progress = Silent()


@dataclass
class Collected:
    """What became of a series. Counted in candles: `wanted` were missing before, `missing` are still."""

    series: Series
    span: Span
    state: SeriesState = SeriesState.COMPLETE
    wanted: int = 0
    requests: int = 0
    received: int = 0
    accepted: int = 0
    rejected: int = 0
    absent: dict[Absence, int] = field(default_factory=dict)
    missing: int = 0
    code: str = ""
    message: str = ""

    def ends(self, state: SeriesState, code: str, message: str) -> None:
        """Say why it stopped before its end."""
        self.state, self.code, self.message = state, code, message


async def collect_alone(
    store: Store,
    holder: Holder,
    source: HistorySource,
    series: Series,
    span: Span,
    *,
    clock: Clock,
    progress: Progress = SILENT,
    again: AbstractSet[Absence] = frozenset(),
) -> Collected:
    """Collect as the one process that collects the series; where another does, say so and ask for nothing.

    Raises: StoreError.
    """
    name = f"history {series}"
    try:
        async with hold(store, name, holder):
            found = await collect(store, source, series, span, clock=clock, progress=progress, again=again)
    except LeaseHeld as held:
        if held.account != name:
            raise
        found = Collected(series, span)
        found.ends(SeriesState.HELD, held.code, str(held))
        return found
    await drop_released(store, name)  # nothing is fenced by its token: a candle that is stored twice is stored once
    return found


async def collect(
    store: Store,
    source: HistorySource,
    series: Series,
    span: Span,
    *,
    clock: Clock,
    progress: Progress = SILENT,
    again: AbstractSet[Absence] = frozenset(),
) -> Collected:
    """Ask for every candle of a span that is missing, oldest first, one request a page.

    `again`: what is absent for these reasons is asked for all the same, with OUTAGE whatever its age. A source that
    cannot be asked ends the series, and what it did not answer for is noted as an outage. Raises: StoreError.
    """
    wanted = due(span, series.timeframe, int(clock.now().timestamp()))
    run = _Run(store, source, series, clock, progress, Collected(series, wanted))
    try:
        rows = source.page_rows(series.timeframe)
        await run.all(await _missing(store, series, run.found.span, again=again), rows)
    except ValueError as error:
        run.found.ends(SeriesState.REFUSED, "TIMEFRAME_UNKNOWN", str(error))
    except VenueRefused as refused:
        run.found.ends(SeriesState.REFUSED, refused.code, str(refused))
    except VenueUnavailable as failed:
        state = SeriesState.REFUSED if failed.code == _UNLISTED else SeriesState.OUTAGE
        run.found.ends(state, failed.code, str(failed))
    left = await _missing(store, series, run.found.span, again={Absence.OUTAGE})
    run.found.missing = sum(gap.candles for gap in left)
    if run.found.missing and run.found.state is SeriesState.COMPLETE:
        run.found.state = SeriesState.OPEN
    return run.found


def judged_rows(
    series: Series, asked: Span, rows: pd.DataFrame, *, now: datetime, before: pd.DataFrame | None
) -> Judged:
    """Hold rows that no source answered with, as of a file, to the contract of their kind."""
    if series.source == POLYMARKET:
        return judge_points(series, asked, rows, now=now)
    return judge_candles(series, asked, rows, now=now, before=before)


async def _missing(store: Store, series: Series, span: Span, *, again: AbstractSet[Absence]) -> Sequence[Gap]:
    """Return what is missing without a reason, and for the reasons in `again`."""
    if not span:
        return ()
    if not again:
        return await gaps(store, series, span)
    everything = await gaps(store, series, span, everything=True)
    return _joined([gap for gap in everything if gap.known is None or gap.known in again])


def _joined(found: Sequence[Gap]) -> list[Gap]:
    """Join gaps that touch: one request asks for both."""
    joined: list[Gap] = []
    for gap in sorted(found, key=lambda gap: gap.span):
        if joined and gap.span.start <= joined[-1].span.end:
            first = joined.pop()
            gap = Gap(first.series, Span(first.span.start, max(first.span.end, gap.span.end)))  # noqa: PLW2901
        joined.append(gap)
    return joined


@dataclass
class _Run:
    """One series while it is collected."""

    store: Store
    source: HistorySource
    series: Series
    clock: Clock
    progress: Progress
    found: Collected
    unexplained: Span | None = None
    others: tuple[Series, ...] = ()  # the same symbol and timeframe at other sources

    @property
    def step(self) -> int:
        return self.series.timeframe.seconds

    async def all(self, missing: Sequence[Gap], rows: int) -> None:
        """Ask for gap after gap. Raises: VenueUnavailable, VenueRefused, StoreError."""
        known = await known_series(self.store)
        mine = (self.series.symbol, self.series.timeframe)
        self.others = tuple(s for _, s in known if (s.symbol, s.timeframe) == mine and s.source != self.series.source)
        self.found.wanted = sum(gap.candles for gap in missing)
        self.progress.begins(self.series, self.found.wanted)
        for gap in missing:
            span = await self._within_reach(gap.span)
            self.unexplained = None
            left = await self._with_neighbours(span, rows)
            while left:
                answered = await self._ask(next(left.pages(self.series.timeframe, rows)), span)
                if answered.end <= left.start:
                    break  # it answers for nothing of what it was asked: to ask again would go round in a circle
                left = Span(answered.end, left.end)

    async def _within_reach(self, span: Span) -> Span:
        """Note what is older than the source can serve, and return the rest."""
        oldest = self.source.reach(self.series, self.clock.now())
        if oldest is None or oldest <= span.start:
            return span
        until = min(Span(oldest, span.end).on(self.series.timeframe).start, span.end)
        gone = Span(span.start, until)
        await self._note(gone, Absence.NOT_THERE, "not asked: older than the source serves")
        self.progress.page(self.series, gone.steps(self.series.timeframe), 0)
        return Span(until, span.end)

    async def _with_neighbours(self, span: Span, rows: int) -> Span:
        """Widen a hole by a candle on each side where that costs no further request.

        An answer that shows both neighbours and nothing between them tells a time without trades from a source that
        said nothing.
        """
        stored = (await bounds(self.store, self.series)).stored
        if stored is None or not span or span.end >= stored.end:
            return span
        start = span.start - self.step if stored.start < span.start else span.start
        wider = Span(start, span.end + self.step)
        n, m = span.steps(self.series.timeframe), wider.steps(self.series.timeframe)
        return wider if -(-n // rows) == -(-m // rows) else span

    async def _ask(self, page: Span, wanted: Span) -> Span:
        """Make one request, store what came of it, and return what it answers for. Raises: as `all`."""
        try:
            fetched = await self.source.fetch(self.series, page)
        except NotAsked:
            raise  # it was a guard of ours that kept it back, and says until when
        except VenueUnavailable as failed:
            if failed.code == _UNLISTED:
                raise
            self.found.requests += 1
            await self._note(_both(page, wanted), Absence.OUTAGE, f"no answer: {failed.code}")
            raise
        self.found.requests += 1
        judged = await self._judge(fetched)
        absences = await self._absences(fetched, judged, wanted)
        await keep_batch(self.store, self.series, fetched, judged, absences)
        for span, kind in absences:
            self._count(span, kind)
        received = len(judged.accepted) + len(judged.rejected)
        self.found.received += received
        self.found.accepted += len(judged.accepted)
        self.found.rejected += len(judged.rejected)
        settled = _both(fetched.asked, wanted).steps(self.series.timeframe)
        self.progress.page(self.series, settled, received)
        return fetched.asked

    async def _judge(self, fetched: Fetched) -> Judged:
        now, asked, near = self.clock.now(), fetched.asked, _NEIGHBOURS * self.step
        if self.series.source == POLYMARKET:
            return judge_points(self.series, asked, fetched.rows, now=now, bad=fetched.bad)
        stored = await candles(self.store, self.series, Span(asked.start - near, asked.end + near))
        around = stored.loc[(stored["time"] < asked.start) | (stored["time"] >= asked.end)]
        second = await self._second(asked)
        return judge_candles(self.series, asked, fetched.rows, now=now, before=around, second=second, bad=fetched.bad)

    async def _second(self, span: Span) -> pd.DataFrame | None:
        """Return what another source has stored of the span; None: nobody has."""
        for other in self.others:
            found = await candles(self.store, other, span)
            if len(found):
                return found
        return None

    async def _absences(self, fetched: Fetched, judged: Judged, wanted: Span) -> list[tuple[Span, Absence]]:
        """Return what the answer explains of the times that were wanted."""
        there = _there(fetched, judged)
        if there is None:
            self.unexplained = None
            return []
        stored = (await bounds(self.store, self.series)).stored
        explained: Explained = explain(
            Answer(fetched.asked, there, fetched.reaches_back_to),
            self.series.timeframe,
            unexplained=self.unexplained,
            stored=stored,
        )
        self.unexplained = explained.open
        within = [(_both(span, wanted), kind) for span, kind in explained.absences]
        return [(span, kind) for span, kind in within if span]

    async def _note(self, span: Span, kind: Absence, provenance: str) -> None:
        """Keep an absence that no answer stands for."""
        now = self.clock.now()
        nothing = _nothing(self.series, span, provenance, now)
        await keep_batch(self.store, self.series, nothing, Judged(nothing.rows, ()), [(span, kind)])
        self._count(span, kind)

    def _count(self, span: Span, kind: Absence) -> None:
        self.found.absent[kind] = self.found.absent.get(kind, 0) + span.steps(self.series.timeframe)


def _there(fetched: Fetched, judged: Judged) -> set[int] | None:
    """Return the times of which the answer has a row, good or bad; None: it cannot be told, and explains nothing."""
    step, asked = fetched.series.timeframe.seconds, fetched.asked
    there = {int(time) for time in judged.accepted["time"]}
    for rejected in judged.rejected:
        time = _whole(rejected.row.get("time"))
        if time is None or time % step or not asked.start <= time < asked.end:
            return None
        there.add(time)
    return there


def _both(one: Span, other: Span) -> Span:
    """Return the part that is in both."""
    return Span(max(one.start, other.start), min(one.end, other.end))


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _nothing(series: Series, asked: Span, provenance: str, now: datetime) -> Fetched:
    names = POINT_COLUMNS if series.source == POLYMARKET else COLUMNS
    rows = pd.DataFrame({name: pd.Series(dtype="int64" if name == "time" else "float64") for name in names})
    return Fetched(series, asked, rows, provenance, now)
