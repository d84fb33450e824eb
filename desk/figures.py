"""One cheap look at the store by which a desk sees what has changed: a figure for each table that a page may follow.

A figure is a short text that differs when something of the table does; it says nothing else. Every query here reads an
index or a table that is small by nature, for it is asked each second.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlmodel import SQLModel

from models.store.alert_tables import CHANNELS, DELIVERIES, FIRINGS, USER_ALERTS
from models.store.desk_tables import DESK_AUDIT, PEOPLE
from models.store.engine import Store
from models.store.journal_tables import TRADE_JOURNAL
from models.store.tables import (
    API_KEYS,
    BALANCES,
    BREAKERS,
    DECISIONS,
    DUST_MARKS,
    FILLS,
    FREEZES,
    HALTS,
    HEARTBEATS,
    LEASES,
    OPERATIONAL_ALERTS,
    ORDERS,
    OVERRIDES,
    POSITION_CONFIGS,
    RECONCILIATIONS,
    RISK_DAYS,
    RUNS,
    SNAPSHOTS,
    THROTTLES,
    TRACKED,
    VERIFICATIONS,
)

FLEET_FILE = "fleet"  # the one topic that is no table
_RECENT = timedelta(minutes=10)  # clocks of several machines differ: the newest alone would hide one that is behind


def _columns() -> dict[str, tuple[ColumnElement[Any], ...]]:
    newest, count, total, tables = func.max, func.count, func.sum, SQLModel.metadata.tables
    quarantine = tables["history_quarantine"]
    return {
        "alert_channels": (count(), total(CHANNELS.c.failures), newest(CHANNELS.c.last_sent_at)),
        "alert_deliveries": (newest(DELIVERIES.c.delivery_id),),
        "alert_firings": (newest(FIRINGS.c.firing_id),),
        "api_keys": (count(), newest(API_KEYS.c.changed_at)),
        "backtests": (newest(tables["backtests"].c.backtest_id),),
        "balances": (newest(BALANCES.c.read_at), total(BALANCES.c.errors), newest(BALANCES.c.last_error_at)),
        "breakers": (count(), total(BREAKERS.c.version)),
        "decisions": (newest(DECISIONS.c.decision_id),),
        "desk_audit": (newest(DESK_AUDIT.c.entry_id),),
        "desk_people": (count(), newest(PEOPLE.c.last_seen_at)),
        "dust_marks": (newest(DUST_MARKS.c.mark_id), count(DUST_MARKS.c.removed_at), newest(DUST_MARKS.c.retry_at)),
        "fills": (newest(FILLS.c.fill_id),),
        "freezes": (count(), newest(FREEZES.c.updated_at), total(FREEZES.c.failures)),
        "halts": (newest(HALTS.c.halt_id), count(HALTS.c.cleared_at)),
        "heartbeats": (count(), newest(HEARTBEATS.c.last_seen)),
        "history_audits": (newest(tables["history_audits"].c.audit_id),),
        "history_batches": (newest(tables["history_batches"].c.batch_id),),
        "history_quarantine": (newest(quarantine.c.row_id), newest(quarantine.c.decided_at)),
        "leases": (count(), total(LEASES.c.token), newest(LEASES.c.expires_at)),
        "operational_alerts": (
            newest(OPERATIONAL_ALERTS.c.alert_id),
            total(OPERATIONAL_ALERTS.c.times),
            count(OPERATIONAL_ALERTS.c.acknowledged_at),
            count(OPERATIONAL_ALERTS.c.closed_at),
        ),
        "overrides": (newest(OVERRIDES.c.override_id), newest(OVERRIDES.c.expires_at)),
        "position_configs": (count(), newest(POSITION_CONFIGS.c.set_at)),
        "reconciliations": (count(), newest(RECONCILIATIONS.c.at)),
        "risk_days": (newest(RISK_DAYS.c.updated_at),),
        "snapshots": (newest(SNAPSHOTS.c.snapshot_id),),
        "throttles": (newest(THROTTLES.c.updated_at),),
        "tracked_positions": (count(), newest(TRACKED.c.last_seen_at)),
        "trade_journal": (count(), total(TRADE_JOURNAL.c.version)),
        "user_alerts": (count(), total(USER_ALERTS.c.version), total(USER_ALERTS.c.trigger_count)),
        "verifications": (count(), newest(VERIFICATIONS.c.finished_at)),
    }


_FIGURES: dict[str, Select[Any]] = {
    "runs": select(func.count(), func.max(RUNS.c.started_at)).where(RUNS.c.finished_at.is_(None)),
    **{topic: select(*columns) for topic, columns in _columns().items()},
}
TOPICS = frozenset({*_FIGURES, "orders", FLEET_FILE})


async def figures(store: Store, now: datetime) -> dict[str, str]:
    """Return the figure of every table. Raises: StoreError."""
    recent = ORDERS.c.updated_at >= now - _RECENT
    queries: dict[str, Select[Any]] = _FIGURES | {
        "orders": select(func.count(), func.max(ORDERS.c.updated_at)).where(recent)
    }

    def look(connection: Connection) -> dict[str, str]:
        return {topic: "|".join(map(str, connection.execute(query).one())) for topic, query in queries.items()}

    return await store.read(look)
