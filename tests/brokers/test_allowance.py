"""One allowance within a process: the order of those who wait, and the connections kept for emergencies."""

import asyncio

import pytest

from brokers.allowance import Allowance, Caller, KeptBack
from brokers.level_books import OwnBook
from models.clock import SystemClock
from rules.throttle import Counter, Limit

EMERGENCY, NORMAL, HISTORY = Caller(1, is_emergency=True), Caller(5, is_emergency=False), Caller(10, is_emergency=False)


def an_allowance(limit: Limit | None = None, slots: int | None = None) -> Allowance:
    clock = SystemClock()
    return Allowance("kraken|counter", limit or Counter(1000, 1000), OwnBook(clock), clock, slots)


async def served(allowance: Allowance, *callers: Caller) -> list[int]:
    """Let callers queue in this order; return the priorities as they are served."""
    order = []

    async def one(caller: Caller) -> None:
        await allowance.take(1, caller)
        order.append(caller.priority)

    await asyncio.gather(*(one(caller) for caller in callers))
    return order


async def test_those_who_wait_are_served_by_urgency_and_then_in_their_order() -> None:
    one_in_ten_ms = an_allowance(Counter(1.25, 100))
    await one_in_ten_ms.refuse(0.05, "HTTP 429")

    assert await served(one_in_ten_ms, HISTORY, NORMAL, EMERGENCY, NORMAL, EMERGENCY) == [1, 1, 5, 5, 10]


async def test_connections_are_kept_for_emergencies() -> None:
    allowance = an_allowance(slots=1)
    await allowance.take(1, NORMAL)
    waiting = asyncio.create_task(allowance.take(1, NORMAL))

    await allowance.take(1, EMERGENCY)
    assert not waiting.done()
    allowance.is_over(NORMAL)
    await asyncio.wait_for(waiting, 5)


async def test_who_gives_up_waiting_leaves_its_place_to_the_next() -> None:
    allowance = an_allowance(slots=1)
    await allowance.take(1, NORMAL)
    first, second = (asyncio.create_task(allowance.take(1, NORMAL)) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    allowance.is_over(NORMAL)

    await asyncio.wait_for(second, 5)


@pytest.mark.parametrize("caller", [NORMAL, EMERGENCY])
async def test_nobody_waits_for_an_allowance_that_is_closed_for_long(caller: Caller) -> None:
    allowance = an_allowance()
    await allowance.refuse(31, "HTTP 418")

    with pytest.raises(KeptBack) as caught:
        await allowance.take(0, caller)

    assert caught.value.why == "HTTP 418"
    assert 30 < caught.value.seconds <= 31


async def test_refusals_of_calls_that_were_under_way_together_are_one() -> None:
    allowance = an_allowance()
    for _ in range(50):
        await allowance.refuse(None, "HTTP 429")

    with pytest.raises(KeptBack) as caught:
        await allowance.take(1, Caller(1, is_emergency=True, latest=0.0))

    assert caught.value.seconds <= 1
