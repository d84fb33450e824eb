"""Find what is missing of a series, and count what is there by day, in SQL: no candle leaves the database for it.

A span is counted in blocks first, and only in blocks that are not full each candle is compared with the next one. That
is what makes ten million rows a matter of a second: a window over all of them takes ten times as long.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from models.history import Absence, Gap, Series, Span, utc
from models.store.absences import Absent, absences_within
from models.store.candles import number_of
from models.store.engine import Store
from models.store.history_upserts import Shape, shape_of

OUTAGE_LASTS = timedelta(hours=1)  # so long nobody asks again

_BLOCK = 256  # candles: few enough to compare one by one where some are missing, enough to count millions in blocks
_DAY = 86_400

# Blocks of :width seconds from :start up to :end, with the number of candles from :first on in each. SQLite counts
# along its key, block by block, since to group by a calculation it would sort; PostgreSQL groups, on all processors.
_COUNTED_SQLITE = """
WITH RECURSIVE block(start) AS (
    SELECT :start UNION ALL SELECT start + :width FROM block WHERE start + :width < :end
), counted AS (
    SELECT start, (SELECT count(*) FROM {table} WHERE series_id = :series AND time >= start AND time < start + :width
                   AND time >= :first AND time < :end) AS there
    FROM block
)"""
_COUNTED_POSTGRES = """
WITH grouped AS (
    SELECT (time - CAST(:start AS bigint)) / CAST(:width AS bigint) AS number, count(*) AS there
    FROM {table} WHERE series_id = :series AND time >= :first AND time < :end GROUP BY 1
), counted AS (
    SELECT block.start, coalesce(grouped.there, 0) AS there
    FROM generate_series(CAST(:start AS bigint), CAST(:end AS bigint) - 1, CAST(:width AS bigint)) AS block(start)
    LEFT JOIN grouped ON grouped.number = (block.start - CAST(:start AS bigint)) / CAST(:width AS bigint)
)"""
# The end of a block, as a time that may be there: what is missing before it is missing from this block.
_HOLES = """
, short AS MATERIALIZED (
    SELECT start, CASE WHEN start + :width < :end THEN start + :width ELSE :end END AS stop FROM counted
    WHERE there < (CASE WHEN start + :width < :end THEN start + :width ELSE :end END - start) / :step
), known(start, time) AS (
    SELECT short.start, candle.time {times}
    UNION ALL SELECT start, start - :step FROM short
    UNION ALL SELECT start, stop FROM short
), pairs AS (
    SELECT time, lead(time) OVER (PARTITION BY start ORDER BY time) AS next FROM known
)
SELECT time + :step AS first, next AS stop FROM pairs WHERE next - time > :step ORDER BY time"""
_EACH = " SELECT start, there FROM counted"  # to filter it would have SQLite count twice
# Each is told to walk the key once a block: without statistics PostgreSQL would compare every block with every candle.
_TIMES_SQLITE = """FROM short CROSS JOIN {table} AS candle
    WHERE candle.series_id = :series AND candle.time >= short.start AND candle.time < short.stop"""
_TIMES_POSTGRES = """FROM short CROSS JOIN LATERAL (
        SELECT time FROM {table} WHERE series_id = :series AND time >= short.start AND time < short.stop
        ORDER BY time LIMIT :block) AS candle"""


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """One UTC day of a series, in candles. `absent`: those that are known not to exist, by why."""

    day: date
    expected: int
    there: int
    absent: Mapping[Absence, int]

    @property
    def missing(self) -> int:
        """Candles that nobody has an explanation for."""
        return self.expected - self.there - sum(self.absent.values())


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a series is there, day by day: without a day left out, from the first to the last."""

    series: Series
    days: tuple[DayCoverage, ...]

    @property
    def expected(self) -> int:
        """How many candles the days have room for."""
        return sum(day.expected for day in self.days)

    @property
    def there(self) -> int:
        """How many are stored."""
        return sum(day.there for day in self.days)

    @property
    def missing(self) -> int:
        """How many nobody has an explanation for."""
        return sum(day.missing for day in self.days)

    def absent(self, kind: Absence) -> int:
        """Return how many are absent for a reason."""
        return sum(day.absent.get(kind, 0) for day in self.days)


async def gaps(
    store: Store, series: Series, span: Span, *, everything: bool = False, now: datetime | None = None
) -> tuple[Gap, ...]:
    """Return the contiguous times of a span without a candle, oldest first; its ends count like its middle.

    Left out is what is known not to exist, and an outage that was noted less than an hour before `now` (None: the
    store's own clock). With `everything` they are in it, too, with what is known. Raises: StoreError.
    """
    asked = span.on(series.timeframe)
    if not asked:
        return ()

    def look(connection: Connection) -> tuple[Gap, ...]:
        series_id = number_of(connection, series)
        if series_id is None:
            return (Gap(series, asked),)
        holes = _holes(store, connection, series_id, series, asked)
        absent = absences_within(connection, series_id, asked)
        if everything:
            return tuple(Gap(series, part, known) for part, known in _explained(holes, absent))
        at = now or datetime.fromtimestamp(store.seconds(connection), UTC)
        known = [one for one in absent if one.kind is not Absence.OUTAGE or one.noted_at > at - OUTAGE_LASTS]
        return tuple(Gap(series, part) for part, why in _explained(holes, known) if why is None)

    return await store.read(look)


