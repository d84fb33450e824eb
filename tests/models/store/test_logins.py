"""The bucket that slows guessing down: full for everybody at once, by the store's own clock, a leak at a time."""

import asyncio

from models.store.engine import Store
from models.store.logins import Bucket, give_back, take_turns

SLOW, QUICK = 3600.0, 0.05


async def test_a_bucket_holds_so_many_however_many_come_at_once(store: Store) -> None:
    buckets = [Bucket("a name", 3, SLOW), Bucket("an address", 10, SLOW)]

    waits = await asyncio.gather(*(take_turns(store, buckets) for _ in range(8)))

    assert sorted(wait > 0 for wait in waits) == [False] * 3 + [True] * 5
    assert max(waits) <= SLOW
    assert await take_turns(store, [Bucket("an address", 4, SLOW)]) == 0  # who was turned away counted nowhere


async def test_what_ended_well_is_given_back_and_what_leaks_is_forgotten(store: Store) -> None:
    slow, quick = [Bucket("slow", 1, SLOW)], [Bucket("quick", 1, QUICK)]
    await take_turns(store, slow)
    await take_turns(store, quick)
    full = await take_turns(store, slow)

    await give_back(store, slow)
    while await take_turns(store, quick):  # noqa: ASYNC110 - nothing tells of a leak
        await asyncio.sleep(QUICK)

    assert full > 0
    assert await take_turns(store, slow) == 0
