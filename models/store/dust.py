"""The dust blacklist: marks per account and symbol that survive restarts until an operator removes them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from models.dust import DustMark
from models.reasons import Mode, Reason
from models.store.decisions import Decision, record
from models.store.engine import Store
from models.store.tables import DUST_MARKS


async def standing_marks(store: Store, account: str) -> dict[str, DustMark]:
    """Return an account's marks by symbol."""
    marks = DUST_MARKS.c
    query = select(marks.symbol, marks.reason, marks.value, marks.marked_at, marks.retry_at)
    standing = query.where(marks.account == account, marks.removed_at.is_(None))
    rows = await store.rows(standing)
    return {r.symbol: DustMark(r.symbol, Reason(r.reason), r.value, r.marked_at, r.retry_at) for r in rows}


async def mark(store: Store, account: str, marks: Mapping[str, DustMark], *, mode: Mode, policy_version: str) -> None:
    """Record marks by symbol; one that stands already is replaced and its first value and time are kept."""
    if not marks:
        return
    async with store.writing() as connection:
        for symbol, new in marks.items():
            standing = (DUST_MARKS.c.account == account, DUST_MARKS.c.symbol == symbol)
            changed = await connection.execute(
                update(DUST_MARKS)
                .where(*standing, DUST_MARKS.c.removed_at.is_(None))
                .values(reason=new.reason.value, retry_at=new.retry_at),
            )
            if changed.rowcount:
                continue
            await connection.execute(
                insert(DUST_MARKS).values(
                    account=account,
                    mode=mode.value,
                    policy_version=policy_version,
                    symbol=symbol,
                    reason=new.reason.value,
                    value=new.value,
                    marked_at=new.marked_at,
                    retry_at=new.retry_at,
                ),
            )


async def remove_mark(store: Store, account: str, symbol: str, *, by: str, reason: str, now: datetime) -> bool:
    """Remove one mark, keeping who and why; return whether it stood."""
    standing = (DUST_MARKS.c.account == account, DUST_MARKS.c.symbol == symbol, DUST_MARKS.c.removed_at.is_(None))
    removal = update(DUST_MARKS).where(*standing).values(removed_at=now, removed_by=by, removed_reason=reason)

    def remove(connection: Connection) -> bool:
        stood = connection.execute(removal).rowcount > 0
        if stood:
            record(connection, Decision(account, f"take {symbol} off the blacklist", by, reason, now))
        return stood

    return await store.write(remove)
