"""What is stored of history, and what is missing: read from the store alone, for commands and Prefect's pages."""

from collections.abc import Sequence
from datetime import datetime

from flows.history_request import HistoryRequest, is_among, series_of
from models.fleet import Fleet
from models.history import Gap, Series, Span, utc
from models.history_plan import instant_of
from models.history_report import (
    CoverageReport,
    DayReport,
    GapReport,
    GapsReport,
    QuarantinedRow,
    QuarantineList,
    SeriesCoverage,
)
from models.store.candles import known_series
from models.store.engine import Store
from models.store.gaps import coverage, gaps
from models.store.history_bounds import bounds
from models.store.quarantine import Quarantined, quarantined
from rules.absence import due


async def chosen_spans(
    store: Store, fleet: Fleet | None, request: HistoryRequest, now: datetime
) -> list[tuple[Series, Span]]:
    """Return each series that is wanted or stored with its span: as it is wanted, else as far as it is stored.

    `fleet` None: nothing is known of what is wanted. Raises: StoreError.
    """
    wanted = {s: instant_of(w.since, now) for w in (fleet.history if fleet is not None else ()) for s in series_of(w)}
    stored = [series for _, series in await known_series(store)]
    found = []
    for series in dict.fromkeys([*wanted, *stored]):
        if not is_among(series, request.sources, request.symbols, request.timeframes):
            continue
        if series in wanted:
            span = due(Span.between(wanted[series], now), series.timeframe, int(now.timestamp()))
        else:
            there = (await bounds(store, series)).stored
            if there is None:
                continue
            span = there
        start = span.start if request.since is None else int(instant_of(request.since, now).timestamp())
        end = span.end if request.until is None else min(span.end, int(instant_of(request.until, now).timestamp()))
        if asked := due(Span(start, end), series.timeframe, int(now.timestamp())):
            found.append((series, asked))
    return sorted(found)


async def gaps_report(store: Store, spans: Sequence[tuple[Series, Span]], *, everything: bool) -> GapsReport:
    """Return every gap; with `everything` those that are explained, too. Raises: StoreError."""
    found = [gap for series, span in spans for gap in await gaps(store, series, span, everything=everything)]
    return GapsReport(
        gaps=[_gap(gap) for gap in found],
        series=len(spans),
        missing=sum(gap.candles for gap in found if gap.known is None),
    )


async def coverage_report(store: Store, spans: Sequence[tuple[Series, Span]]) -> CoverageReport:
    """Return how much of each series is there, by UTC day. Raises: StoreError."""
    return CoverageReport(series=[await covered(store, series, span) for series, span in spans])


async def quarantine_list(store: Store, *, waiting: bool, limit: int) -> QuarantineList:
    """Return rejected rows, newest first; `waiting`: only those that nobody decided about. Raises: StoreError."""
    return QuarantineList(rows=[_rejected(row) for row in await quarantined(store, waiting=waiting, limit=limit)])


def _rejected(row: Quarantined) -> QuarantinedRow:
    try:
        time = None if row.time is None else utc(row.time)
    except (OverflowError, ValueError, OSError):  # it is in quarantine: its time may be any number
        time = None
    return QuarantinedRow(
        row_id=row.row_id,
        source=row.series.source,
        symbol=row.series.symbol,
        timeframe=str(row.series.timeframe),
        time=time,
        row=dict(row.row),
        reasons=[why.value for why in row.why],
        provenance=row.provenance,
        rejected_at=row.rejected_at,
        decision=row.decision,
        decided_by=row.decided_by,
        reason=row.reason,
    )


def _gap(gap: Gap) -> GapReport:
    return GapReport(
        source=gap.series.source,
        symbol=gap.series.symbol,
        timeframe=str(gap.series.timeframe),
        start=utc(gap.span.start),
        end=utc(gap.span.end),
        candles=gap.candles,
        known=None if gap.known is None else gap.known.value,
    )


async def covered(store: Store, series: Series, span: Span) -> SeriesCoverage:
    """Return how much of a span of a series is there, by UTC day. Raises: StoreError."""
    found = await coverage(store, series, span)
    days = [
        DayReport(day=day.day, expected=day.expected, there=day.there, absent=sum(day.absent.values()))
        for day in found.days
    ]
    return SeriesCoverage(
        source=series.source,
        symbol=series.symbol,
        timeframe=str(series.timeframe),
        expected=found.expected,
        there=found.there,
        absent=sum(day.absent for day in days),
        days=days,
    )
