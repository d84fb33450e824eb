"""What is known of times without a candle, kept so that no time is absent twice, and none that has a candle at all.

What is learnt later replaces what was known before, but an outage explains only what nothing else explains.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, insert, select, text

from models.history import Absence, Series, Span
from models.store.history_tables import HistoryAbsence
from models.store.history_upserts import shape_of

_ABSENCES = HistoryAbsence.metadata.tables["history_absences"]


@dataclass(frozen=True, slots=True)
class Absent:
    """Times of a series that have no candle, why, and since when that is known."""

    span: Span
    kind: Absence
    noted_at: datetime


def absences_within(connection: Connection, series_id: int, span: Span | None = None) -> list[Absent]:
    """Return what is known of a span, whole and in order; None: of all times. What only touches the span counts."""
    query = select(_ABSENCES).where(_ABSENCES.c.series_id == series_id).order_by(_ABSENCES.c.start)
    if span is not None:
        query = query.where(_ABSENCES.c.start <= span.end, _ABSENCES.c.end >= span.start)
    return [Absent(Span(row.start, row.end), Absence(row.kind), row.noted_at) for row in connection.execute(query)]


def note_within(
    connection: Connection,
    series_id: int,
    series: Series,
    found: Iterable[tuple[Span, Absence]],
    *,
    answered: Span,
    there: "np.ndarray[Any, Any]",
    now: datetime,
) -> None:
    """Keep what was found. `answered`: of these times no outage is left. `there`: open times of candles, sorted."""
    timeframe = series.timeframe
    new = [Absent(span.on(timeframe), kind, now) for span, kind in found if span.on(timeframe)]
    reach = [answered, *(absent.span for absent in new)] if answered else [absent.span for absent in new]
    if len(there):
        reach.append(Span(int(there[0]), int(there[-1]) + timeframe.seconds))
    if not reach:
        return
    around = Span(min(span.start for span in reach), max(span.end for span in reach))
    before = absences_within(connection, series_id, around)
    after = [piece for absent in before for piece in _without(absent, answered, only=Absence.OUTAGE)]
    for absent in new:
        after = _with(after, absent)
    # What an answer leaves out may be stored from another one.
    times = np.union1d(there, [time for one in new for time in _stored(connection, series_id, series, one.span)])
    after = _joined([piece for absent in after for piece in _around(absent, times, timeframe.seconds)])
    _replace(connection, series_id, before, after)


def _stored(connection: Connection, series_id: int, series: Series, span: Span) -> list[int]:
    query = text(
        f"SELECT time FROM {shape_of(series).table}"  # noqa: S608 - our own names
        " WHERE series_id = :series AND time >= :start AND time < :end"
    )
    asked = {"series": series_id, "start": span.start, "end": span.end}
    return [row.time for row in connection.execute(query, asked)]


def _with(known: Sequence[Absent], new: Absent) -> list[Absent]:
    if new.kind is not Absence.OUTAGE:
        return [*(piece for absent in known for piece in _without(absent, new.span)), new]
    kept = [piece for absent in known for piece in _without(absent, new.span, only=Absence.OUTAGE)]
    pieces = [new]
    for absent in kept:
        if absent.kind is not Absence.OUTAGE:
            pieces = [part for piece in pieces for part in _without(piece, absent.span)]
    return kept + pieces


def _without(absent: Absent, span: Span, *, only: Absence | None = None) -> list[Absent]:
    """Cut a span out."""
    if not span or only not in {None, absent.kind}:
        return [absent]
    start, end = absent.span.start, absent.span.end
    parts = (Span(start, min(end, span.start)), Span(max(start, span.end), end))
    return [replace(absent, span=part) for part in parts if part] if start < span.end and span.start < end else [absent]


def _around(absent: Absent, there: "np.ndarray[Any, Any]", step: int) -> list[Absent]:
    """Cut out the times that have a candle."""
    start, parts = absent.span.start, []
    first, last = np.searchsorted(there, [absent.span.start, absent.span.end])
    for time in map(int, there[first:last].tolist()):
        parts.append(Span(start, time))
        start = time + step
    parts.append(Span(start, absent.span.end))
    return [replace(absent, span=part) for part in parts if part]


def _joined(pieces: Sequence[Absent]) -> list[Absent]:
    """Join what touches and says the same. Outages say when, so each stays by itself."""
    joined: list[Absent] = []
    for piece in sorted(pieces, key=lambda absent: absent.span):
        last = joined[-1] if joined else None
        touches = last is not None and last.span.end == piece.span.start and last.kind is piece.kind
        if last is not None and touches and (piece.kind is not Absence.OUTAGE or last.noted_at == piece.noted_at):
            span, noted_at = Span(last.span.start, piece.span.end), max(last.noted_at, piece.noted_at)
            joined[-1] = replace(last, span=span, noted_at=noted_at)
        else:
            joined.append(piece)
    return joined


def _replace(connection: Connection, series_id: int, before: Sequence[Absent], after: Sequence[Absent]) -> None:
    kept = set(before) & set(after)
    for gone in set(before) - kept:  # the start names it: no time is absent twice
        connection.execute(
            delete(_ABSENCES).where(_ABSENCES.c.series_id == series_id, _ABSENCES.c.start == gone.span.start)
        )
    rows = [
        {
            "series_id": series_id,
            "start": absent.span.start,
            "end": absent.span.end,
            "kind": absent.kind.value,
            "noted_at": absent.noted_at,
        }
        for absent in after
        if absent not in kept
    ]
    if rows:
        connection.execute(insert(_ABSENCES), rows)
