"""From when to when something is known of a series: its first and last candle, and what was asked for around them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from models.history import Series, Span
from models.store.engine import Store
from models.store.history_tables import CryptoPriceHistory, HistoryAbsence, PolymarketHistory, PriceSeries

_SERIES: Any = PriceSeries.__table__  # type: ignore[attr-defined]
_ABSENCES: Any = HistoryAbsence.__table__  # type: ignore[attr-defined]
_STORED: tuple[Any, ...] = (CryptoPriceHistory.__table__, PolymarketHistory.__table__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`stored`: from the first candle to the end of the last. `known`: the same with what is known to be absent."""

    stored: Span | None
    known: Span | None


async def bounds(store: Store, series: Series) -> Bounds:
    """Return how far a series reaches; it costs the same for any length. Raises: StoreError."""
    step = series.timeframe.seconds

    def look(connection: Connection) -> Bounds:
        number = connection.execute(_number(series)).scalar_one_or_none()
        if number is None:
            return Bounds(None, None)
        stored = [_ends(connection, table, number, step) for table in _STORED]
        absent = connection.execute(
            select(func.min(_ABSENCES.c.start), func.max(_ABSENCES.c.end)).where(_ABSENCES.c.series_id == number)
        ).one()
        there = _around(stored)
        return Bounds(there, _around([there, None if absent[0] is None else Span(*absent)]))

    return await store.read(look)


def _number(series: Series) -> Select[tuple[int]]:
    of = (
        _SERIES.c.source == series.source,
        _SERIES.c.symbol == series.symbol,
        _SERIES.c.timeframe == str(series.timeframe),
    )
    return select(_SERIES.c.series_id).where(*of)


def _ends(connection: Connection, table: Any, number: int, step: int) -> Span | None:
    # Two queries: each is one step down the primary key, which a query for both would walk from end to end on SQLite.
    first, last = (
        connection.execute(select(end(table.c.time)).where(table.c.series_id == number)).scalar_one()
        for end in (func.min, func.max)
    )
    return None if first is None else Span(first, last + step)


def _around(spans: list[Span | None]) -> Span | None:
    found = [span for span in spans if span is not None]
    return Span(min(s.start for s in found), max(s.end for s in found)) if found else None