async def coverage(store: Store, series: Series, span: Span | None = None) -> Coverage:
    """Count by UTC day; a candle belongs to the day that it opens in. `span` None: all that anything is known of.

    Raises: StoreError.
    """
    shape = shape_of(series)

    def look(connection: Connection) -> Coverage:
        series_id = number_of(connection, series)
        asked = span
        if asked is None and series_id is not None:
            asked = _known(connection, shape, series_id, series)
        asked = asked.on(series.timeframe) if asked is not None else Span(0, 0)
        if not asked:
            return Coverage(series, ())
        there: dict[int, int] = {}
        absent: dict[int, dict[Absence, int]] = {}
        if series_id is not None:
            there = _counts(store, connection, shape, series_id, asked)
            absent = _absent(absences_within(connection, series_id, asked), series, asked)
        days = tuple(_days(asked))
        expected = [part.on(series.timeframe).steps(series.timeframe) for part in days]
        return Coverage(
            series,
            tuple(
                DayCoverage(utc(part.start).date(), room, there.get(day, 0), absent.get(day, {}))
                for part, room in zip(days, expected, strict=True)
                for day in (part.start // _DAY,)
            ),
        )

    return await store.read(look)


def _holes(store: Store, connection: Connection, series_id: int, series: Series, asked: Span) -> list[Span]:
    """Return where nothing is stored, in order, none touching the next."""
    shape, step = shape_of(series), series.timeframe.seconds
    first, last = _ends(connection, shape, series_id, asked)
    if first is None or last is None:
        return [asked]
    counted, times = (_COUNTED_SQLITE, _TIMES_SQLITE) if store.is_sqlite else (_COUNTED_POSTGRES, _TIMES_POSTGRES)
    query = (counted + _HOLES.replace("{times}", times)).replace("{table}", shape.table)
    where = {
        "series": series_id,
        "start": first,
        "end": last + step,
        "first": first,
        "width": step * _BLOCK,
        "step": step,
    }
    if not store.is_sqlite:
        where["block"] = _BLOCK
    rows: Iterable[Row[Any]] = connection.execute(text(query), where)
    inner = (Span(row.first, row.stop) for row in rows)
    return list(_touching([Span(asked.start, first), *inner, Span(last + step, asked.end)]))


def _ends(connection: Connection, shape: Shape, series_id: int, asked: Span) -> tuple[int | None, int | None]:
    """Return the first and the last time that is there: two steps down the key."""
    found = [
        connection.execute(
            text(
                f"SELECT {end}(time) FROM {shape.table}"  # noqa: S608 - our own names
                " WHERE series_id = :series AND time >= :start AND time < :end"
            ),
            {"series": series_id, "start": asked.start, "end": asked.end},
        ).scalar()
        for end in ("min", "max")
    ]
    return found[0], found[1]


def _touching(spans: Iterable[Span]) -> Iterator[Span]:
    """Join spans that touch, leave out empty ones."""
    open_: Span | None = None
    for span in spans:
        if not span:
            continue
        if open_ is not None and open_.end == span.start:
            open_ = Span(open_.start, span.end)
            continue
        if open_ is not None:
            yield open_
        open_ = span
    if open_ is not None:
        yield open_


def _explained(holes: Sequence[Span], absent: Sequence[Absent]) -> Iterator[tuple[Span, Absence | None]]:
    """Cut holes where what is known of them changes. Both in order, neither overlapping itself."""
    number = 0
    for hole in holes:
        at = hole.start
        while number < len(absent) and absent[number].span.end <= at:
            number += 1
        ahead = number
        while at < hole.end:
            if ahead == len(absent) or absent[ahead].span.start >= hole.end:
                yield Span(at, hole.end), None
                break
            known = absent[ahead]
            if known.span.start > at:
                yield Span(at, known.span.start), None
            until = min(known.span.end, hole.end)
            yield Span(max(at, known.span.start), until), known.kind
            at, ahead = until, ahead + 1


def _known(connection: Connection, shape: Shape, series_id: int, series: Series) -> Span | None:
    first, last = _ends(connection, shape, series_id, Span(-(2**62), 2**62))
    spans = [absent.span for absent in absences_within(connection, series_id)]
    if first is not None and last is not None:
        spans.append(Span(first, last + series.timeframe.seconds))
    return Span(min(span.start for span in spans), max(span.end for span in spans)) if spans else None


def _counts(store: Store, connection: Connection, shape: Shape, series_id: int, asked: Span) -> dict[int, int]:
    """Return how many candles each day has, by its number since 1970."""
    first, last = _ends(connection, shape, series_id, asked)
    if first is None or last is None:
        return {}
    counted = _COUNTED_SQLITE if store.is_sqlite else _COUNTED_POSTGRES
    query = text((counted + _EACH).replace("{table}", shape.table))
    where = {"series": series_id, "start": first // _DAY * _DAY, "end": last + 1, "first": first, "width": _DAY}
    return {row.start // _DAY: row.there for row in connection.execute(query, where)}


def _absent(absent: Sequence[Absent], series: Series, asked: Span) -> dict[int, dict[Absence, int]]:
    found: dict[int, dict[Absence, int]] = {}
    for one in absent:
        for part in _days(Span(max(one.span.start, asked.start), min(one.span.end, asked.end))):
            if steps := part.on(series.timeframe).steps(series.timeframe):
                of_day = found.setdefault(part.start // _DAY, {})
                of_day[one.kind] = of_day.get(one.kind, 0) + steps
    return found


def _days(span: Span) -> Iterator[Span]:
    """Cut a span at midnights."""
    start = span.start
    while start < span.end:
        end = min((start // _DAY + 1) * _DAY, span.end)
        yield Span(start, end)
        start = end
