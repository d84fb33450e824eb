"""A process at its breakers: what a call costs, who waits for whom, and what is made of every kind of end."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest
from sqlalchemy import Engine, event

from brokers import breaker as module
from brokers.breaker import Breakers, CircuitBreaker
from brokers.errors import Answer, in_transport, placement_error, read_error
from models.breaker import CircuitState, Direction, address_of
from models.clock import Clock, SystemClock
from models.errors import NotAsked, StoreError, VenueError, VenueRefused, VenueUnavailable
from models.policy import Policy
from models.store.breakers import breakers, look
from models.store.engine import Store
from models.store.leases import Holder
from tests.builders import a_policy

POLICY = a_policy(breaker_failure_threshold=2, breaker_recovery_seconds=0, breaker_success_threshold=2)
LONG = a_policy(breaker_failure_threshold=2, breaker_recovery_seconds=60)


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with await Store.open(sqlite_url) as store:
        yield store


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    with Holder(tmp_path) as holder:
        yield holder


class Impatient(SystemClock):
    """A clock for those who must not have to wait."""

    async def sleep(self, span: timedelta) -> None:
        pytest.fail(f"waited for {span}")


def process(store: Store, holder: Holder, clock: Clock | None = None) -> Breakers:
    return Breakers(store, holder, clock or SystemClock(), timeout_seconds=1)


def way(of: Breakers, direction: Direction = Direction.READ) -> CircuitBreaker:
    return of.of("kraken", None, "alice", direction)


async def call(at: CircuitBreaker, error: BaseException | None = None, policy: Policy = POLICY, **how: Any) -> None:
    async with at.calling("balance", policy, **how):
        if error is not None:
            raise error


async def fail(at: CircuitBreaker, policy: Policy = POLICY, times: int = 2) -> None:
    for _ in range(times):
        with pytest.raises(VenueUnavailable):
            await call(at, fault(), policy)


def fault(code: str = "TIMEOUT") -> VenueUnavailable:
    error = VenueUnavailable(code, "kraken", "balance", "no answer in time")
    error.is_transport = True
    return error


async def state(store: Store) -> CircuitState | None:
    (found,) = await breakers(store)
    return found.circuit_state


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what is said to any database in the block."""
    said: list[str] = []

    def hear(_c: object, _u: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


async def test_calls_that_go_well_cost_one_look_and_are_written_down_once(store: Store, holder: Holder) -> None:
    here = process(store, holder)
    with statements() as said:
        await asyncio.gather(*(call(way(here, direction)) for direction in Direction for _ in range(50)))
        looked = sum("breakers" in statement for statement in said)
        await here.write_down()

    assert looked == 1
    assert [b.total_calls for b in await breakers(store)] == [50, 50]


async def test_a_long_run_writes_its_counts_down_on_its_way(
    store: Store, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COUNTED_AT_MOST", 3)
    here = process(store, holder)

    for _ in range(4):
        await call(way(here))

    assert [b.total_calls for b in await breakers(store)] == [3]


async def test_a_call_that_goes_well_ends_a_row_of_faults_for_everybody(store: Store, holder: Holder) -> None:
    here = way(process(store, holder))
    await fail(here, LONG, times=1)
    await call(way(process(store, holder)))

    await fail(here, LONG, times=1)

    assert await state(store) is CircuitState.CLOSED


async def test_a_call_that_is_kept_back_says_until_when(store: Store, holder: Holder) -> None:
    here = way(process(store, holder))
    await fail(here, LONG)

    with pytest.raises(NotAsked) as caught:
        await call(here, policy=LONG)

    assert (caught.value.code, caught.value.is_transport) == ("BREAKER_OPEN", False)
    assert "the reads of alice is open after 2 faults, the last one TIMEOUT" in str(caught.value)
    assert 50 < (caught.value.until - SystemClock().now()).total_seconds() <= 60


async def test_another_process_learns_of_it_when_it_looks_again(
    store: Store, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = way(process(store, holder)), way(process(store, holder))
    await call(here)
    await fail(there, LONG)
    await call(here)  # as it was told a moment ago

    monkeypatch.setattr(module, "LOOK_AGAIN_AFTER", -module.LOOK_AGAIN_AFTER)

    with pytest.raises(NotAsked):
        await call(here)


async def test_reads_at_the_same_moment_try_one_by_one_and_all_pass(store: Store, holder: Holder) -> None:
    await fail(way(process(store, holder)))
    processes = [way(process(store, holder)) for _ in range(2)]
    under_way, most = 0, []

    async def read(at: CircuitBreaker) -> None:
        nonlocal under_way
        async with at.calling("balance", POLICY):
            under_way += 1
            most.append((under_way, await state(store)))
            await asyncio.sleep(0.01)
            under_way -= 1

    await asyncio.gather(*(read(at) for at in processes * 3))

    assert max(n for n, at in most if at is CircuitState.HALF_OPEN) == 1
    assert await state(store) is CircuitState.CLOSED


async def test_who_waits_for_a_probe_that_fails_is_kept_back(store: Store, holder: Holder) -> None:
    here = way(process(store, holder))
    await fail(here)
    began = asyncio.Event()

    async def probe() -> None:
        async with here.calling("balance", LONG):
            began.set()
            await asyncio.sleep(0.02)
            raise fault()

    probing = asyncio.create_task(probe())
    await began.wait()
    with pytest.raises(NotAsked):
        await call(here, policy=LONG)
    with pytest.raises(VenueUnavailable):
        await probing


async def test_a_cancel_goes_beside_a_probe_and_is_kept_back_by_an_open_breaker_alone(
    store: Store, holder: Holder
) -> None:
    here = way(process(store, holder), Direction.WRITE)
    await fail(here)
    async with here.calling("place", LONG):  # the probe
        await call(here, passes=True)
    await fail(here, LONG, times=1)

    with pytest.raises(NotAsked):
        await call(here, passes=True)


@pytest.mark.parametrize("end", [asyncio.CancelledError(), RuntimeError("of ours")])
async def test_a_probe_that_is_stopped_half_way_is_given_back(store: Store, holder: Holder, end: BaseException) -> None:
    here = way(process(store, holder))
    await fail(here)

    with pytest.raises(type(end)):
        await call(here, end)

    (found, _) = await look(store, here._key)
    assert found is not None
    assert (found.state, found.probe_by, found.successes) == (CircuitState.HALF_OPEN, None, 0)


async def test_the_probe_of_a_process_that_died_is_taken_over_at_once(
    store: Store, holder: Holder, tmp_path: Path
) -> None:
    with Holder(tmp_path) as dying:
        there = way(process(store, dying))
        await fail(there)
        with suppress(VenueUnavailable):
            async with there.calling("balance", POLICY):
                assert dying._file is not None
                os.close(dying._file)  # what the kernel does at its death
                dying._file = None

                await call(way(process(store, holder, Impatient())))

                (found, _) = await look(store, there._key)
                assert found is not None
                assert (found.state, found.successes) == (CircuitState.HALF_OPEN, 1)
                raise fault()  # what is heard of it later counts no more
        assert await state(store) is CircuitState.HALF_OPEN


@pytest.mark.parametrize(
    "error",
    [
        VenueRefused("INSUFFICIENT_FUNDS", "kraken", "place", "not enough"),
        VenueUnavailable("RATE_LIMITED", "kraken", "balance", "too many"),
        VenueUnavailable("VENUE_ERROR", "kraken", "balance", "1503.2 is no valid 503"),
    ],
    ids=lambda error: error.code,
)
async def test_what_is_no_fault_of_transport_opens_nothing(store: Store, holder: Holder, error: VenueError) -> None:
    here = process(store, holder)
    for _ in range(5):
        with pytest.raises(type(error)):
            await call(way(here), error)

    await call(way(here))
    await here.write_down()

    (found,) = await breakers(store)
    assert (found.circuit_state, found.total_calls, found.total_failures) == (CircuitState.CLOSED, 6, 0)


async def test_without_the_store_nothing_is_sent_and_what_came_of_a_call_is_still_known(
    store: Store, holder: Holder
) -> None:
    known, unknown = way(process(store, holder)), way(process(store, holder))
    await call(known)
    async with store.writing() as connection:
        await connection.exec_driver_sql("DROP TABLE breakers")

    with pytest.raises(VenueUnavailable):  # and not the store's fault, by which an order's end would be lost
        await call(known, fault())
    with pytest.raises(StoreError):
        await call(unknown)


SERVER_FAULT = Answer(500, '{"code": -1000, "msg": "1200.5 is odd"}')
WORDS = Answer(200, '{"error": ["EOrder:1503.2 exceeds 500"]}')


@pytest.mark.parametrize(
    ("error", "answer", "expected"),
    [
        (ccxt.ExchangeNotAvailable("reset"), Answer(), True),
        (ccxt.ExchangeNotAvailable("HTTP 503"), Answer(503, "<html>"), True),
        (ccxt.RequestTimeout("late"), Answer(), True),
        (TimeoutError(), Answer(), True),
        (ccxt.OnMaintenance("EService"), WORDS, True),
        (ccxt.BadResponse("HTTP 524"), Answer(524, ""), True),
        (KeyError("result"), Answer(200, "{}"), True),
        (KeyError("secret"), Answer(), False),  # nothing was sent
        (ccxt.ExchangeError("odd"), SERVER_FAULT, True),
        (ccxt.ExchangeError("kraken 1503.2"), WORDS, False),
        (ccxt.ExchangeError("HTTP 503 1503.2"), Answer(), False),  # ccxt's own: nothing was sent
        (ccxt.RateLimitExceeded("429"), Answer(429, ""), False),
        (ccxt.DDoSProtection("503"), WORDS, False),
        (ccxt.InvalidNonce("nonce"), WORDS, False),
        (ccxt.AuthenticationError("key"), WORDS, False),
        (ccxt.InsufficientFunds("503 of 1503.2"), WORDS, False),
        (ccxt.BadSymbol("delisted"), WORDS, False),
        (ccxt.OrderNotFound("500"), WORDS, False),
    ],
    ids=str,
)
def test_by_class_and_status_and_never_by_words(error: BaseException, answer: Answer, *, expected: bool) -> None:
    assert in_transport(error, answer) is expected
    if isinstance(read_error(error, "kraken", "balance", answer), VenueUnavailable):
        assert read_error(error, "kraken", "balance", answer).is_transport is expected


def test_an_order_that_never_left_is_a_fault_and_one_that_was_declined_is_none() -> None:
    def placed(error: BaseException, answer: Answer) -> VenueError:
        return placement_error(error, "kraken", answer, unknown_texts=(), refusal_texts=())

    assert placed(ccxt.RequestTimeout("late"), Answer()).is_transport
    assert not placed(ccxt.OnMaintenance("cancel only"), WORDS).is_transport
    assert not placed(ccxt.InvalidNonce("nonce"), WORDS).is_transport


@pytest.mark.parametrize(
    ("url", "address"),
    [(None, ""), ("http://127.0.0.1:9001/", "127.0.0.1:9001"), ("https://u:p@proxy.example/kraken", "proxy.example")],
)
def test_a_way_is_named_by_host_and_port_alone(url: str | None, address: str) -> None:
    assert address_of(url) == address
