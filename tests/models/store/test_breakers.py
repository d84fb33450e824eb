"""Circuit breakers in the store: one row a way, right under a race, and kept with who closed one by hand."""

import asyncio
from dataclasses import replace

import pytest

from models.breaker import Breaker, BreakerKey, BreakerLimits, CallResult, CircuitState, Direction, Health
from models.store.breakers import Calls, add_calls, breakers, change, look, remarkable, reset_breakers
from models.store.decisions import Decision, decisions
from models.store.engine import Store
from rules.breaker import Admission, ask, new_breaker, reset, told
from tests.builders import NOW

WAY = BreakerKey("kraken", "", "alice", Direction.READ)
SHARED = BreakerKey("kraken", "127.0.0.1:9001", "*", Direction.READ)
LIMITS = BreakerLimits(failure_threshold=5, recovery_seconds=0, success_threshold=2)
AT_ONCE = 8


async def fail(store: Store, key: BreakerKey = WAY, *, limits: BreakerLimits = LIMITS) -> Breaker:
    def to(breaker: Breaker | None, now: float) -> tuple[Breaker, None]:
        return told(breaker or new_breaker(now), CallResult.FAULT, now=now, limits=limits, code="TIMEOUT"), None

    return (await change(store, key, to))[0]


async def try_it(store: Store, by: str) -> Admission:
    def to(breaker: Breaker | None, now: float) -> tuple[Breaker, Admission]:
        return ask(breaker or new_breaker(now), now=now, by=by, probe_seconds=60)

    return (await change(store, WAY, to))[1]


async def test_of_many_that_race_for_the_probe_in_two_processes_one_gets_it(store: Store, other: Store) -> None:
    for _ in range(5):
        await fail(store)

    got = await asyncio.gather(*(try_it((store, other)[n % 2], f"call {n}") for n in range(AT_ONCE)))

    assert sorted(got) == sorted([Admission.PROBE] + [Admission.WAIT] * (AT_ONCE - 1))
    breaker, _ = await look(other, WAY)
    assert breaker is not None
    assert (breaker.state, breaker.probe_by) == (CircuitState.HALF_OPEN, f"call {got.index(Admission.PROBE)}")


async def test_no_fault_is_lost_when_many_are_told_at_once(store: Store, other: Store) -> None:
    limits = replace(LIMITS, failure_threshold=100)

    await asyncio.gather(*(fail((store, other)[n % 2], limits=limits) for n in range(AT_ONCE)))

    found, _ = await remarkable(other)
    assert (found[WAY].failures, found[WAY].total_calls, found[WAY].total_failures) == (AT_ONCE,) * 3


async def test_what_changes_nothing_writes_nothing(store: Store) -> None:
    await fail(store)
    before = await look(store, WAY)

    breaker, answer = await change(store, WAY, lambda same, _: (same or new_breaker(0), "seen"))

    assert (breaker, answer) == (before[0], "seen")


async def test_calls_are_added_to_what_others_have_counted(store: Store, other: Store) -> None:
    await asyncio.gather(
        add_calls(store, {WAY: Calls(3, 10.0), SHARED: Calls(2, None)}),
        add_calls(other, {SHARED: Calls(5, None), WAY: Calls(4, 10.0)}),
    )
    await fail(store)

    shared, own = sorted(await breakers(store), key=lambda b: b.account)
    assert (own.total_calls, own.total_failures, own.failure_rate) == (8, 1, 0.125)
    assert (shared.address, shared.total_calls, shared.last_success) == ("127.0.0.1:9001", 7, None)
    assert own.last_success is not None
    assert own.last_failure is not None
    assert 9 < (own.last_failure - own.last_success).total_seconds() < 20
    assert list((await remarkable(store))[0]) == [WAY]


async def test_a_way_that_is_open_is_offline_and_says_from_when_on_it_tries(store: Store) -> None:
    for _ in range(5):
        await fail(store, limits=replace(LIMITS, recovery_seconds=60))

    (status,) = await breakers(store)

    assert (status.health_state, status.circuit_state) == (Health.OFFLINE, CircuitState.OPEN)
    assert (status.failure_count, status.last_error_code, status.trading_allowed) == (5, "TIMEOUT", False)
    assert status.retry_at is not None
    assert status.last_failure is not None
    assert (status.retry_at - status.last_failure).total_seconds() == pytest.approx(60, abs=1e-3)
    assert 0 <= status.state_uptime_seconds < 30


async def test_a_person_closes_what_was_chosen_and_says_why(store: Store, other: Store) -> None:
    orders = replace(WAY, direction=Direction.WRITE)
    for key in (WAY, orders, SHARED):
        for _ in range(5):
            await fail(store, key)
    decision = Decision("alice", "reset breakers", "ops", "it is back", NOW)

    closed = await reset_breakers(other, decision, reset, venue="kraken", account="alice", direction=Direction.READ)
    again = await reset_breakers(other, decision, reset, venue="kraken", account="alice", direction=Direction.READ)

    assert (closed, again) == (1, 0)
    assert set((await remarkable(store))[0]) == {orders, SHARED}
    (way,) = [b for b in await breakers(store) if (b.account, b.direction) == ("alice", Direction.READ)]
    assert (way.health_state, way.failure_count, way.total_failures) == (Health.HEALTHY, 0, 5)
    assert await decisions(store, "alice") == (decision,)
