"""Judge a person's alert on one figure: does its condition hold, and has it just become true. Pure.

What is missing, old or no number says nothing, neither way: the alert stays as it stood, and the reason is told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from models.user_alert import Alert, Metric, Observed, Side
from rules.balance import span_words

AHEAD = timedelta(minutes=1)  # clocks differ; what is dated later than that is dated wrong


@dataclass(frozen=True, slots=True)
class Judged:
    """How an alert stands after one look. `value` None: the look said nothing, and `problem` says why."""

    fires: bool
    is_met: bool
    value: Decimal | None = None
    at: datetime | None = None
    problem: str = ""


def judge(alert: Alert, *, is_met: bool, last_at: datetime | None, seen: Observed, now: datetime) -> Judged:
    """Judge one look at an alert that stood as `is_met` after the figure of `last_at`; None: there was none yet."""
    problem = trouble(alert, last_at=last_at, seen=seen, now=now)
    if problem or seen.value is None:
        return Judged(fires=False, is_met=is_met, problem=problem)
    holds = _is_past(alert, seen.value) or (is_met and not _is_back(alert, seen.value))
    return Judged(fires=holds and not is_met, is_met=holds, value=seen.value, at=seen.at)


def trouble(alert: Alert, *, last_at: datetime | None, seen: Observed, now: datetime) -> str:
    """Say why a figure tells nothing; empty: it does."""
    if seen.value is None or seen.at is None:
        return seen.problem or "there is no figure"
    if not seen.value.is_finite():
        return "the figure is no number"
    if alert.metric is Metric.PRICE and seen.value <= 0:
        return "the price is not above zero"
    if last_at is not None and seen.at < last_at:
        return "a newer figure was judged already"
    return _age_trouble(now - seen.at, alert.max_age)


def _age_trouble(age: timedelta, longest: timedelta) -> str:
    if age > longest:
        return f"the newest figure is {span_words(age)} old, older than {span_words(longest)}"
    return f"the figure is dated {span_words(-age)} ahead" if -age > AHEAD else ""


def _is_past(alert: Alert, value: Decimal) -> bool:
    return value > alert.threshold if alert.side is Side.ABOVE else value < alert.threshold


def _is_back(alert: Alert, value: Decimal) -> bool:
    """Whether a figure is far enough back over the threshold for the alert to fire again."""
    band = abs(alert.threshold) * alert.hysteresis_fraction
    if alert.side is Side.ABOVE:
        return value <= alert.threshold - band
    return value >= alert.threshold + band
