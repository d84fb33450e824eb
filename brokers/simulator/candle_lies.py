"""Let candles and points lie: in the order of rows, in a row's time or prices, in how long its timeframe is.

A row is a list that begins with its time, or an object with its time under one of the venues' names. Where one row lies
it is the one in the middle.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from brokers.simulator.distortions import unit_of

_TIME_NAMES = ("t", "start", "timestamp")
_PRICE_NAMES = frozenset({"open", "high", "low", "close", "o", "h", "l", "c", "p"})
_CANDLE_PARTS = 6  # a time, four prices, a volume
_CLOSE_AT = 6  # of Binance's rows: their last millisecond
_SPIKE = 10
_MINUTE = 60
_LONGER = 5
_AHEAD = timedelta(days=30)

Rows = list[Any]


def lied(answer: Any, lie: Callable[[Rows], Rows]) -> Any:
    """Return an answer with every list of rows in it changed."""
    if isinstance(answer, list):
        return lie(answer) if answer and isinstance(answer[0], dict | list) else answer
    if isinstance(answer, dict):
        return {name: lied(value, lie) for name, value in answer.items()}
    return answer


def shuffled(rows: Rows) -> Rows:
    """Put every other row first."""
    return rows[1::2] + rows[::2]


def nan_row(rows: Rows) -> Rows:
    """Make the prices of one row no numbers."""
    return _one(rows, lambda row: _prices(row, lambda _value: "NaN"))


def negative_row(rows: Rows) -> Rows:
    """Make the prices of one row negative."""
    return _one(rows, lambda row: _prices(row, lambda value: _times(value, -1)))


def spike(rows: Rows) -> Rows:
    """Make the prices of one row ten times what they were."""
    return _one(rows, lambda row: _prices(row, lambda value: _times(value, _SPIKE)))


def future_row(rows: Rows) -> Rows:
    """Date one row a month ahead."""
    return _one(rows, lambda row: _timed(row, lambda value: _moved(value, _AHEAD)))


def longer_timeframe(rows: Rows) -> Rows:
    """Leave the rows that a timeframe five times as long has, too."""
    known = sorted({seconds for row in rows if (seconds := _seconds(_time(row))) is not None})
    if len(known) < 2:  # noqa: PLR2004 - one row has no spacing
        return rows
    step = max(_MINUTE, round(median(later - earlier for earlier, later in pairwise(known)) / _MINUTE) * _MINUTE)
    # Points do not stand on the grid: each belongs to the time before it.
    kept = [row for row in rows if (_seconds(_time(row)) or 0) // step % _LONGER == 0]
    return [_closing(row, step) for row in kept]


def _one(rows: Rows, change: Callable[[Any], Any]) -> Rows:
    middle = len(rows) // 2
    return [change(row) if place == middle else row for place, row in enumerate(rows)]


def _prices(row: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(row, dict):
        return {name: change(value) if name in _PRICE_NAMES else value for name, value in row.items()}
    last = 5 if len(row) >= _CANDLE_PARTS else 2
    return [change(value) if 1 <= place < last else value for place, value in enumerate(row)]


def _time(row: Any) -> Any:
    if isinstance(row, dict):
        return next((row[name] for name in _TIME_NAMES if name in row), None)
    return row[0] if row else None


def _timed(row: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(row, dict):
        return {name: change(value) if name in _TIME_NAMES else value for name, value in row.items()}
    return [change(row[0]), *row[1:]]


def _times(value: Any, factor: int) -> Any:
    if isinstance(value, str):
        return format(Decimal(value) * factor, "f")
    return value * factor


def _moved(value: Any, span: timedelta) -> Any:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return (datetime.fromisoformat(str(value)) + span).isoformat().replace("+00:00", "Z")
    moved = number + int(span.total_seconds()) * unit_of(number)
    return str(moved) if isinstance(value, str) else type(value)(moved)


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return int(datetime.fromisoformat(str(value)).timestamp())
    return int(number // unit_of(number))


def _closing(row: Any, step: int) -> Any:
    is_stated = isinstance(row, list) and len(row) > _CLOSE_AT and isinstance(row[_CLOSE_AT], int)
    if not is_stated or row[_CLOSE_AT] != row[0] + step * 1000 - 1:
        return row
    return [*row[:_CLOSE_AT], row[0] + _LONGER * step * 1000 - 1, *row[_CLOSE_AT + 1 :]]
