"""One writer per account: a lease with an expiry and a fencing token, in the store that all processes share.

A holder renews its lease while it works. A holder that was killed keeps the account until the lease expires, or until a
process on the same machine sees that the holder's lock file is no longer locked (the kernel lets go of it at death).
"""

import asyncio
import fcntl
import os
import platform
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.errors import LeaseHeld, LeaseLost, StoreError
from models.store.engine import Store
from models.store.tables import LEASES

LEASE_SECONDS = 45.0  # a killed run holds its accounts for this long at most
RENEW_SECONDS = 10.0
SWEPT_AFTER_SECONDS = 3600.0  # far longer than anything is held without its holder


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one account; `token` grows with every holder."""

    account: str
    holder: str
    token: int


class Holder:
    """This process as a lease holder: a name, and a locked file that shows it is alive."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "locks"
        self.name = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self._file: int | None = None
        # A lease may be left behind: the file then stays, unlocked, and tells everybody that its holder is gone.
        self.left_one = False

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self._file = os.open(self._path(self.name), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            if not self.left_one:
                self._path(self.name).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def is_dead(self, other: str) -> bool:
        """Whether `other` ran on this machine under the same home and is gone. False when that cannot be known."""
        if other.split(":", maxsplit=1)[0] != platform.node():
            return False
        try:
            return self._is_free(self._path(other))  # its file stays: it may have held more than this
        except OSError:
            return False  # another home, or already cleaned up: only the expiry tells

    def _sweep(self) -> None:
        """Remove the files of those that died long ago: nothing of theirs is held any more."""
        for path in self._folder.glob("*.lock"):
            with suppress(OSError):  # somebody else swept it
                if time.time() - path.stat().st_mtime > SWEPT_AFTER_SECONDS and self._is_free(path):
                    path.unlink()

    @staticmethod
    def _is_free(path: Path) -> bool:
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.rsplit(':', 1)[-1]}.lock"


@asynccontextmanager
async def hold(store: Store, account: str, holder: Holder) -> AsyncIterator[Lease]:
    """Hold the account's lease for the length of the block, renewing it.

    Raises: LeaseHeld when another run has it; StoreError.
    """
    async with hold_together(store, [account], holder) as (lease,):
        yield lease


@asynccontextmanager
async def hold_together(store: Store, accounts: Sequence[str], holder: Holder) -> AsyncIterator[tuple[Lease, ...]]:
    """Hold several leases, all or none of them, taken and released in one transaction each. Raises: as `hold`."""
    try:
        leases = await _acquire(store, accounts, holder)
    except (asyncio.CancelledError, StoreError):  # they may be committed all the same
        holder.left_one = True
        raise
    renewal = asyncio.create_task(_renew_for_ever(store, leases))
    try:
        yield leases
    finally:
        renewal.cancel()
        with suppress(asyncio.CancelledError, LeaseLost, StoreError):
            await renewal
        try:
            await _release(store, leases)
        except StoreError:  # it expires by itself
            holder.left_one = True
        except asyncio.CancelledError:
            holder.left_one = True
            raise


def assert_held(connection: Connection, lease: Lease) -> None:
    """Refuse to go on when the lease has passed to another holder; call it inside the transaction it guards.

    Raises: LeaseLost.
    """
    if connection.execute(_CURRENT_TOKEN, {"lease_of": lease.account}).scalar_one_or_none() != lease.token:
        raise LeaseLost(lease.account)


# They stand ready, because to build a statement takes SQLAlchemy longer than to run it.
_OF_ACCOUNT = LEASES.c.account == bindparam("lease_of")
_CURRENT_TOKEN = select(LEASES.c.token).where(_OF_ACCOUNT)
_CURRENT = select(LEASES.c.holder, LEASES.c.token, LEASES.c.expires_at).where(_OF_ACCOUNT).with_for_update()
_PASS_ON = (
    update(LEASES)
    .where(_OF_ACCOUNT)
    .values(holder=bindparam("to"), token=bindparam("as"), expires_at=bindparam("until"))
)
_EXTEND = (
    update(LEASES)
    .where(LEASES.c.account == bindparam("held_account"), LEASES.c.token == bindparam("held_token"))
    .values(expires_at=bindparam("until"))
)

