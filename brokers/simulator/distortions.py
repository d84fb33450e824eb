"""Make one value of an answer, or its times, what they are not."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

_HUGE = Decimal("1e30")
_HOUR_SECONDS = 3600
_FAR_SECONDS = 10**11  # no time of day in seconds is as large
# fmt: off
_TIMES = frozenset({  # of tickers, orders and executions, in the venues' own fields
    "time", "ts", "t", "timestamp", "closeTime", "openTime", "updateTime", "transactTime", "workingTime", "opentm",
    "closetm", "uTime", "cTime", "fillTime", "createdTime", "updatedTime", "execTime", "created_at", "submitted_at",
    "updated_at", "filled_at", "transaction_time", "created_time", "last_fill_time", "trade_time",
})
# fmt: on


def not_a_number(value: Any) -> Any:
    """Return NaN or infinity for a number, also for one that is written as text."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return "NaN" if number else "inf"
    return "NaN" if isinstance(value, float) else value


def huge(value: Any) -> Any:
    """Return a number 10^30 times as large."""
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except ArithmeticError:
            return value
        return format(number * _HUGE, "f") if number.is_finite() else value
    return value * float(_HUGE) if isinstance(value, float) else value


def other_type(value: Any) -> Any:
    """Return a value of another type."""
    if isinstance(value, bool) or value is None:
        return {"unexpected": value}
    return [value] if isinstance(value, str) else str(value)


def an_hour_old(node: Any) -> Any:
    """Date an answer an hour back, by the fields that hold its times."""
    if isinstance(node, dict):
        return {name: _an_hour_ago(value) if name in _TIMES else an_hour_old(value) for name, value in node.items()}
    return [an_hour_old(value) for value in node] if isinstance(node, list) else node


def _an_hour_ago(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return value
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return _before(str(value))
    moved = number - _HOUR_SECONDS * unit_of(number)
    return str(moved) if isinstance(value, str) else type(value)(moved)


def unit_of(number: Decimal) -> int:
    """Return how many of a time's units are a second: times are seconds, or thousandths or billionths of them."""
    return next(unit for unit in (1, 1_000, 1_000_000, 1_000_000_000) if number < _FAR_SECONDS * unit or unit > 10**6)


def _before(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at - timedelta(seconds=_HOUR_SECONDS)).isoformat().replace("+00:00", "Z")
