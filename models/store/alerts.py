"""Operational alerts: raised once while a matter stands, counted after that, closed when it no longer holds."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.alert import OperationalAlert, Severity, StandingAlert
from models.store.decisions import Decision, record
from models.store.engine import Also, Store, nothing_else
from models.store.tables import OPERATIONAL_ALERTS as ALERTS

_STANDING = ALERTS.c.closed_at.is_(None)


async def raise_alerts(
    store: Store, alerts: Iterable[OperationalAlert], *, now: datetime
) -> tuple[OperationalAlert, ...]:
    """Raise what does not stand yet and count what does; return what is new. Raises: StoreError."""
    raised = tuple(alerts)
    return await store.write(lambda connection: raise_within(store, connection, raised, now=now)) if raised else ()


def raise_within(
    store: Store, connection: Connection, alerts: Iterable[OperationalAlert], *, now: datetime
) -> tuple[OperationalAlert, ...]:
    """Do the same in the transaction that makes it so."""
    store.queue(connection, "operational alerts")
    return tuple(alert for alert in alerts if _raise(connection, alert, now))


async def keep_alerts(
    store: Store, codes: Collection[str], found: Iterable[OperationalAlert], *, account: str, now: datetime
) -> tuple[OperationalAlert, ...]:
    """Let the standing alerts of these codes in an account be those that were found: raise them, close the others.

    Return what is new. Raises: StoreError.
    """
    raised = tuple(found)
    there = {(alert.code, alert.symbol) for alert in raised}
    matters = select(ALERTS.c.code, ALERTS.c.symbol, ALERTS.c.alert_id)
    matters = matters.where(ALERTS.c.code.in_(codes), ALERTS.c.account == account, _STANDING)
    over = [row.alert_id for row in await store.rows(matters) if (row.code, row.symbol) not in there]
    if over:
        await store.execute(update(ALERTS).where(ALERTS.c.alert_id.in_(over), _STANDING).values(closed_at=now))
    return await raise_alerts(store, raised, now=now)


async def keep_all_alerts(
    store: Store, codes: Collection[str], found: Iterable[OperationalAlert], *, now: datetime
) -> tuple[tuple[OperationalAlert, ...], tuple[StandingAlert, ...]]:
    """Let the standing alerts of these codes, whatever their account, be those that were found.

    Return what is new, and what was closed. Raises: StoreError.
    """
    raised = tuple(found)
    there = {(alert.code, alert.account, alert.symbol) for alert in raised}

    def work(connection: Connection) -> tuple[tuple[OperationalAlert, ...], tuple[StandingAlert, ...]]:
        new = raise_within(store, connection, raised, now=now)
        standing = connection.execute(select(ALERTS).where(ALERTS.c.code.in_(codes), _STANDING))
        over = [row for row in standing if (row.code, row.account, row.symbol) not in there]
        ended = update(ALERTS).where(ALERTS.c.alert_id.in_([row.alert_id for row in over]))
        if over:
            connection.execute(ended.values(closed_at=now))
        return new, tuple(map(_alert, over))

    return await store.write(work)


async def close_alerts(store: Store, codes: Collection[str], *, account: str, symbol: str = "", now: datetime) -> int:
    """Close what no longer holds; return how many stood. Raises: StoreError."""
    return await store.write(
        lambda connection: close_within(connection, codes, account=account, symbol=symbol, now=now)
    )


def close_within(
    connection: Connection, codes: Collection[str], *, account: str, symbol: str = "", now: datetime
) -> int:
    """Do the same in the transaction that makes it so."""
    matter = (ALERTS.c.code.in_(codes), ALERTS.c.account == account, ALERTS.c.symbol == symbol)
    return connection.execute(update(ALERTS).where(*matter, _STANDING).values(closed_at=now)).rowcount


async def acknowledge(
    store: Store, alert_id: int, *, by: str, reason: str, now: datetime, also: Also = nothing_else
) -> bool:
    """Note that a person knows; return whether the alert stood unacknowledged. Raises: StoreError."""
    matter = (ALERTS.c.alert_id == alert_id, _STANDING, ALERTS.c.acknowledged_at.is_(None))

    def work(connection: Connection) -> bool:
        known = update(ALERTS).where(*matter).values(acknowledged_at=now, acknowledged_by=by)
        if not connection.execute(known).rowcount:
            return False
        row = connection.execute(select(ALERTS).where(ALERTS.c.alert_id == alert_id)).one()
        what = f"acknowledge {row.code} {row.symbol}".strip()
        record(connection, Decision(row.account, what, by, reason, now))
        also(connection)
        return True

    return await store.write(work)


async def alerts(store: Store, *, standing: bool = True, limit: int = 200) -> tuple[StandingAlert, ...]:
    """Return alerts, newest first; `standing`: only those that are not closed. Raises: StoreError."""
    query = select(ALERTS).order_by(ALERTS.c.alert_id.desc()).limit(limit)
    rows = await store.rows(query.where(_STANDING) if standing else query)
    return tuple(map(_alert, rows))


async def alert(store: Store, alert_id: int) -> StandingAlert | None:
    """Return one alert; None where there is none of that id. Raises: StoreError."""
    rows = await store.rows(select(ALERTS).where(ALERTS.c.alert_id == alert_id))
    return _alert(rows[0]) if rows else None


def _alert(row: Row[Any]) -> StandingAlert:
    return StandingAlert(
        OperationalAlert(row.code, row.message, Severity(row.severity), row.account, row.symbol),
        row.alert_id,
        row.raised_at,
        row.last_at,
        row.times,
        row.acknowledged_by,
        row.closed_at,
    )


def _raise(connection: Connection, alert: OperationalAlert, now: datetime) -> bool:
    matter = (ALERTS.c.code == alert.code, ALERTS.c.account == alert.account, ALERTS.c.symbol == alert.symbol)
    told = {"message": alert.message, "severity": alert.severity.value, "last_at": now}
    again = update(ALERTS).where(*matter, _STANDING).values(**told, times=ALERTS.c.times + 1)
    if connection.execute(again).rowcount:
        return False
    named = {"code": alert.code, "account": alert.account, "symbol": alert.symbol}
    connection.execute(insert(ALERTS).values(**named, **told, raised_at=now, times=1))
    return True
