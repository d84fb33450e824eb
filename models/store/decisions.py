"""What people decided: who, when and why. Written in the transaction that carries the decision out."""

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


def record(connection: Connection, decision: Decision) -> None:
    """Keep a decision in the transaction that carries it out."""
    connection.execute(
        insert(DECISIONS).values(
            account=decision.account,
            decision=decision.what,
            decided_by=decision.by,
            reason=decision.reason,
            decided_at=decision.at,
        )
    )


async def decisions(store: Store, account: str | None = None, *, limit: int = 100) -> tuple[Decision, ...]:
    """Return what was decided, newest first, of one account or of all. Raises: StoreError."""
    query = select(DECISIONS).order_by(DECISIONS.c.decision_id.desc()).limit(limit)
    if account is not None:
        query = query.where(DECISIONS.c.account == account)
    rows = await store.rows(query)
    return tuple(Decision(r.account, r.decision, r.decided_by, r.reason, r.decided_at) for r in rows)
