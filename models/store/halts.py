"""Halts: an account stopped with a cause and a clear condition, until that holds or a person lifts it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.reasons import HaltCause, Mode
from models.risk import RISK_CAUSES
from models.store.alerts import close_within
from models.store.decisions import Decision, record
from models.store.engine import Also, Store, nothing_else
from models.store.risk_days import count_anew, queue_of
from models.store.tables import HALTS


@dataclass(frozen=True, slots=True)
class Halt:
    """One standing halt."""

    halt_id: int
    account: str
    cause: HaltCause
    detail: str
    clears_when: str
    halted_at: datetime

    @property
    def sentence(self) -> str:
        """Say it in words."""
        return f"since {self.halted_at:%Y-%m-%d %H:%M} UTC: {self.detail}; clears when {self.clears_when}"


async def standing_halts(store: Store, account: str | None = None) -> tuple[Halt, ...]:
    """Return the halts that stand, of one account or of all, oldest first."""
    query = select(
        HALTS.c.halt_id, HALTS.c.account, HALTS.c.cause, HALTS.c.detail, HALTS.c.clears_when, HALTS.c.halted_at
    ).where(HALTS.c.cleared_at.is_(None))
    if account is not None:
        query = query.where(HALTS.c.account == account)
    rows = await store.rows(query.order_by(HALTS.c.halt_id))
    return tuple(Halt(r.halt_id, r.account, HaltCause(r.cause), r.detail, r.clears_when, r.halted_at) for r in rows)


async def halt(
    store: Store,
    account: str,
    *,
    mode: Mode,
    policy_version: str,
    run_id: str,
    cause: HaltCause,
    detail: str,
    clears_when: str,
    now: datetime,
) -> None:
    """Stop an account. A halt of the same cause that stands already stays as it is."""
    try:
        async with store.writing() as connection:
            await connection.execute(
                insert(HALTS).values(
                    account=account,
                    mode=mode.value,
                    policy_version=policy_version,
                    run_id=run_id,
                    cause=cause.value,
                    detail=detail,
                    clears_when=clears_when,
                    halted_at=now,
                ),
            )
    except IntegrityError:
        return  # one_standing_halt_per_cause


async def clear_halts(
    store: Store,
    account: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    causes: Collection[HaltCause] = tuple(HaltCause),
    also: Also = nothing_else,
) -> int:
    """Lift an account's standing halts of these causes, keeping who and why; return how many there were.

    Where a loss or a drawdown was the cause, both are counted anew from what the account was worth last. `also` is
    written with it, where a halt stood.
    """
    standing = (
        HALTS.c.account == account,
        HALTS.c.cleared_at.is_(None),
        HALTS.c.cause.in_([cause.value for cause in causes]),
    )

    def clear(connection: Connection) -> int:
        if RISK_CAUSES.keys() & set(causes):
            store.queue(connection, queue_of(account))
        lifted = [HaltCause(row.cause) for row in connection.execute(select(HALTS.c.cause).where(*standing))]
        lift = update(HALTS).where(*standing).values(cleared_at=now, cleared_by=by, clear_reason=reason)
        cleared = connection.execute(lift).rowcount
        if cleared:
            record(connection, Decision(account, f"lift {cleared} halts", by, reason, now))
            also(connection)
        if risks := RISK_CAUSES.keys() & set(lifted):
            count_anew(connection, account, now=now)
            close_within(connection, risks, account=account, now=now)
        return cleared

    return await store.write(clear)
