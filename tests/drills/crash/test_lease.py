"""Who takes over the accounts of a run that was killed, and when."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from models.errors import LeaseHeld
from models.store.engine import Store
from models.store.leases import Holder, Lease, hold
from models.store.tables import LEASES
from tests.drills.crash.dying import Moment, start
from tests.drills.crash.test_crash import environment
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


@pytest.fixture
def killed(desk: Desk) -> Desk:
    """Return the desk of a run that was killed while it held its account."""
    desk.worth({"ETH": 900, "DUST": "0.5"})
    process = start(environment(desk), Moment("AccountClient.place"))
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
    return desk


def test_a_process_of_the_same_home_takes_over_at_once(killed: Desk) -> None:
    lease = asyncio.run(taken(killed, killed.home))

    assert lease.token == 2


def test_another_home_waits_for_the_expiry_which_is_less_than_a_minute_away(killed: Desk, tmp_path: Path) -> None:
    with pytest.raises(LeaseHeld) as held:
        asyncio.run(taken(killed, tmp_path / "elsewhere"))

    assert timedelta(0) < held.value.expires_at - datetime.now(UTC) <= timedelta(seconds=60)
    assert timedelta(0) < asyncio.run(left(killed)) <= timedelta(seconds=60)


def test_another_home_takes_over_once_the_lease_has_expired(killed: Desk, tmp_path: Path) -> None:
    asyncio.run(aged(killed, timedelta(seconds=60)))

    lease = asyncio.run(taken(killed, tmp_path / "elsewhere"))

    assert lease.token == 2


async def taken(desk: Desk, home: Path) -> Lease:
    with Holder(home) as holder:
        async with await Store.open(desk.store_url) as store, hold(store, "platform", holder) as lease:
            return lease


async def left(desk: Desk) -> timedelta:
    """Return how long the lease lasts, by the store's own clock."""
    async with await Store.open(desk.store_url) as store, store.reading() as connection:
        expires_at = (
            await connection.execute(select(LEASES.c.expires_at).where(LEASES.c.account == "platform"))
        ).scalar_one()
        return timedelta(seconds=expires_at - await connection.run_sync(store.seconds))


async def aged(desk: Desk, span: timedelta) -> None:
    """Let time pass for the lease."""
    async with await Store.open(desk.store_url) as store, store.writing() as connection:
        await connection.execute(update(LEASES).values(expires_at=LEASES.c.expires_at - span.total_seconds()))