# The condition under which a statement may write for a lease's holder: it has not passed to another. See `held_by`.
IS_HELD: ColumnElement[bool] = (
    select(LEASES.c.token)
    .where(LEASES.c.account == bindparam("held_account"), LEASES.c.token == bindparam("held_token"))
    .exists()
)


def held_by(lease: Lease) -> dict[str, Any]:
    """Return the parameters of `IS_HELD`."""
    return {"held_account": lease.account, "held_token": lease.token}


async def standing_leases(store: Store) -> dict[str, str]:
    """Return the holder of every account that is held now."""

    def look(connection: Connection) -> dict[str, str]:
        live = select(LEASES.c.account, LEASES.c.holder).where(LEASES.c.expires_at > store.seconds(connection))
        return {row.account: row.holder for row in connection.execute(live)}

    return await store.read(look)


@dataclass(frozen=True, slots=True)
class LeaseLook:
    """A lease as it stands. `left`: until it runs out, below zero where it has; None: it was released."""

    account: str
    holder: str
    token: int
    left: timedelta | None


async def leases(store: Store) -> tuple[LeaseLook, ...]:
    """Return every lease that was ever held, by name. Raises: StoreError."""

    def look(connection: Connection) -> tuple[LeaseLook, ...]:
        now = store.seconds(connection)
        return tuple(
            LeaseLook(r.account, r.holder, r.token, timedelta(seconds=r.expires_at - now) if r.expires_at else None)
            for r in connection.execute(select(LEASES).order_by(LEASES.c.account))
        )

    return await store.read(look)


async def abandoned_leases(store: Store) -> dict[str, tuple[str, timedelta]]:
    """Return what nobody renews or has released: who held it, and how long ago it ran out. Raises: StoreError."""

    def look(connection: Connection) -> dict[str, tuple[str, timedelta]]:
        now = store.seconds(connection)
        left = select(LEASES).where(LEASES.c.expires_at > 0, LEASES.c.expires_at <= now)
        return {r.account: (r.holder, timedelta(seconds=now - r.expires_at)) for r in connection.execute(left)}

    return await store.read(look)


async def drop_released(store: Store, name: str) -> None:
    """Forget a lease that nobody holds, with its token: for what is held once and never again. Raises: StoreError."""
    await store.execute(delete(LEASES).where(LEASES.c.account == name, LEASES.c.expires_at == 0.0))


async def _acquire(store: Store, accounts: Sequence[str], holder: Holder) -> tuple[Lease, ...]:
    def take(connection: Connection) -> tuple[Lease, ...]:
        now = store.seconds(connection)
        return tuple(_take(connection, account, holder, now) for account in accounts)

    try:
        return await store.write(take)
    except IntegrityError:  # two first holders at once: the other one was faster
        raise LeaseHeld(accounts[0], "another run", datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)) from None


def _take(connection: Connection, account: str, holder: Holder, now: float) -> Lease:
    current = connection.execute(_CURRENT, {"lease_of": account}).one_or_none()
    expires = now + LEASE_SECONDS
    if current is None:
        row = {"account": account, "holder": holder.name, "token": 1, "expires_at": expires}
        connection.execute(insert(LEASES), row)
        return Lease(account, holder.name, 1)
    if current.expires_at > now and not holder.is_dead(current.holder):
        raise LeaseHeld(account, current.holder, datetime.now(UTC) + timedelta(seconds=current.expires_at - now))
    token = current.token + 1
    connection.execute(_PASS_ON, {"lease_of": account, "to": holder.name, "as": token, "until": expires})
    return Lease(account, holder.name, token)


async def _renew_for_ever(store: Store, leases: Sequence[Lease]) -> None:
    def renew(connection: Connection) -> list[Lease]:
        until = store.seconds(connection) + LEASE_SECONDS
        return [lease for lease in leases if not _extend(connection, lease, until)]

    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            lost = await store.write(renew)
        except StoreError:
            continue  # every write of the run asks for the token anyway; a store that comes back renews
        if lost:
            raise LeaseLost(lost[0].account)


async def _release(store: Store, leases: Sequence[Lease]) -> None:
    # The row stays with its token, so that the next holder's is higher.
    await store.write(lambda connection: [_extend(connection, lease, 0.0) for lease in leases])


def _extend(connection: Connection, lease: Lease, until: float) -> int:
    """Let a lease that is still its holder's run until then; return how many that were, none or one."""
    return connection.execute(_EXTEND, {**held_by(lease), "until": until}).rowcount
