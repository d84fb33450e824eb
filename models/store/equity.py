"""What an account was worth over time, as its reads found it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from models.store.engine import Store
from models.store.tables import SNAPSHOTS

_MOST_READ = 50_000


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """One read: cash and equity in the account's quote currency."""

    at: datetime
    cash: Decimal
    equity: Decimal


async def equity_over_time(store: Store, account: str, *, since: datetime, most: int) -> tuple[EquityPoint, ...]:
    """Return reads since then, oldest first, `most` of them at evenly spaced ranks; the newest is among them.

    Raises: StoreError.
    """
    columns = (SNAPSHOTS.c.taken_at, SNAPSHOTS.c.cash_total, SNAPSHOTS.c.equity)
    mine = select(*columns).where(SNAPSHOTS.c.account == account, SNAPSHOTS.c.taken_at >= since)
    rows = await store.rows(mine.order_by(SNAPSHOTS.c.snapshot_id.desc()).limit(_MOST_READ))
    step = max(1, -(-len(rows) // most))
    return tuple(EquityPoint(*row) for row in reversed(rows[::step]))
