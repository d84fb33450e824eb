"""Alerts that people make: kept, looked at, fired. Of two processes that look at once, one keeps what it saw."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from models.alert import Severity
from models.amounts import plain
from models.store.alert_tables import FIRINGS, USER_ALERTS
from models.store.engine import Also, AlsoOf, Store, nothing_else, nothing_else_of
from models.user_alert import Alert, AlertKind, Firing, KeptAlert, Metric, Side

ALERTS = USER_ALERTS


async def create_alert(store: Store, alert: Alert, *, by: str, now: datetime, also: AlsoOf = nothing_else_of) -> int:
    """Keep a new alert, enabled and armed; return its id. Raises: StoreError."""
    fields = alert.model_dump(exclude={"max_age"}) | {"max_age_seconds": alert.max_age.total_seconds()}
    unseen = {"enabled": True, "is_met": False, "trigger_count": 0, "problem": "", "version": 0}
    row = fields | unseen | {"created_at": now, "created_by": by}

    def put(connection: Connection) -> int:
        made = connection.execute(insert(ALERTS).values(row)).inserted_primary_key
        alert_id = int(made[0]) if made is not None else 0
        also(connection, alert_id)
        return alert_id

    return await store.write(put)


async def user_alerts(store: Store, *, enabled: bool = False) -> tuple[KeptAlert, ...]:
    """Return the alerts in the order they were made; `enabled`: those alone that are. Raises: StoreError."""
    query = select(ALERTS).order_by(ALERTS.c.alert_id)
    rows = await store.rows(query.where(ALERTS.c.enabled) if enabled else query)
    return tuple(map(_kept, rows))


async def user_alert(store: Store, alert_id: int) -> KeptAlert | None:
    """Return one alert; None where there is none of that id. Raises: StoreError."""
    rows = await store.rows(select(ALERTS).where(ALERTS.c.alert_id == alert_id))
    return _kept(rows[0]) if rows else None


async def firings(store: Store, alert_id: int | None = None, *, limit: int = 200) -> tuple[Firing, ...]:
    """Return what fired, newest first, of one alert or of all; those of deleted alerts too. Raises: StoreError."""
    query = select(FIRINGS).order_by(FIRINGS.c.firing_id.desc()).limit(limit)
    if alert_id is not None:
        query = query.where(FIRINGS.c.alert_id == alert_id)
    return tuple(map(_fired, await store.rows(query)))


async def set_enabled(store: Store, alert_id: int, *, enabled: bool, also: Also = nothing_else) -> bool:
    """Switch an alert on or off; return whether there is one. Switched on anew, it is armed.

    `also` is written with it, where that changed something. Raises: StoreError.
    """
    armed = update(ALERTS).where(ALERTS.c.alert_id == alert_id, ALERTS.c.enabled.is_not(enabled))
    changed = armed.values(enabled=enabled, is_met=False, problem="", version=ALERTS.c.version + 1)

    def work(connection: Connection) -> bool:
        if connection.execute(changed).rowcount:
            also(connection)
        there = select(ALERTS.c.alert_id).where(ALERTS.c.alert_id == alert_id)
        return connection.execute(there).first() is not None

    return await store.write(work)


async def delete_alert(store: Store, alert_id: int, *, also: Also = nothing_else) -> bool:
    """Delete an alert; return whether there was one. What it fired is still told. Raises: StoreError."""

    def work(connection: Connection) -> bool:
        if not connection.execute(delete(ALERTS).where(ALERTS.c.alert_id == alert_id)).rowcount:
            return False
        also(connection)
        return True

    return await store.write(work)


async def keep_look(
    store: Store,
    kept: KeptAlert,
    *,
    fires: bool,
    is_met: bool,
    value: Decimal | None,
    at: datetime | None,
    problem: str,
    now: datetime,
) -> bool:
    """Keep what one look came to, and the firing in the same transaction; return whether it was kept.

    It is not where another process has looked since `kept` was read, or the alert was switched off or deleted.
    `value` None: the look said nothing. Raises: StoreError.
    """
    changes: dict[str, Any] = {"last_checked_at": now, "problem": problem, "version": kept.version + 1}
    if value is not None:
        changes |= {"is_met": is_met, "last_value": value, "last_value_at": at}
    if fires:
        changes |= {"trigger_count": kept.trigger_count + 1, "last_triggered_at": now}
    mine = (ALERTS.c.alert_id == kept.alert_id, ALERTS.c.version == kept.version, ALERTS.c.enabled)

    def work(connection: Connection) -> bool:
        if not connection.execute(update(ALERTS).where(*mine).values(changes)).rowcount:
            return False
        if fires and value is not None:
            connection.execute(insert(FIRINGS).values(_firing(kept, value, now)))
        return True

    return await store.write(work)


def _firing(kept: KeptAlert, value: Decimal, now: datetime) -> dict[str, Any]:
    alert = kept.alert
    words = f"{alert.condition}: it is {plain(value)}" + (f" ({alert.note})" if alert.note else "")
    return {
        "alert_id": kept.alert_id,
        "number": kept.trigger_count + 1,
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "account": alert.account,
        "symbol": alert.symbol,
        "message": words,
        "value": value,
        "fired_at": now,
    }


def _fired(row: Row[Any]) -> Firing:
    return Firing(
        firing_id=row.firing_id,
        alert_id=row.alert_id,
        number=row.number,
        kind=AlertKind(row.kind),
        severity=Severity(row.severity),
        account=row.account,
        symbol=row.symbol,
        message=row.message,
        value=row.value,
        fired_at=row.fired_at,
    )


def _kept(row: Row[Any]) -> KeptAlert:
    alert = Alert(
        kind=AlertKind(row.kind),
        metric=Metric(row.metric),
        side=Side(row.side),
        threshold=row.threshold,
        account=row.account,
        venue=row.venue,
        symbol=row.symbol,
        strategy=row.strategy,
        hysteresis_fraction=row.hysteresis_fraction,
        max_age=timedelta(seconds=row.max_age_seconds),
        severity=Severity(row.severity),
        note=row.note,
    )
    return KeptAlert(
        row.alert_id,
        alert,
        enabled=bool(row.enabled),
        is_met=bool(row.is_met),
        trigger_count=row.trigger_count,
        last_triggered_at=row.last_triggered_at,
        last_value=row.last_value,
        last_value_at=row.last_value_at,
        last_checked_at=row.last_checked_at,
        problem=row.problem,
        created_at=row.created_at,
        created_by=row.created_by,
        version=row.version,
    )
