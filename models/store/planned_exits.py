"""What exits were decided on, as their plans keep it: when the position is gone, its P&L is counted from that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from models.store.engine import Store
from models.store.tables import PLANS

_AT_ONCE = 500  # SQLite binds some thousand values at most


@dataclass(frozen=True, slots=True)
class PlannedExit:
    """What a plan knew of the position it left; None: that was not known."""

    entry_price: Decimal | None = None
    held_since: datetime | None = None


async def planned_exits(store: Store, plan_ids: Collection[str]) -> dict[tuple[str, str], PlannedExit]:
    """Return what the actions of some plans were decided on, by plan and symbol. Raises: StoreError."""
    wanted = sorted(plan_ids)
    found: dict[tuple[str, str], PlannedExit] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = PLANS.c.plan_id.in_(wanted[start : start + _AT_ONCE])
        for row in await store.rows(select(PLANS.c.plan_id, PLANS.c.actions).where(some)):
            found |= {(row.plan_id, action["symbol"]): _planned(action) for action in row.actions}
    return found


def _planned(action: Mapping[str, Any]) -> PlannedExit:
    entry, since = action.get("entry_price"), action.get("held_since")
    return PlannedExit(
        entry_price=None if entry is None else Decimal(entry),
        held_since=None if since is None else datetime.fromisoformat(since),
    )
