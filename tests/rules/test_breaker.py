"""When a breaker opens, lets one call try, and closes; by example, and over any story of calls."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.breaker import Breaker, BreakerLimits, CallResult, CircuitState, Health
from rules.breaker import Admission, ask, new_breaker, recovery_seconds, reset, told

LIMITS = BreakerLimits(failure_threshold=5, recovery_seconds=60, success_threshold=2)
SUCCESS, FAULT, NEITHER = CallResult.SUCCESS, CallResult.FAULT, CallResult.NEITHER
PROBE_SECONDS = 30


def after(breaker: Breaker, *results: CallResult, now: float = 0, probe: str | None = None) -> Breaker:
    for result in results:
        breaker = told(breaker, result, now=now, limits=LIMITS, probe=probe, code="TIMEOUT")
    return breaker


def opened(now: float = 0) -> Breaker:
    return after(new_breaker(0), *[FAULT] * 5, now=now)


def probed(breaker: Breaker, now: float, *, by: str = "me") -> Breaker:
    breaker, admission = ask(breaker, now=now, by=by, probe_seconds=PROBE_SECONDS)
    assert admission is Admission.PROBE
    return breaker


def asked(breaker: Breaker, now: float, *, passes: bool = False, dead: bool = False) -> Admission:
    _, admission = ask(breaker, now=now, by="other", probe_seconds=PROBE_SECONDS, passes=passes, probe_is_dead=dead)
    return admission


# F1
def test_success_keeps_it_closed_and_starts_the_count_anew() -> None:
    breaker = after(new_breaker(0), *[FAULT] * 4)
    assert (breaker.state, breaker.health) == (CircuitState.CLOSED, Health.DEGRADED)

    breaker = after(breaker, SUCCESS, *[FAULT] * 4)

    assert (breaker.state, breaker.failures, asked(breaker, 1)) == (CircuitState.CLOSED, 4, Admission.GO)
    assert after(breaker, SUCCESS).health is Health.HEALTHY


# F1
def test_the_fifth_fault_in_a_row_opens_it_for_its_recovery_time() -> None:
    breaker = opened(now=100)

    assert (breaker.state, breaker.health, breaker.retry_at) == (CircuitState.OPEN, Health.OFFLINE, 160)
    assert (breaker.last_error_code, breaker.last_failure, breaker.total_failures) == ("TIMEOUT", 100, 5)
    assert (asked(breaker, 159.9), asked(breaker, 160)) == (Admission.REFUSED, Admission.PROBE)


# F1
def test_after_its_recovery_time_one_call_at_a_time_tries_and_two_successes_close_it() -> None:
    breaker = probed(opened(), 60)
    assert (breaker.state, breaker.health) == (CircuitState.HALF_OPEN, Health.DEGRADED)
    assert asked(breaker, 61) is Admission.WAIT

    breaker = after(breaker, SUCCESS, now=62, probe="me")
    assert (breaker.state, asked(breaker, 62)) == (CircuitState.HALF_OPEN, Admission.PROBE)

    breaker = after(probed(breaker, 63, by="other"), SUCCESS, now=64, probe="other")
    assert (breaker.state, breaker.health, breaker.failures) == (CircuitState.CLOSED, Health.HEALTHY, 0)


# F1
def test_a_probe_that_fails_opens_it_again_for_twice_as_long() -> None:
    breaker = after(probed(opened(), 60), FAULT, now=61, probe="me")

    assert (breaker.state, breaker.retry_at) == (CircuitState.OPEN, 61 + 120)


def test_a_probe_that_is_refused_by_the_venue_says_nothing_and_the_next_one_tries() -> None:
    breaker = after(probed(opened(), 60), NEITHER, now=61, probe="me")

    assert (breaker.state, breaker.successes, asked(breaker, 61)) == (CircuitState.HALF_OPEN, 0, Admission.PROBE)


# 18
def test_refusals_and_rate_limits_change_nothing() -> None:
    breaker = after(new_breaker(0), *[FAULT] * 4)

    refused = after(breaker, *[NEITHER] * 20)

    assert refused == replace(breaker, total_calls=24)


def test_a_probe_whose_process_died_or_that_takes_too_long_keeps_nobody_waiting() -> None:
    breaker = probed(opened(), 60)

    assert asked(breaker, 60 + PROBE_SECONDS - 1) is Admission.WAIT
    assert asked(breaker, 60 + PROBE_SECONDS) is Admission.PROBE
    assert asked(breaker, 61, dead=True) is Admission.PROBE


def test_a_cancel_passes_a_probe_but_not_an_open_breaker() -> None:
    breaker = opened()

    assert asked(breaker, 59, passes=True) is Admission.REFUSED
    assert asked(breaker, 60, passes=True) is Admission.PROBE
    assert asked(probed(breaker, 60), 61, passes=True) is Admission.GO


@pytest.mark.parametrize("result", [SUCCESS, FAULT])
def test_a_call_that_began_before_it_opened_neither_closes_it_nor_keeps_it_open_longer(result: CallResult) -> None:
    late, half_open = after(opened(), result, now=30), after(probed(opened(), 60), result, now=61)

    assert (late.state, late.retry_at, late.total_calls) == (CircuitState.OPEN, 60, 6)
    assert (half_open.state, half_open.probe_by) == (CircuitState.HALF_OPEN, "me")


def test_the_recovery_time_doubles_to_eight_times_and_falls_step_by_step_in_health() -> None:
    spans, breaker, now = [], opened(), 0.0
    for _ in range(5):
        spans.append(breaker.recovery_seconds)
        now += breaker.recovery_seconds
        breaker = after(probed(breaker, now), FAULT, now=now, probe="me")
    assert spans == [60, 120, 240, 480, 480]

    now += 480
    for by in ("one", "two"):
        breaker = after(probed(breaker, now, by=by), SUCCESS, now=now, probe=by)
    closed_at = now

    def reopened(healthy_seconds: float) -> float:
        return after(breaker, *[FAULT] * 5, now=closed_at + healthy_seconds).recovery_seconds

    assert [reopened(seconds) for seconds in (4799, 4800, 4800 + 2400, 4800 + 2400 + 1200)] == [480, 480, 240, 120]
    assert reopened(4800 + 2400 + 1200 + 600) == 60


def test_a_fault_ends_a_span_of_health() -> None:
    breaker = replace(new_breaker(0), openings=2)

    breaker = after(after(breaker, FAULT, now=1000), SUCCESS, now=1001)

    assert after(breaker, *[FAULT] * 5, now=2000).recovery_seconds == 240


@pytest.mark.parametrize(("openings", "seconds"), [(0, 60), (1, 60), (2, 120), (4, 480), (9, 480)])
def test_how_long_it_stays_open(openings: int, seconds: float) -> None:
    assert recovery_seconds(openings, 60) == seconds


steps = st.tuples(st.sampled_from(["ask", "success", "fault", "neither", "late"]), st.floats(0, 200), st.integers(0, 3))


@given(st.lists(steps, max_size=80), st.integers(1, 6), st.integers(1, 3), st.sampled_from([0.0, 5.0, 60.0]))
def test_never_more_than_one_probe_and_it_opens_on_faults_in_a_row_alone(
    story: list[tuple[str, float, int]], faults: int, successes: int, seconds: float
) -> None:
    limits = BreakerLimits(faults, seconds, successes)
    breaker, now, calls = new_breaker(0), 0.0, 0
    under_way: dict[str, float] = {}  # probes, each until when
    in_a_row = 0
    for what, passed, which in story:
        now += passed
        under_way = {name: end for name, end in under_way.items() if end > now}
        before = breaker.state
        if what == "ask":
            calls += 1
            breaker, admission = ask(breaker, now=now, by=str(calls), probe_seconds=PROBE_SECONDS)
            if admission is Admission.PROBE:
                assert not under_way
                under_way[str(calls)] = now + PROBE_SECONDS
            continue
        result = {"success": SUCCESS, "neither": NEITHER}.get(what, FAULT)
        probe = None if what == "late" else next(iter(under_way), None)
        if probe is None and before is not CircuitState.CLOSED and which:
            continue
        breaker = told(breaker, result, now=now, limits=limits, probe=probe, code="TIMEOUT")
        if probe is not None:
            del under_way[probe]
        if before is CircuitState.CLOSED and result is not NEITHER:
            in_a_row = in_a_row + 1 if result is FAULT else 0
        if before is not CircuitState.OPEN and breaker.state is CircuitState.OPEN:
            assert result is FAULT
            assert probe is not None or in_a_row >= faults
            assert seconds <= breaker.recovery_seconds <= 8 * seconds
        if breaker.state is not CircuitState.CLOSED:
            in_a_row = 0
        assert (breaker.state is CircuitState.CLOSED) <= (breaker.failures < faults)

    again = reset(breaker, now)
    assert (again.state, again.health, asked(again, now)) == (CircuitState.CLOSED, Health.HEALTHY, Admission.GO)
    assert (again.total_calls, again.total_failures) == (breaker.total_calls, breaker.total_failures)
