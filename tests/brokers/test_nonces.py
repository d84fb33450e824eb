"""One key, many processes: every nonce is above the last one the venue saw, whoever drew it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from brokers.hub import Venues
from brokers.nonces import LINGER_SECONDS, KeyTurn, Turns
from brokers.simulator.handle import RunningVenue
from models.clock import SystemClock
from models.fleet import Account
from models.settings import Credentials
from models.store.engine import Store
from models.store.leases import Holder
from models.store.tables import KEY_TURNS
from models.store.turns import take_turn
from tests.brokers.at_venue import a_world, impatient
from tests.forked import Forked

CALLS = 500
KEY = "a key"


class SetClock(SystemClock):
    """A clock whose hour is set, and which counts the time that it was asked to wait."""

    def __init__(self, now: datetime) -> None:
        self.hour = now
        self.slept = timedelta(0)

    def now(self) -> datetime:
        return self.hour

    async def sleep(self, span: timedelta) -> None:
        self.slept += span
        await asyncio.sleep(0)


@asynccontextmanager
async def turns(
    store_url: str, home: Path, clock: SystemClock | None = None, cool_down: timedelta = timedelta(0)
) -> AsyncIterator[Turns]:
    """Take turns as a process of its own would."""
    with Holder(home) as holder:
        async with await Store.open(store_url) as store:
            yield Turns(store, holder, clock or SystemClock(), 1, cool_down)


async def drawn(turn: KeyTurn, times: int) -> list[int]:
    nonces = []
    for _ in range(times):
        async with turn.call():
            nonces.append(turn.draw())
    return nonces


async def test_nonces_grow_over_turns_and_over_clocks_that_are_set_back(store_url: str, tmp_path: Path) -> None:
    late, early = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC)
    nonces = []
    for hour in (late, early, late):
        async with turns(store_url, tmp_path, SetClock(hour)) as own:
            turn = own.of(KEY)
            nonces += await drawn(turn, 3)
            await turn.close()

    first = int(late.timestamp() * 1000)
    assert nonces == list(range(first, first + 9))


async def test_two_who_share_a_key_take_turns(store_url: str, tmp_path: Path) -> None:
    async with turns(store_url, tmp_path) as one, turns(store_url, tmp_path) as other:
        order: list[tuple[int, int]] = []

        async def work(name: int, turn: KeyTurn) -> None:
            for _ in range(50):
                async with turn.call():
                    nonce = turn.draw()
                    await asyncio.sleep(0.002)
                    order.append((name, nonce))
            await turn.close()

        await asyncio.gather(work(1, one.of(KEY)), work(2, other.of(KEY)))

    nonces = [nonce for _, nonce in order]
    assert len(nonces) == 100
    assert nonces == sorted(set(nonces))


async def test_two_clients_of_one_process_share_the_turn_of_their_key(sqlite_url: str, tmp_path: Path) -> None:
    async with turns(sqlite_url, tmp_path) as own:
        nonces = [n for drawn_by in await asyncio.gather(*(drawn(own.of(KEY), 20) for _ in range(2))) for n in drawn_by]

        assert own.of(KEY) is own.of(KEY)
        assert len(set(nonces)) == 40


async def test_keys_do_not_wait_for_each_other(sqlite_url: str, tmp_path: Path) -> None:
    async with turns(sqlite_url, tmp_path) as one, turns(sqlite_url, tmp_path) as other, one.of(KEY).call():
        assert len(await asyncio.wait_for(drawn(other.of("another key"), 3), 5)) == 3


async def test_a_turn_of_a_process_that_vanished_passes_on_above_all_it_may_have_drawn(
    store_url: str, tmp_path: Path
) -> None:
    hour = SetClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    async with turns(store_url, tmp_path / "elsewhere", hour) as gone:
        used = await drawn(gone.of(KEY), 5)
        async with gone.store.writing() as connection:  # its time is over, and nobody gave anything back
            await connection.execute(update(KEY_TURNS).values(expires_at=1.0, holder="elsewhere:1:gone"))

    async with turns(store_url, tmp_path, hour, cool_down=timedelta(seconds=2)) as own:
        (next_nonce,) = await drawn(own.of(KEY), 1)

    assert next_nonce > max(used)
    assert hour.slept >= timedelta(seconds=2)  # what the other one sent last may still be under way


async def test_a_turn_that_is_closed_while_it_is_given_back_is_free(store_url: str, tmp_path: Path) -> None:
    async with turns(store_url, tmp_path) as one, turns(store_url, tmp_path) as other:
        for steps in range(12):  # closed at one step after the other of giving it back
            turn = one.of(f"{KEY} {steps}")
            await drawn(turn, 1)
            await asyncio.sleep(LINGER_SECONDS)
            for _ in range(steps):
                await asyncio.sleep(0.0005)
            await turn.close()

            free = await take_turn(other.store, turn.key_id, other.holder, now_ms=0, reserve=1, seconds=1)

            assert free is not None, f"after {steps} steps"


@pytest.mark.parametrize("steps", range(6))
async def test_a_call_that_is_canceled_while_it_takes_its_turn_leaves_none(
    store_url: str, tmp_path: Path, steps: int
) -> None:
    async with turns(store_url, tmp_path) as one, turns(store_url, tmp_path) as other:
        before, turn = await drawn(other.of(KEY), 1), one.of(KEY)
        await other.of(KEY).close()
        call = asyncio.create_task(drawn(turn, 1))
        await asyncio.sleep(0.001 * steps)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await turn.close()

        after = await asyncio.wait_for(drawn(other.of(KEY), 1), 0.9)  # a turn would last longer

        assert after > before


async def test_a_turn_that_was_given_back_needs_no_cool_down(store_url: str, tmp_path: Path) -> None:
    hour = SetClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    async with turns(store_url, tmp_path, hour, cool_down=timedelta(seconds=2)) as own:
        for _ in range(2):
            turn = own.of(KEY)
            await drawn(turn, 1)
            await turn.close()

    assert hour.slept == timedelta(0)


@pytest.mark.wire
def test_of_a_thousand_calls_by_two_processes_on_one_key_none_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    with RunningVenue(a_world("kraken", {"platform": {"USD": "100"}})) as venue:
        key = venue.credentials("platform")
        asked = {"url": venue.url, "key": key[:2], "store_url": sqlite_url, "home": str(tmp_path)}
        processes = [Forked(f"{__name__}:call", asked, env=os.environ) for _ in range(2)]
        codes = [process.join(90) for process in processes]

        outcomes = [call.outcome for call in venue.call_log() if call.operation == "balance"]
    assert codes == [0, 0]
    assert outcomes == ["ok"] * 2 * CALLS


def call(url: str, key: list[str], store_url: str, home: str) -> None:
    """Call a Kraken's private API as fast as it goes, some calls at once, from a process of its own."""
    asyncio.run(_calls(url, key, store_url, Path(home)))


async def _calls(url: str, key: list[str], store_url: str, home: Path) -> None:
    credentials = Credentials(SecretStr(key[0]), SecretStr(key[1]))
    account = Account(id="platform", kind="platform", venue="kraken", url=url)
    clock = SystemClock()
    async with turns(store_url, home) as own, Venues(clock, 10, own) as venues:
        shared = venues.shared(account, url, credentials)
        await shared.load(impatient())
        client = shared.account_client("platform", credentials, impatient())
        left = CALLS
        while left:
            at_once = min(left, 1 + left % 3)
            await asyncio.gather(*(client.holdings() for _ in range(at_once)))
            left -= at_once
        await client.close()
