"""What an audit judges the stored history by: figures that the database counts, however many candles there are.

One pass over the candles in the order of their key; nothing but sums leaves the database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from models.audit import AuditedPair, AuditedSeries
from models.history import Absence, Series, Span, Timeframe, utc
from models.history_plan import POLYMARKET
from models.store.audit_queries import CANDLES, FROZEN, HOLES, OUTLIERS, PAIRS, POINTS, SERIES, TABLES, THERE
from models.store.engine import Store

DRIFT_SPAN = timedelta(days=30)
APART = 0.05  # a fraction: further than this from each other, two sources do not tell of one market
OUTLIER = 500  # times the mean volume of the day before: more like another unit than like a busy market
_BEYOND = 1e300  # no number of a market is that large, but infinity is, and nan is on PostgreSQL
FRESH_FOR = timedelta(hours=26)  # what is collected once a day is a little older than a day at most


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """What was counted. `tables`: by rule, how many rows break what must hold between the tables."""

    series: tuple[AuditedSeries, ...] = ()
    pairs: tuple[AuditedPair, ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    batches: int = 0
    undecided: int = 0


@dataclass(frozen=True, slots=True)
class _Sums:
    """What is counted of a series; `first`, `last`: open times."""

    stored: int = 0
    first: int = 0
    last: int = 0
    off_grid: int = 0
    unfinished: int = 0
    broken: int = 0
    frozen: int = 0
    outliers: int = 0


async def audit_figures(store: Store, now: datetime, wanted: Mapping[Series, Span | None] | None) -> AuditFigures:
    """Count them. `wanted`: the series to look at, and the span that is wanted of each; None: all that are known.

    Where no span is given it begins with what was asked for first. Raises: StoreError.
    """
    known = {_series(row): row for row in await store.rows(text(SERIES), {"outage": Absence.OUTAGE.value})}
    chosen: Mapping[Series, Span | None] = dict.fromkeys(known) if wanted is None else wanted
    at = int(now.timestamp())
    sums = await _sums(store, at)
    pairs = await store.rows(text(PAIRS), {"since": at - int(DRIFT_SPAN.total_seconds()), "apart": APART})
    tables, batches, undecided = await store.read(_between_tables)
    names = {(series.source, series.symbol, str(series.timeframe)) for series in chosen}
    return AuditFigures(
        series=tuple([await _audited(store, *one, at) for one in _each(chosen, known, sums)]),
        pairs=tuple(
            _pair(row)
            for row in pairs
            if {(row.one, row.symbol, row.timeframe), (row.other, row.symbol, row.timeframe)} <= names
        ),
        tables=tables,
        batches=batches,
        undecided=undecided,
    )


async def _sums(store: Store, now: int) -> dict[int, _Sums]:
    """Return what is counted of each series that has candles, by its number."""
    candles = await store.rows(text(CANDLES), {"now": now, "beyond": _BEYOND})
    points = await store.rows(text(POINTS), {"now": now})
    frozen = {row.series_id: row.frozen for row in await store.rows(text(FROZEN))}
    outliers = {row.series_id: row.outliers for row in await store.rows(text(OUTLIERS), {"outlier": float(OUTLIER)})}
    return {
        row.series_id: _Sums(
            stored=row.stored,
            first=row.first,
            last=row.last,
            off_grid=row.off_grid,
            unfinished=row.unfinished,
            broken=row.broken,
            frozen=frozen.get(row.series_id, 0),
            outliers=outliers.get(row.series_id, 0),
        )
        for row in (*candles, *points)
    }


def _each(
    chosen: Mapping[Series, Span | None], known: Mapping[Series, Row[Any]], sums: Mapping[int, _Sums]
) -> Iterator[tuple[Series, Span | None, Row[Any] | None, _Sums]]:
    """Yield each series, what is wanted of it, what is known of it, and what was counted of it."""
    for series, span in chosen.items():
        row = known.get(series)
        yield series, span, row, _Sums() if row is None else sums.get(row.series_id, _Sums())


async def _audited(  # noqa: PLR0917 - each comes from `_each`
    store: Store,
    series: Series,
    span: Span | None,
    known: Row[Any] | None,
    counted: _Sums,
    until: int,
) -> AuditedSeries:
    """Return what is known of one series; a series that is wanted and was never stored is as late as it can be."""
    step = series.timeframe.seconds
    start = _start(span, known, counted, until)
    end = max(start, (until if span is None else min(span.end, until)) // step * step)
    reached = max(
        (counted.last + step if counted.stored else start),
        (known.absent_to or start if known is not None else start),
        start,
    )
    judged = Span(start, min(reached, end)).on(series.timeframe)
    expected, missing, holes = await _completeness(store, series, judged, known)
    return AuditedSeries(
        source=series.source,
        symbol=series.symbol,
        timeframe=str(series.timeframe),
        stored=counted.stored,
        first=utc(counted.first) if counted.stored else None,
        last=utc(counted.last) if counted.stored else None,
        wanted_from=utc(start),
        known_until=utc(judged.end),
        expected=expected,
        missing=missing,
        gaps=holes,
        lateness=0.0 if known is not None and known.closed else _lateness(end - judged.end, step),
        off_grid=counted.off_grid,
        unfinished=counted.unfinished,
        broken=counted.broken,
        frozen=counted.frozen,
        volume_outliers=counted.outliers,
    )


async def _completeness(store: Store, series: Series, span: Span, known: Row[Any] | None) -> tuple[int, int, int]:
    """Return how many candles of a span there should be, how many are missing, and in how many holes."""
    if known is None or not span:
        return 0, 0, 0
    table = "polymarket_history" if series.source == POLYMARKET else "crypto_price_history"
    values = {
        "series": known.series_id,
        "step": series.timeframe.seconds,
        "start": span.start,
        "end": span.end,
    }
    (there,) = await store.rows(text(THERE.format(table=table)), values)
    if there[0] == span.steps(series.timeframe):
        return there[0], 0, 0
    (holes,) = await store.rows(text(HOLES.format(table=table)), {**values, "outage": Absence.OUTAGE.value})
    return there[0] + int(holes.missing), int(holes.missing), holes.gaps


def _start(span: Span | None, known: Row[Any] | None, counted: _Sums, until: int) -> int:
    if span is not None:
        return span.start
    starts = [] if known is None or known.asked_from is None else [known.asked_from]
    return min([*starts, *([counted.first] if counted.stored else [])], default=until)


def _lateness(seconds: int, step: int) -> float:
    return round(max(0, seconds) / max(FRESH_FOR.total_seconds(), 2 * step), 3)


def _between_tables(connection: Connection) -> tuple[dict[str, int], int, int]:
    row = connection.execute(text(TABLES)).one()
    broken = {rule: int(rows) for rule, rows in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name for it
    batches = connection.execute(text("SELECT count(*) FROM history_batches")).scalar_one()
    undecided = connection.execute(text("SELECT count(*) FROM history_quarantine WHERE decision IS NULL")).scalar_one()
    return broken, int(batches), int(undecided)


def _series(row: Row[Any]) -> Series:
    return Series(row.source, row.symbol, Timeframe.parse(row.timeframe))


def _pair(row: Row[Any]) -> AuditedPair:
    return AuditedPair(
        one=row.one,
        other=row.other,
        symbol=row.symbol,
        timeframe=row.timeframe,
        common=row.common,
        drift=round(abs(row.ratio - 1), 6),
        apart=row.apart,
    )
