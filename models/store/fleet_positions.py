"""What is tracked of many accounts at once, and when each was read: what the whole fleet's limit counts."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from models.store.engine import Store
from models.store.tables import SNAPSHOTS, TRACKED


@dataclass(frozen=True, slots=True)
class TrackedAccount:
    """One account as it was read last: values in quote units by symbol, None without a price; `read_at` None: never."""

    account: str
    read_at: datetime | None = None
    values: dict[str, Decimal | None] = field(default_factory=dict)


async def tracked_accounts(store: Store, accounts: Collection[str]) -> tuple[TrackedAccount, ...]:
    """Return what is tracked of each account named, in one look. Raises: StoreError."""
    columns = (TRACKED.c.account, TRACKED.c.symbol, TRACKED.c.value, TRACKED.c.last_seen_at)

    def look(connection: Connection) -> tuple[TrackedAccount, ...]:
        values: dict[str, dict[str, Decimal | None]] = {}
        read_at: dict[str, datetime] = {}
        for row in connection.execute(select(*columns).where(TRACKED.c.account.in_(accounts))):
            values.setdefault(row.account, {})[row.symbol] = row.value
            read_at[row.account] = row.last_seen_at
        for account in accounts:
            if account not in read_at:  # nothing is held there, or it was never read
                taken = select(SNAPSHOTS.c.taken_at).where(SNAPSHOTS.c.account == account)
                newest = connection.execute(taken.order_by(SNAPSHOTS.c.snapshot_id.desc()).limit(1)).scalar()
                if newest is not None:
                    read_at[account] = newest
        return tuple(TrackedAccount(name, read_at.get(name), values.get(name, {})) for name in accounts)

    return await store.read(look) if accounts else ()
