"""One writer per account, across connections, processes and deaths."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text, update

from models.errors import LeaseHeld, LeaseLost
from models.store import leases
from models.store.engine import Store
from models.store.leases import Holder, Lease, assert_held, hold, hold_together, standing_leases
from models.store.tables import LEASES

HOLD_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from models.store.engine import Store
from models.store.leases import Holder, hold

async def main():
    with Holder(Path(sys.argv[2])) as holder:
        async with await Store.open(sys.argv[1]) as store, hold(store, "alice", holder):
            print("held", flush=True)
            await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Holder]:
    with Holder(tmp_path / "home") as holder:
        yield holder


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Holder]:
    with Holder(tmp_path / "home") as holder:
        yield holder


async def expire(store: Store) -> None:
    """Let every lease run out, as if its holder had been silent for too long."""
    async with store.writing() as connection:
        await connection.execute(update(LEASES).values(expires_at=1.0))


async def check(store: Store, lease: Lease) -> None:
    async with store.writing() as connection:
        await connection.run_sync(assert_held, lease)


async def test_a_second_holder_is_refused_and_told_who_holds(
    store: Store, other: Store, first: Holder, second: Holder
) -> None:
    async with hold(store, "alice", first):
        with pytest.raises(LeaseHeld) as caught:
            async with hold(other, "alice", second):
                pass

    assert (caught.value.account, caught.value.holder) == ("alice", first.name)


async def test_one_holder_may_not_hold_an_account_twice(store: Store, first: Holder) -> None:
    async with hold(store, "alice", first):
        with pytest.raises(LeaseHeld):
            async with hold(store, "alice", first):
                pass


async def test_accounts_are_held_apart(store: Store, first: Holder, second: Holder) -> None:
    async with hold(store, "alice", first), hold(store, "bob", second):
        assert await standing_leases(store) == {"alice": first.name, "bob": second.name}


async def test_a_lease_is_released_and_the_next_token_is_higher(store: Store, first: Holder, second: Holder) -> None:
    async with hold(store, "alice", first) as before:
        pass
    assert await standing_leases(store) == {}
    async with hold(store, "alice", second) as after:
        pass

    assert after.token > before.token


async def test_of_several_leases_all_are_held_or_none(store: Store, first: Holder, second: Holder) -> None:
    async with hold(store, "the key", second):
        with pytest.raises(LeaseHeld, match="the key"):
            async with hold_together(store, ["alice", "the key"], first):
                pass
        assert await standing_leases(store) == {"the key": second.name}
    async with hold_together(store, ["alice", "the key"], first):
        assert await standing_leases(store) == {"alice": first.name, "the key": first.name}

    assert await standing_leases(store) == {}


async def test_a_lease_is_released_when_the_work_fails(store: Store, first: Holder) -> None:
    with pytest.raises(RuntimeError):
        async with hold(store, "alice", first):
            raise RuntimeError

    assert await standing_leases(store) == {}


async def test_of_many_at_once_one_gets_the_lease(store: Store, other: Store, first: Holder, second: Holder) -> None:
    async def attempt(at: Store, holder: Holder) -> bool:
        try:
            async with hold(at, "alice", holder):
                await asyncio.sleep(0.3)
        except LeaseHeld:
            return False
        return True

    got = await asyncio.gather(*(attempt(s, h) for s, h in [(store, first), (other, second)] * 3))

    assert got.count(True) == 1


async def test_a_lease_that_ran_out_is_taken_over_and_its_holder_may_write_no_more(
    store: Store, other: Store, first: Holder, second: Holder
) -> None:
    async with hold(store, "alice", first) as lost:
        await check(store, lost)
        await expire(store)
        async with hold(other, "alice", second) as taken:
            assert taken.token > lost.token
            await check(other, taken)
            with pytest.raises(LeaseLost):
                await check(store, lost)
        # The one who lost it must not release it for the one who has it, nor renew it.
        with pytest.raises(LeaseLost):
            await check(store, lost)


async def test_losing_a_lease_leaves_the_new_holder_s_alone(
    store: Store, other: Store, first: Holder, second: Holder
) -> None:
    lost = hold(store, "alice", first)
    await lost.__aenter__()
    await expire(store)
    async with hold(other, "alice", second):
        await lost.__aexit__(None, None, None)

        assert await standing_leases(store) == {"alice": second.name}


async def test_a_lease_is_renewed_while_the_work_goes_on(
    store: Store, first: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.02)
    async with hold(store, "alice", first):
        await expire(store)
        await asyncio.sleep(0.5)

        assert await standing_leases(store) == {"alice": first.name}


@pytest.mark.wire
async def test_a_killed_holder_on_this_machine_is_taken_over_at_once(
    store: Store, store_url: str, tmp_path: Path, second: Holder
) -> None:
    command = [sys.executable, "-c", HOLD_UNTIL_KILLED, store_url, str(tmp_path / "home")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(LeaseHeld):
        async with hold(store, "alice", second):
            pass

    os.kill(process.pid, signal.SIGKILL)
    await process.wait()

    async with hold(store, "alice", second) as lease:
        assert lease.token == 2


async def test_a_dead_holder_is_seen_to_be_dead_by_everybody_until_its_file_is_old(tmp_path: Path) -> None:
    with Holder(tmp_path) as died:
        assert died._file is not None
        os.close(died._file)  # what the kernel does at its death
        died._file = None
        with Holder(tmp_path) as one, Holder(tmp_path) as other:
            assert (one.is_dead(died.name), other.is_dead(died.name), one.is_dead(other.name)) == (True, True, False)

        left = list((tmp_path / "locks").iterdir())
        for path in left:
            os.utime(path, (0, 0))
        with Holder(tmp_path):
            assert not any(path.exists() for path in left)


async def test_a_holder_elsewhere_keeps_its_lease_until_it_runs_out(store: Store, tmp_path: Path) -> None:
    with Holder(tmp_path / "there") as there, Holder(tmp_path / "here") as here:
        elsewhere = hold(store, "alice", there)
        await elsewhere.__aenter__()
        there.__exit__()  # gone, but its lock file was never seen from here

        with pytest.raises(LeaseHeld):
            async with hold(store, "alice", here):
                pass
        await elsewhere.__aexit__(None, None, None)


async def test_a_run_that_ends_while_it_takes_a_lease_keeps_nobody_waiting(
    store: Store, tmp_path: Path, second: Holder
) -> None:
    async def take(holder: Holder) -> None:
        async with hold(store, "alice", holder):
            pass

    with Holder(tmp_path / "home") as first:
        taking = asyncio.create_task(take(first))
        await asyncio.sleep(0)  # its write is on the way
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

    async with hold(store, "alice", second) as lease:
        assert lease.holder == second.name


async def test_a_run_that_cannot_give_its_lease_back_keeps_nobody_waiting(
    store: Store, tmp_path: Path, second: Holder
) -> None:
    with Holder(tmp_path / "home") as first:
        async with hold(store, "alice", first), store.writing() as connection:
            await connection.execute(text("ALTER TABLE leases RENAME TO leases_away"))
        async with store.writing() as connection:
            await connection.execute(text("ALTER TABLE leases_away RENAME TO leases"))

    async with hold(store, "alice", second) as lease:
        assert lease.token == 2
