"""How each account's day has gone: one row a day in UTC, the newest is the one that counts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.risk import RiskDay
from models.store.engine import Store
from models.store.tables import RISK_DAYS


async def risk_day(store: Store, account: str) -> RiskDay | None:
    """Return an account's day as the last read left it; None: no read has told what it is worth. Raises: StoreError."""
    return await store.read(lambda connection: newest_day(connection, account))


def newest_day(connection: Connection, account: str) -> RiskDay | None:
    """Return the same within a transaction."""
    row = _newest(connection, account)
    return None if row is None else RiskDay(date.fromisoformat(row.day), row.began_with, row.peak, row.equity)


def put_day(connection: Connection, account: str, day: RiskDay, *, now: datetime) -> None:
    """Keep an account's day in the place of what is kept of the same one."""
    figures = {"began_with": day.began_with, "peak": day.peak, "equity": day.equity, "updated_at": now}
    mine = (RISK_DAYS.c.account == account, RISK_DAYS.c.day == day.day.isoformat())
    if not connection.execute(update(RISK_DAYS).where(*mine).values(**figures)).rowcount:
        connection.execute(insert(RISK_DAYS).values(account=account, day=day.day.isoformat(), **figures))


def count_anew(connection: Connection, account: str, *, now: datetime) -> None:
    """Let the day's loss and the fall from the peak be counted from what the account was worth last.

    A person has lifted the halt: the next read would trip on the same loss again.
    """
    day = newest_day(connection, account)
    if day is not None:
        put_day(connection, account, RiskDay(day.day, day.equity, day.equity, day.equity), now=now)


def queue_of(account: str) -> str:
    """Name the line in which those wait who change an account's day."""
    return f"risk {account}"


def _newest(connection: Connection, account: str) -> Row[Any] | None:
    of_account = select(RISK_DAYS).where(RISK_DAYS.c.account == account)
    return connection.execute(of_account.order_by(RISK_DAYS.c.day.desc()).limit(1)).one_or_none()
