"""What a page follows it is told of; and it is gone with its session."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlmodel import SQLModel

from desk.figures import FLEET_FILE, TOPICS
from desk.live import Live
from models.clock import SystemClock
from models.people import Role
from models.reasons import Mode
from models.store.engine import Store
from models.store.freezes import freeze_by_hand, unfreeze
from models.store.heartbeats import beat
from models.store.people import add_person
from models.store.sessions import end_session, start_session, who_has
from tests.desk.office import MAKER

CLOCK = SystemClock()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with await Store.open(store_url) as opened:
        yield opened


class Page:
    """Something that follows, and counts how often it was told."""

    def __init__(self) -> None:
        self.told, self.ended = 0, 0

    async def refresh(self) -> None:
        self.told += 1

    async def end(self) -> None:
        self.ended += 1


async def settled(live: Live) -> None:
    """Look, and let who was told do what they do."""
    await live.look()
    await asyncio.gather(*live._tasks)


def test_a_topic_is_a_table_or_the_fleet_file() -> None:
    assert TOPICS - {FLEET_FILE} <= SQLModel.metadata.tables.keys()


async def test_a_page_is_told_of_what_it_follows_and_of_nothing_else(store: Store) -> None:
    live, frozen, beats = Live(store, CLOCK), Page(), Page()
    live.follow({"freezes"}, frozen.refresh)
    live.follow({"heartbeats"}, beats.refresh)
    await settled(live)
    by = {"by": "me", "reason": "so", "now": CLOCK.now()}

    await freeze_by_hand(store, "alice", "ETH/USD", mode=Mode.LIVE, policy_version="p", **by)  # type: ignore[arg-type]
    await settled(live)
    await settled(live)
    await unfreeze(store, "alice", "ETH/USD", **by)  # type: ignore[arg-type]
    await settled(live)
    await beat(store, "watch", {"*": "ok"}, now=CLOCK.now())
    await settled(live)

    assert (frozen.told, beats.told) == (2, 1)


async def test_a_page_goes_when_its_session_does(store: Store) -> None:
    live, page, now = Live(store, CLOCK), Page(), CLOCK.now()
    await add_person(store, "ops", Role.VIEWER, by=MAKER, now=now)
    await start_session(store, "hash", "ops", address="", now=now)
    live.follow({"halts"}, page.refresh, session="hash", ended=page.end)
    await settled(live)
    before = page.ended
    who = await who_has(store, "hash", now=now)
    assert who is not None

    await end_session(store, who, now=now)
    await settled(live)
    await settled(live)

    assert (before, page.ended) == (0, 1)


async def test_nobody_looks_where_nobody_follows(store: Store) -> None:
    live = Live(store, CLOCK)

    await beat(store, "watch", {"*": "ok"}, now=CLOCK.now())

    assert await live.look() == frozenset()
    with pytest.raises(ValueError, match="nonsense"):
        live.follow({"nonsense"}, Page().refresh)


async def test_a_page_that_is_slow_is_told_once_more_and_not_twice_at_once(store: Store) -> None:
    live, at_once, most, told = Live(store, CLOCK), 0, 0, 0
    gate = asyncio.Event()

    async def slow() -> None:
        nonlocal at_once, most, told
        at_once += 1
        most, told = max(most, at_once), told + 1
        await gate.wait()
        at_once -= 1

    live.follow({"halts"}, slow)
    for _ in range(5):
        live.tell({"halts"})
        await asyncio.sleep(0)
    gate.set()
    while live._tasks:
        await asyncio.gather(*list(live._tasks))

    assert (most, told) == (1, 2)
