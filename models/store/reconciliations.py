"""What the last comparison of each account with its venue left standing; a mismatch blocks entries until it is gone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from models.reasons import Mode
from models.reconciliation import Difference, Reconciliation
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.tables import RECONCILIATIONS


async def reconciliation_of(store: Store, account: str) -> Reconciliation | None:
    """Return what the last comparison of an account left standing; None: there was none. Raises: StoreError."""
    rows = await store.rows(select(RECONCILIATIONS).where(RECONCILIATIONS.c.account == account))
    return Reconciliation(account, rows[0].at, tuple(map(Difference.of, rows[0].mismatches))) if rows else None


async def standing_mismatches(store: Store, account: str) -> tuple[Difference, ...]:
    """Return what stops an account's entries. Raises: StoreError."""
    found = await reconciliation_of(store, account)
    return () if found is None else found.mismatches


async def reconciliations(store: Store) -> dict[str, Reconciliation]:
    """Return the same of every account that was ever compared. Raises: StoreError."""
    rows = await store.rows(select(RECONCILIATIONS).order_by(RECONCILIATIONS.c.account))
    return {r.account: Reconciliation(r.account, r.at, tuple(map(Difference.of, r.mismatches))) for r in rows}


async def save_reconciliation(
    store: Store,
    account: str,
    standing: Sequence[Difference],
    *,
    before: Reconciliation | None = None,
    mode: Mode,
    policy_version: str,
    now: datetime,
) -> None:
    """Keep what a comparison left standing in the place of the one before.

    `before`: what stood when the comparison began; what a person has accepted since then stays accepted.
    Raises: StoreError.
    """
    known = {difference.matter for difference in before.standing if difference.accepted} if before else set()

    def write(connection: Connection) -> None:
        store.queue(connection, f"reconciliation {account}")
        mine = RECONCILIATIONS.c.account == account
        row = connection.execute(select(RECONCILIATIONS.c.mismatches).where(mine)).one_or_none()
        current = [] if row is None else [Difference.of(document) for document in row.mismatches]
        meanwhile = {difference.matter for difference in current if difference.accepted} - known
        kept = [replace(d, accepted=True) if d.matter in meanwhile else d for d in standing]
        values = {
            "at": now,
            "mismatches": [difference.document() for difference in kept],
            "mode": mode.value,
            "policy_version": policy_version,
        }
        if not connection.execute(update(RECONCILIATIONS).where(mine).values(values)).rowcount:
            connection.execute(insert(RECONCILIATIONS).values(account=account, **values))

    await store.write(write)


async def accept_mismatches(store: Store, account: str, *, by: str, reason: str, now: datetime) -> int:
    """Let a person say that the differences of an account may stand; return how many stopped entries.

    A quantity is then what the venue says (see `tasks.reconcile`); the others stay accepted as long as they are what
    they are now. Raises: StoreError.
    """

    def accept(connection: Connection) -> int:
        store.queue(connection, f"reconciliation {account}")
        mine = RECONCILIATIONS.c.account == account
        row = connection.execute(select(RECONCILIATIONS.c.mismatches).where(mine)).one_or_none()
        standing = [] if row is None else [Difference.of(document) for document in row.mismatches]
        open_ones = [difference for difference in standing if difference.is_mismatch]
        if not open_ones:
            return 0
        kept = [replace(d, accepted=True).document() for d in standing]
        connection.execute(update(RECONCILIATIONS).where(mine).values(mismatches=kept))
        matters = ", ".join(" ".join(filter(None, d.matter)) for d in open_ones)
        record(connection, Decision(account, f"accept {len(open_ones)} mismatches: {matters}", by, reason, now))
        return len(open_ones)

    return await store.write(accept)
