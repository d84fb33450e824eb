"""Judge a balance by its age and the reads that failed since: fresh, stale or unknown, and what each permits. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.amounts import money
from models.balance import BalanceState
from models.policy import Policy
from models.reasons import Freshness

_NOW = timedelta(0)
_SKEW = timedelta(minutes=1)  # between the clocks of the machines that share a store
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an operator must know of a balance, by code, in words."""

    code: str
    words: str


def age_of(state: BalanceState, now: datetime) -> timedelta | None:
    """Return how long ago the balance was read, never below zero; None: it never was."""
    return None if state.read_at is None else max(now - state.read_at, _NOW)


def freshness_of(state: BalanceState, policy: Policy, now: datetime) -> Freshness:
    """Judge a balance: fresh if the last read gave it and it is not old yet, unknown if no read ever gave one."""
    age = age_of(state, now)
    if age is None:
        return Freshness.UNKNOWN
    is_stale = state.errors > 0 or age > _limit(policy) or _is_of_tomorrow(state, now)
    return Freshness.STALE if is_stale else Freshness.FRESH


def permits_entry(state: BalanceState, policy: Policy, now: datetime) -> bool:
    """Whether an entry may be judged on this balance while the account cannot be read. An exit always may."""
    age = age_of(state, now)
    allowed = timedelta(minutes=policy.allow_stale_balance_minutes)
    return age is not None and allowed > _NOW and age <= allowed and not _is_of_tomorrow(state, now)


def complaints(state: BalanceState, policy: Policy, quote: str, now: datetime) -> Iterator[Complaint]:
    """Say what must be known of a balance: that it is too old, and that it cannot be read time after time."""
    age = age_of(state, now)
    if age is not None and age > _limit(policy):
        yield Complaint("BALANCE_STALE", balance_words(state, quote, now))
    if state.errors >= policy.balance_error_alert:
        last = f"; {balance_words(state, quote, now)}" if age is None or age <= _limit(policy) else ""
        yield Complaint("BALANCE_ERRORS", f"{error_words(state)}{last}")


def balance_words(state: BalanceState, quote: str, now: datetime) -> str:
    """Say what was read last of an account's cash, and when."""
    age = age_of(state, now)
    if state.cash_total is None or state.cash_free is None or age is None:
        return "no balance was ever read"
    return f"last read {span_words(age)} ago: {money(state.cash_total)} {quote} in cash ({money(state.cash_free)} free)"


def last_words(state: BalanceState, quote: str, now: datetime) -> str:
    """Say both: what was read last, and how many reads have failed since; empty for what was never asked."""
    known = [balance_words(state, quote, now)] if state.is_known or state.errors else []
    return "; ".join([*known, *([error_words(state)] if state.errors else [])])


def error_words(state: BalanceState) -> str:
    """Say how many reads have failed in a row; empty where none has."""
    if not state.errors:
        return ""
    reads = "1 read has" if state.errors == 1 else f"{state.errors} reads in a row have"
    return f"{reads} failed, the last with {state.last_error_code}"


def span_words(span: timedelta) -> str:
    """Write a span as a person says it, cut to the unit that matters: 45 s, 12 min, 3 h, 2 d."""
    if span < _MINUTE:
        return f"{span.seconds} s"
    if span < _HOUR:
        return f"{span // _MINUTE} min"
    return f"{span // _HOUR} h" if span < 2 * _DAY else f"{span.days} d"


def _is_of_tomorrow(state: BalanceState, now: datetime) -> bool:
    """Whether a machine with a wrong clock read it: how old it is cannot be said."""
    return state.read_at is not None and state.read_at - now > _SKEW


def _limit(policy: Policy) -> timedelta:
    return timedelta(minutes=policy.balance_stale_warning_minutes)
