"""What an answer without some of the candles that were asked for says about them. Pure: times in, absences out.

A hole is only explained where the answer shows that the source knows the time around it. What is not explained stays a
gap, and is asked for again: absence alone is no evidence.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from models.history import Absence, Span, Timeframe

LATE_SECONDS = 60  # after its end a candle may take so long to be there


def due(span: Span, timeframe: Timeframe, now: int) -> Span:
    """Return the part of a span, on the grid, whose candles can be asked for. `now`: seconds since 1970."""
    over = (now - LATE_SECONDS) // timeframe.seconds * timeframe.seconds
    on_grid = span.on(timeframe)
    return Span(on_grid.start, min(on_grid.end, over))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said. `there`: the open times of its rows, on the grid and inside of `asked`.

    `reaches_back_to`: the source says it has nothing older than this; None: it says nothing.
    """

    asked: Span
    there: Collection[int]
    reaches_back_to: int | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """`absences`: what is known now. `open`: the end of what was asked without a candle; the next answer may tell."""

    absences: tuple[tuple[Span, Absence], ...]
    open: Span | None


def explain(answer: Answer, timeframe: Timeframe, *, unexplained: Span | None, stored: Span | None) -> Explained:
    """Say why times of an answer have no candle.

    `unexplained`: times right before it, answered for, too, and not explained then. `stored`: from the first candle of
    the series to its last, as they were before this answer. What is missing before the first row of all is left a gap
    at first: an answer may be torn. When the source is asked again and shows that row again, it is taken at its word.
    """
    asked = answer.asked.on(timeframe)
    begin = asked.start if unexplained is None else unexplained.start
    found: list[tuple[Span, Absence]] = []
    if answer.reaches_back_to is not None:
        oldest = min(Span(answer.reaches_back_to, asked.end).on(timeframe).start, asked.end)
        until = min([oldest, *answer.there])  # it may well show more than it promises
        if until > begin:
            found.append((Span(begin, until), Absence.NOT_THERE))
            begin = until
    if not answer.there:
        return Explained(tuple(found), Span(begin, asked.end) or None)
    for hole in _holes(begin, asked.end, answer.there, timeframe):
        if hole.end == asked.end and (stored is None or stored.end <= asked.end):
            return Explained(tuple(found), hole)
        if hole.start > begin or (stored is not None and stored.start < begin):
            found.append((hole, Absence.NO_TRADE))
        elif stored is not None and stored.start <= hole.end:
            found.append((hole, Absence.NOT_THERE))
    return Explained(tuple(found), None)


def _holes(start: int, end: int, there: Collection[int], timeframe: Timeframe) -> Iterator[Span]:
    at = start
    for time in sorted(there):
        if time > at:
            yield Span(at, time)
        at = time + timeframe.seconds
    if end > at:
        yield Span(at, end)
