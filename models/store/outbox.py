"""The outbox is derived: one row per event and channel, made of what stands, of what fired, and of what is over.

Whoever derives it, and however often, makes the same rows: the pair of event and channel is unique. So nothing that
raises an alert has to know of channels, and one that was raised while nobody delivered is told later.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, case, cast, exists, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.alert import FLEET, Severity
from models.channel import DELIVERY_FAILED, OPERATIONAL, RANK, Channel, DeliveryState, Word
from models.store.alert_tables import DELIVERIES, FIRINGS
from models.store.engine import Store
from models.store.tables import OPERATIONAL_ALERTS as ALERTS

USER = "user"
# What was over, or fired, longer ago is told to nobody any more.
LOOK_BACK = timedelta(days=7)


async def enqueue(store: Store, channels: Iterable[Channel], *, now: datetime) -> int:
    """Put what each channel is to be told, and was not yet, into the outbox; return how many rows are new.

    Raises: StoreError.
    """
    known = tuple(channels)

    def look(connection: Connection) -> list[dict[str, Any]]:
        return [row for channel in known for row in _new(connection, channel, now)]

    if not await store.read(look):
        return 0
    return await store.write(lambda connection: sum(_put(connection, row) for row in look(connection)))


def _new(connection: Connection, channel: Channel, now: datetime) -> Iterable[dict[str, Any]]:
    since = max(channel.added_at, now - LOOK_BACK)
    if OPERATIONAL in channel.kinds:
        yield from _raised(connection, channel, since, now)
        if channel.tells_over:
            yield from _over(connection, channel, since, now)
    yield from _fired(connection, channel, since, now)


def _raised(connection: Connection, channel: Channel, since: datetime, now: datetime) -> Iterable[dict[str, Any]]:
    """Find what stands and was not told as bad as it is; to a new channel, all but what a person knows of already."""
    rank = _rank(ALERTS.c.severity)
    known = and_(ALERTS.c.acknowledged_at < channel.added_at, ALERTS.c.severity != Severity.CRITICAL.value)
    told = exists().where(
        DELIVERIES.c.channel_id == channel.channel_id,
        DELIVERIES.c.source == OPERATIONAL,
        DELIVERIES.c.alert_id == ALERTS.c.alert_id,
        DELIVERIES.c.word == Word.RAISED.value,
        DELIVERIES.c.severity_rank >= rank,
    )
    query = select(ALERTS).where(
        or_(ALERTS.c.closed_at.is_(None), ALERTS.c.closed_at >= since),
        rank >= RANK[channel.severity],
        or_(ALERTS.c.acknowledged_at.is_(None), not_(known)),
        # A channel that fails is not told through itself that it does.
        not_(and_(ALERTS.c.code == DELIVERY_FAILED, ALERTS.c.symbol == channel.name)),
        not_(told),
    )
    for row in connection.execute(query.order_by(ALERTS.c.alert_id)):
        event = f"{OPERATIONAL}:{row.alert_id}:{row.severity}"
        yield _row(channel, event, OPERATIONAL, row, Word.RAISED, OPERATIONAL, now, row.raised_at, row.code)


def _over(connection: Connection, channel: Channel, since: datetime, now: datetime) -> Iterable[dict[str, Any]]:
    """Find what is over, and was told as standing."""
    mine = (DELIVERIES.c.channel_id == channel.channel_id, DELIVERIES.c.source == OPERATIONAL)
    same = DELIVERIES.c.alert_id == ALERTS.c.alert_id
    was_told = exists().where(
        *mine,
        same,
        DELIVERIES.c.word == Word.RAISED.value,
        DELIVERIES.c.state == DeliveryState.SENT.value,
        not_(DELIVERIES.c.told_over),
    )
    known = exists().where(*mine, same, or_(DELIVERIES.c.word == Word.OVER.value, DELIVERIES.c.told_over))
    query = select(ALERTS).where(ALERTS.c.closed_at >= since, was_told, not_(known))
    for row in connection.execute(query.order_by(ALERTS.c.alert_id)):
        event = f"{OPERATIONAL}:{row.alert_id}:over"
        yield _row(channel, event, OPERATIONAL, row, Word.OVER, OPERATIONAL, now, row.closed_at, row.code)


def _fired(connection: Connection, channel: Channel, since: datetime, now: datetime) -> Iterable[dict[str, Any]]:
    event = USER + ":" + _text(FIRINGS.c.alert_id) + ":" + _text(FIRINGS.c.number)
    there = exists().where(DELIVERIES.c.channel_id == channel.channel_id, DELIVERIES.c.event == event)
    query = select(FIRINGS).where(
        FIRINGS.c.fired_at >= since,
        FIRINGS.c.kind.in_(channel.kinds),
        _rank(FIRINGS.c.severity) >= RANK[channel.severity],
        not_(there),
    )
    for row in connection.execute(query.order_by(FIRINGS.c.firing_id)):
        name = f"{USER}:{row.alert_id}:{row.number}"
        yield _row(channel, name, USER, row, Word.RAISED, row.kind, now, row.fired_at, f"{row.kind} alert")


def _row(  # noqa: PLR0917 - three callers in this file, and each part of the row is theirs alone
    channel: Channel,
    event: str,
    source: str,
    row: Any,
    word: Word,
    kind: str,
    now: datetime,
    happened_at: datetime,
    code: str,
) -> dict[str, Any]:
    whose = " ".join(part for part in ("" if row.account == FLEET else row.account, row.symbol) if part)
    return {
        "event": event,
        "channel_id": channel.channel_id,
        "channel": channel.name,
        "source": source,
        "alert_id": row.alert_id,
        "word": word.value,
        "kind": kind,
        "severity": row.severity,
        "severity_rank": RANK[Severity(row.severity)],
        "title": f"{code} {whose}".strip(),
        "message": row.message,
        "happened_at": happened_at,
        "state": DeliveryState.DUE.value,
        "attempts": 0,
        "next_at": now,
        "reason": "",
        "told_over": False,
    }


def _put(connection: Connection, row: dict[str, Any]) -> int:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement: Any = dialect.insert(DELIVERIES).values(row)
    made = connection.execute(statement.on_conflict_do_nothing(index_elements=["event", "channel_id"])).rowcount
    if made and row["source"] == OPERATIONAL and row["word"] == Word.RAISED.value:
        # It got worse before anybody was told of it as it was.
        milder = update(DELIVERIES).where(
            DELIVERIES.c.channel_id == row["channel_id"],
            DELIVERIES.c.source == OPERATIONAL,
            DELIVERIES.c.alert_id == row["alert_id"],
            DELIVERIES.c.severity_rank < row["severity_rank"],
            DELIVERIES.c.state == DeliveryState.DUE.value,
            DELIVERIES.c.claimed_by.is_(None),
        )
        connection.execute(milder.values(state=DeliveryState.SUPERSEDED.value))
    return made


def _rank(severity: ColumnElement[str]) -> ColumnElement[int]:
    return case({word.value: rank for word, rank in RANK.items()}, value=severity, else_=0)


def _text(column: ColumnElement[int]) -> ColumnElement[str]:
    return cast(column, String)
