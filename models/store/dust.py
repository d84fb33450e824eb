"""The dust blacklist: marks per account and symbol that survive restarts until an operator removes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.dust import DustMark
from models.reasons import Mode, Reason
from models.store.decisions import Decision, record
from models.store.engine import Also, Store, nothing_else
from models.store.tables import DUST_MARKS, TRACKED

_STANDS = DUST_MARKS.c.removed_at.is_(None)


async def standing_marks(store: Store, account: str) -> dict[str, DustMark]:
    """Return an account's marks by symbol."""
    return {mark.symbol: mark for _, mark in await blacklist(store, account)}


async def blacklist(store: Store, account: str | None = None) -> tuple[tuple[str, DustMark], ...]:
    """Return the standing marks with their accounts, of one account or of all, sorted."""
    marks = DUST_MARKS.c
    query = select(marks.account, marks.symbol, marks.reason, marks.value, marks.marked_at, marks.retry_at)
    query = query.where(_STANDS).order_by(marks.account, marks.symbol)
    rows = await store.rows(query if account is None else query.where(marks.account == account))
    return tuple((row.account, mark_of(row)) for row in rows)


async def mark(store: Store, account: str, marks: Mapping[str, DustMark], *, mode: Mode, policy_version: str) -> None:
    """Record marks by symbol; one that stands already is replaced and its first value and time are kept.

    What an operator put there stays an operator's.
    """
    if not marks:
        return

    def put(connection: Connection) -> None:
        store.queue(connection, _queue(account))
        standing = _standing(connection, account)
        for symbol, new in marks.items():
            if symbol in standing:
                reason = Reason.BLACKLISTED if standing[symbol].is_by_hand else new.reason
                change = update(DUST_MARKS).where(DUST_MARKS.c.account == account, DUST_MARKS.c.symbol == symbol)
                connection.execute(change.where(_STANDS).values(reason=reason.value, retry_at=new.retry_at))
            else:
                _insert(connection, account, new, mode=mode, policy_version=policy_version)

    await store.write(put)


async def mark_by_hand(
    store: Store,
    account: str,
    symbol: str,
    *,
    by: str,
    reason: str,
    mode: Mode,
    policy_version: str,
    now: datetime,
    also: Also = nothing_else,
) -> bool:
    """Put a symbol on the blacklist because an operator says so; False: an operator did before.

    Its value is what the last read found, where one did. `also` is written with it. Raises: StoreError.
    """
    value = select(TRACKED.c.value).where(TRACKED.c.account == account, TRACKED.c.symbol == symbol)

    def put(connection: Connection) -> bool:
        store.queue(connection, _queue(account))
        stands = _standing(connection, account).get(symbol)
        if stands is not None and stands.is_by_hand:
            return False
        if stands is not None:
            change = update(DUST_MARKS).where(DUST_MARKS.c.account == account, DUST_MARKS.c.symbol == symbol)
            connection.execute(change.where(_STANDS).values(reason=Reason.BLACKLISTED.value))
        else:
            new = DustMark(symbol, Reason.BLACKLISTED, connection.execute(value).scalar_one_or_none(), now)
            _insert(connection, account, new, mode=mode, policy_version=policy_version)
        record(connection, Decision(account, f"put {symbol} on the blacklist", by, reason, now))
        also(connection)
        return True

    return await store.write(put)


async def remove_mark(
    store: Store, account: str, symbol: str, *, by: str, reason: str, now: datetime, also: Also = nothing_else
) -> bool:
    """Remove one mark, keeping who and why; return whether it stood. `also` is written with it, where it did."""
    standing = (DUST_MARKS.c.account == account, DUST_MARKS.c.symbol == symbol, _STANDS)
    removal = update(DUST_MARKS).where(*standing).values(removed_at=now, removed_by=by, removed_reason=reason)

    def remove(connection: Connection) -> bool:
        stood = connection.execute(removal).rowcount > 0
        if stood:
            record(connection, Decision(account, f"take {symbol} off the blacklist", by, reason, now))
            also(connection)
        return stood

    return await store.write(remove)


async def clear_marks(store: Store, account: str, *, by: str, reason: str, now: datetime) -> tuple[str, ...]:
    """Remove every mark of an account, keeping who and why; return the symbols that had one."""
    removal = update(DUST_MARKS).where(DUST_MARKS.c.account == account, _STANDS)
    removal = removal.values(removed_at=now, removed_by=by, removed_reason=reason)

    def clear(connection: Connection) -> tuple[str, ...]:
        store.queue(connection, _queue(account))
        symbols = tuple(sorted(_standing(connection, account)))
        connection.execute(removal)
        record(connection, *(Decision(account, f"take {s} off the blacklist", by, reason, now) for s in symbols))
        return symbols

    return await store.write(clear)


def _standing(connection: Connection, account: str) -> dict[str, DustMark]:
    rows = connection.execute(select(DUST_MARKS).where(DUST_MARKS.c.account == account, _STANDS))
    return {row.symbol: mark_of(row) for row in rows}


def _insert(connection: Connection, account: str, new: DustMark, *, mode: Mode, policy_version: str) -> None:
    connection.execute(
        insert(DUST_MARKS).values(
            account=account,
            mode=mode.value,
            policy_version=policy_version,
            symbol=new.symbol,
            reason=new.reason.value,
            value=new.value,
            marked_at=new.marked_at,
            retry_at=new.retry_at,
        ),
    )


def mark_of(row: Row[Any]) -> DustMark:
    """Read a row of the blacklist."""
    return DustMark(row.symbol, Reason(row.reason), row.value, row.marked_at, row.retry_at)


def _queue(account: str) -> str:
    return f"blacklist {account}"
