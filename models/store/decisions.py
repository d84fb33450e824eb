"""What was decided: by whom (a person, or a stated condition that held), when and why.

Written in the transaction that carries the decision out.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from models.store.engine import Store
from models.store.tables import DECISIONS


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; `account` is "*" where it is about more than one. `what` is a short sentence."""

    account: str
    what: str
    by: str
    reason: str
    at: datetime


def record(connection: Connection, *decided: Decision) -> None:
    """Keep decisions in the transaction that carries them out."""
    rows = [
        {
            "account": one.account,
            "decision": one.what,
            "decided_by": one.by,
            "reason": one.reason,
            "decided_at": one.at,
        }
        for one in decided
    ]
    if rows:
        connection.execute(insert(DECISIONS), rows)


async def decisions(store: Store, account: str | None = None, *, limit: int = 100) -> tuple[Decision, ...]:
    """Return what was decided, newest first, of one account or of all. Raises: StoreError."""
    query = select(DECISIONS).order_by(DECISIONS.c.decision_id.desc()).limit(limit)
    if account is not None:
        query = query.where(DECISIONS.c.account == account)
    rows = await store.rows(query)
    return tuple(Decision(r.account, r.decision, r.decided_by, r.reason, r.decided_at) for r in rows)
