"""How often somebody tried to log in of late: a leaky bucket a subject, which all desks of a store share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from sqlalchemy import Connection, delete, insert, select, update

from models.store.desk_tables import LOGINS
from models.store.engine import Store

_FORGOTTEN_SECONDS = 24 * 3600.0  # by then every bucket is empty


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many attempts of one subject are taken at once, and how long until one more is. `subject`: a hash."""

    subject: str
    holds: int
    leaks_every_seconds: float


async def take_turns(store: Store, buckets: Sequence[Bucket]) -> int:
    """Count an attempt in every bucket, unless one is full; return how many seconds to wait, 0: go ahead.

    Counted before it is known how the attempt ends: many at once are many. Raises: StoreError.
    """

    def work(connection: Connection) -> int:
        for bucket in sorted(buckets, key=lambda one: one.subject):
            store.queue(connection, bucket.subject)
        now = store.seconds(connection)
        levels = {bucket.subject: _level(connection, bucket, now) for bucket in buckets}
        full = [b for b in buckets if (levels[b.subject] or 0.0) + 1 > b.holds]
        if full:
            return max(ceil(((levels[b.subject] or 0.0) + 1 - b.holds) * b.leaks_every_seconds) for b in full)
        for bucket in buckets:
            _put(connection, bucket.subject, levels[bucket.subject], 1.0, now)
        connection.execute(delete(LOGINS).where(LOGINS.c.updated_at < now - _FORGOTTEN_SECONDS))
        return 0

    return await store.write(work)


async def give_back(store: Store, buckets: Sequence[Bucket]) -> None:
    """Take back what an attempt that ended well was counted for. Raises: StoreError."""

    def work(connection: Connection) -> None:
        for bucket in sorted(buckets, key=lambda one: one.subject):
            store.queue(connection, bucket.subject)
        now = store.seconds(connection)
        for bucket in buckets:
            level = _level(connection, bucket, now)
            if level is not None:
                _put(connection, bucket.subject, level, -1.0, now)

    await store.write(work)


def _level(connection: Connection, bucket: Bucket, now: float) -> float | None:
    """Return how full a bucket is by now; None: it has no row."""
    row = connection.execute(select(LOGINS).where(LOGINS.c.subject == bucket.subject)).first()
    if row is None:
        return None
    return max(0.0, float(row.level) - max(0.0, now - float(row.updated_at)) / bucket.leaks_every_seconds)


def _put(connection: Connection, subject: str, level: float | None, more: float, now: float) -> None:
    values = {"level": max(0.0, (level or 0.0) + more), "updated_at": now}
    if level is None:
        connection.execute(insert(LOGINS).values(subject=subject, **values))
    else:
        connection.execute(update(LOGINS).where(LOGINS.c.subject == subject).values(**values))
