"""Limits that a person has set aside for a while: at most one at a time for each limit of an account."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from models.reasons import Block
from models.risk import Override
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.tables import OVERRIDES

LONGEST = timedelta(hours=24)

# One that was set later than this from now is of a wrong clock, or the clock has jumped back: it sets nothing aside.
_SKEW = timedelta(minutes=1)


async def set_override(store: Store, override: Override) -> None:
    """Set a limit aside in the place of what stands for it; who and why are kept.

    Raises: ValueError for a span that is none, or longer than a day; StoreError.
    """
    span = override.expires_at - override.set_at
    if not timedelta(0) < span <= LONGEST:
        raise ValueError(f"expected a span of more than nothing and at most {LONGEST}, found {span}")

    def write(connection: Connection) -> None:
        store.queue(connection, f"overrides {override.account}")
        _end(connection, override.account, override.block, override.set_at)
        connection.execute(
            insert(OVERRIDES).values(
                account=override.account,
                block=override.block.value,
                set_at=override.set_at,
                expires_at=override.expires_at,
                set_by=override.by,
                reason=override.reason,
            ),
        )
        what = f"override {override.limit} until {override.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        record(connection, Decision(override.account, what, override.by, override.reason, override.set_at))

    await store.write(write)


async def standing_overrides(store: Store, account: str | None = None, *, now: datetime) -> tuple[Override, ...]:
    """Return what is set aside now, of one account or of all; what ends first comes first. Raises: StoreError."""
    query = select(OVERRIDES).where(_standing(now)).order_by(OVERRIDES.c.expires_at, OVERRIDES.c.override_id)
    rows = await store.rows(query if account is None else query.where(OVERRIDES.c.account == account))
    return tuple(Override(r.account, Block(r.block), r.set_at, r.expires_at, r.set_by, r.reason) for r in rows)


async def revoke_override(store: Store, account: str, block: Block, *, by: str, reason: str, now: datetime) -> bool:
    """Let a limit hold again at once; False: it was not set aside. Raises: StoreError."""

    def write(connection: Connection) -> bool:
        store.queue(connection, f"overrides {account}")
        ended = _end(connection, account, block, now)
        if ended:
            record(connection, Decision(account, f"revoke the override of {block.value}", by, reason, now))
        return ended

    return await store.write(write)


def _end(connection: Connection, account: str, block: Block, now: datetime) -> bool:
    mine = (OVERRIDES.c.account == account, OVERRIDES.c.block == block.value, OVERRIDES.c.expires_at > now)
    return connection.execute(update(OVERRIDES).where(*mine).values(expires_at=now)).rowcount > 0


def _standing(now: datetime) -> ColumnElement[bool]:
    return and_(OVERRIDES.c.set_at <= now + _SKEW, OVERRIDES.c.expires_at > now)
