"""One watcher at a time: a lease, and a second one by which a successor announces itself.

The predecessor sees the announcement, finishes what it is sending and lets go. One that was killed is followed at once
on the same machine, elsewhere when its lease runs out.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection, select

from models.clock import Clock
from models.errors import LeaseHeld
from models.store.engine import Store
from models.store.leases import LEASE_SECONDS, Holder, Lease, hold
from models.store.tables import LEASES

LOOK_AGAIN_AFTER = timedelta(milliseconds=200)
PATIENCE = timedelta(seconds=4 * LEASE_SECONDS)  # a predecessor may have a slow order to finish


class Standing(StrEnum):
    """How it stands with a watch."""

    OURS = "ours"
    ASKED_FOR = "asked_for"
    LOST = "lost"


@asynccontextmanager
async def watch_held(
    store: Store, watch: str, holder: Holder, clock: Clock, patience: timedelta = PATIENCE
) -> AsyncIterator[Lease]:
    """Hold a watch for the length of the block; wait until the predecessor has let go of it.

    Raises: LeaseHeld where another successor waits already, or the predecessor does not leave; StoreError.
    """
    async with AsyncExitStack() as stack:
        async with hold(store, _announcement(watch), holder):
            end = clock.elapsed() + patience
            while True:
                try:
                    lease = await stack.enter_async_context(hold(store, watch, holder))
                except LeaseHeld:
                    if clock.elapsed() > end:
                        raise
                    await clock.sleep(LOOK_AGAIN_AFTER)
                else:
                    break
        yield lease


async def standing_of(store: Store, lease: Lease, holder: Holder) -> Standing:
    """Say whether a watch is still ours, and whether a successor that is alive asks for it. Raises: StoreError."""

    def look(connection: Connection) -> Standing:
        token = select(LEASES.c.token).where(LEASES.c.account == lease.account)
        if connection.execute(token).scalar_one_or_none() != lease.token:
            return Standing.LOST
        query = select(LEASES.c.holder, LEASES.c.expires_at).where(LEASES.c.account == _announcement(lease.account))
        asks = connection.execute(query).one_or_none()
        if asks is None or asks.expires_at <= store.seconds(connection) or asks.holder == holder.name:
            return Standing.OURS
        return Standing.OURS if holder.is_dead(asks.holder) else Standing.ASKED_FOR

    return await store.read(look)


def _announcement(watch: str) -> str:
    return f"the next {watch}"
