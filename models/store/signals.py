"""What strategies publish: every signal of the last week, so that one between two looks is not missed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from models.store.alert_tables import SIGNALS
from models.store.engine import Store
from models.user_alert import Metric, Signal

KEPT_FOR = timedelta(days=7)


async def publish(store: Store, signals: Sequence[Signal], *, now: datetime) -> None:
    """Keep signals, and drop what is older than a week. Raises: StoreError; ValueError for what is no number."""
    for one in signals:
        if not one.value.is_finite():
            raise ValueError(f"{one.strategy}: expected a finite number, found {one.value}")
    rows = [
        {
            "strategy": one.strategy,
            "symbol": one.symbol,
            "metric": one.metric.value,
            "value": one.value,
            "at": one.at,
            "published_by": one.by,
        }
        for one in signals
    ]

    def put(connection: Connection) -> None:
        connection.execute(delete(SIGNALS).where(SIGNALS.c.at < now - KEPT_FOR))
        connection.execute(insert(SIGNALS), rows)

    if rows:
        await store.write(put)


async def signals_since(
    store: Store, strategy: str, symbol: str, metric: Metric, since: datetime
) -> tuple[Signal, ...]:
    """Return what was published at `since` and later, the oldest first. Raises: StoreError."""
    of_it = (SIGNALS.c.strategy == strategy, SIGNALS.c.symbol == symbol, SIGNALS.c.metric == metric.value)
    query = select(SIGNALS).where(*of_it, SIGNALS.c.at >= since).order_by(SIGNALS.c.at, SIGNALS.c.signal_id)
    return tuple(
        Signal(row.strategy, row.symbol, Metric(row.metric), row.value, row.at, row.published_by)
        for row in await store.rows(query)
    )


async def latest_signal(store: Store, strategy: str, symbol: str, metric: Metric) -> Signal | None:
    """Return what was published last; None: nothing was in a week. Raises: StoreError."""
    of_it = (SIGNALS.c.strategy == strategy, SIGNALS.c.symbol == symbol, SIGNALS.c.metric == metric.value)
    newest = select(SIGNALS).where(*of_it).order_by(SIGNALS.c.at.desc(), SIGNALS.c.signal_id.desc()).limit(1)
    rows = await store.rows(newest)
    return None if not rows else Signal(strategy, symbol, metric, rows[0].value, rows[0].at, rows[0].published_by)
