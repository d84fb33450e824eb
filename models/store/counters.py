"""How often something has happened, by day in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from models.store.engine import Store
from models.store.tables import COUNTERS


async def count(store: Store, happened: Mapping[str, int], *, now: datetime) -> None:
    """Add to today's counts, by name. Raises: StoreError."""
    day = _day(now)

    def write(connection: Connection) -> None:
        store.queue(connection, "counters")
        for name, times in happened.items():
            mine = (COUNTERS.c.name == name, COUNTERS.c.day == day)
            if not connection.execute(update(COUNTERS).where(*mine).values(times=COUNTERS.c.times + times)).rowcount:
                connection.execute(insert(COUNTERS).values(name=name, day=day, times=times))

    if happened:
        await store.write(write)


async def counts(store: Store, *, now: datetime, days: int = 1) -> dict[str, int]:
    """Return the sums over the last `days`, today included, by name. Raises: StoreError."""
    first = _day(now - timedelta(days=days - 1))
    query = select(COUNTERS.c.name, func.sum(COUNTERS.c.times).label("times")).where(COUNTERS.c.day >= first)
    return {row.name: int(row.times) for row in await store.rows(query.group_by(COUNTERS.c.name))}


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()
