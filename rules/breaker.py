"""Decide whether a call may go to the venue, and what its result makes of the breaker. Pure.

CLOSED -(threshold faults in a row)-> OPEN -(recovery time)-> HALF_OPEN -(threshold successes)-> CLOSED, or -(a fault)->
OPEN again. Only faults of transport come here as faults: `models.breaker.CallResult` says of which kind a result is.
"""

from dataclasses import replace
from enum import StrEnum

from models.breaker import Breaker, BreakerLimits, CallResult, CircuitState

MOST_DOUBLINGS = 3  # a venue that fails again and again is left alone for eight times the recovery time at most
HEALTHY_FOR = 10  # recovery times without a fault make up for one opening


class Admission(StrEnum):
    """What becomes of a call."""

    GO = "go"
    PROBE = "probe"  # it goes, and its result decides
    WAIT = "wait"  # somebody else's probe is under way
    REFUSED = "refused"


def new_breaker(now: float) -> Breaker:
    """Return the breaker of a way that nobody has gone yet."""
    return Breaker(CircuitState.CLOSED, state_since=now, healthy_since=now)


def ask(
    breaker: Breaker, *, now: float, by: str, probe_seconds: float, passes: bool = False, probe_is_dead: bool = False
) -> tuple[Breaker, Admission]:
    """Say whether a call may go; return the breaker as it is then, the same object where nothing changes.

    `by` names this call. `passes`: never kept waiting by a probe, as a cancel is not. `probe_is_dead`: whoever holds
    the probe is known to be gone.
    """
    if breaker.state is CircuitState.CLOSED:
        return breaker, Admission.GO
    if breaker.state is CircuitState.OPEN:
        if now < breaker.state_since + breaker.recovery_seconds:
            return breaker, Admission.REFUSED
        breaker = replace(breaker, state=CircuitState.HALF_OPEN, state_since=now, successes=0)
    elif _is_probed(breaker, now) and not probe_is_dead:
        return breaker, Admission.GO if passes else Admission.WAIT
    return replace(breaker, probe_by=by, probe_expires_at=now + probe_seconds), Admission.PROBE


def told(
    breaker: Breaker,
    result: CallResult,
    *,
    now: float,
    limits: BreakerLimits,
    probe: str | None = None,
    code: str | None = None,
) -> Breaker:
    """Return the breaker after a call. `probe`: the name under which the call was let through to try.

    Of calls that began before the breaker opened, and of a probe that took too long, only the counts remain.
    """
    is_probe = breaker.state is CircuitState.HALF_OPEN and probe is not None and breaker.probe_by == probe
    after = _counted(breaker, result, now, code)
    if is_probe:
        after = replace(after, probe_by=None, probe_expires_at=None)
    if result is CallResult.NEITHER:
        return after
    if breaker.state is CircuitState.CLOSED:
        return _failed(after, now, limits) if result is CallResult.FAULT else replace(after, failures=0)
    if not is_probe:
        return after
    if result is CallResult.FAULT:
        return _opened(replace(after, failures=after.failures + 1), now, limits)
    after = replace(after, successes=after.successes + 1)
    if after.successes < limits.success_threshold:
        return after
    return replace(
        after,
        state=CircuitState.CLOSED,
        state_since=now,
        failures=0,
        successes=0,
        recovery_seconds=0,
        healthy_since=now,
    )


def reset(breaker: Breaker, now: float) -> Breaker:
    """Return the breaker closed, as an operator wants it: nothing but its counts is remembered."""
    fresh = new_breaker(now)
    return replace(
        fresh,
        total_calls=breaker.total_calls,
        total_failures=breaker.total_failures,
        last_success=breaker.last_success,
        last_failure=breaker.last_failure,
        last_error_code=breaker.last_error_code,
    )


def recovery_seconds(openings: int, base_seconds: float) -> float:
    """Return how long a breaker stays open that has opened so often of late."""
    return base_seconds * 2.0 ** min(max(openings - 1, 0), MOST_DOUBLINGS)


def _is_probed(breaker: Breaker, now: float) -> bool:
    return breaker.probe_by is not None and breaker.probe_expires_at is not None and now < breaker.probe_expires_at


def _counted(breaker: Breaker, result: CallResult, now: float, code: str | None) -> Breaker:
    counted = replace(breaker, total_calls=breaker.total_calls + 1)
    if result is CallResult.SUCCESS:
        return replace(counted, last_success=now)
    if result is CallResult.FAULT:
        return replace(counted, total_failures=counted.total_failures + 1, last_failure=now, last_error_code=code)
    return counted


def _failed(breaker: Breaker, now: float, limits: BreakerLimits) -> Breaker:
    made_up = _made_up(breaker, now, limits.recovery_seconds)
    failed = replace(made_up, failures=breaker.failures + 1, healthy_since=now)
    return failed if failed.failures < limits.failure_threshold else _opened(failed, now, limits)


def _opened(breaker: Breaker, now: float, limits: BreakerLimits) -> Breaker:
    openings = min(breaker.openings + 1, MOST_DOUBLINGS + 1)
    return replace(
        breaker,
        state=CircuitState.OPEN,
        state_since=now,
        successes=0,
        openings=openings,
        recovery_seconds=recovery_seconds(openings, limits.recovery_seconds),
        healthy_since=None,
    )


def _made_up(breaker: Breaker, now: float, base_seconds: float) -> Breaker:
    """Forget openings, one for each span without a fault: the time it stays open falls as it rose, step by step."""
    openings, since = breaker.openings, breaker.healthy_since
    while openings and since is not None:
        span = HEALTHY_FOR * recovery_seconds(openings, base_seconds)
        if now - since < span:
            break
        openings, since = openings - 1, since + span
    return replace(breaker, openings=openings, healthy_since=since)
