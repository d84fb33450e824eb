"""Messages on their way: claimed by one deliverer for a while, sent or not, tried again later or given up.

A claim is taken before a message leaves and is gone when its end is known. One that ran out belongs to a deliverer
that was cut off: whether its message arrived is not known, so the next one says that it may be a repetition. So does
the next one after an attempt that got no answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, false, or_, select, true, update

from models.alert import FLEET, OperationalAlert, Severity
from models.channel import DELIVERY_FAILED, OPERATIONAL, Channel, Delivery, DeliveryState, Failure, Word
from models.store.alert_tables import CHANNELS, DELIVERIES
from models.store.alerts import close_within, raise_within
from models.store.engine import Store
from models.store.tables import OPERATIONAL_ALERTS as ALERTS

CLAIM_SECONDS = 60.0  # several times what one message may take
MOST_AT_ONCE = 100

_WITHOUT_ANSWER = frozenset({Failure.NO_ANSWER.value, Failure.TIMED_OUT.value})
_URGENT = and_(DELIVERIES.c.severity == Severity.CRITICAL.value, DELIVERIES.c.word == Word.RAISED.value)
_DUE = DELIVERIES.c.state == DeliveryState.DUE.value


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that one deliverer alone may send now, and the channel's encrypted address."""

    deliveries: tuple[Delivery, ...]
    token: str
    by: str


async def claim(
    store: Store,
    channel: Channel,
    *,
    by: str,
    now: datetime,
    quiet_until: datetime | None,
    urgent_only: bool,
    choose: Callable[[Sequence[Delivery]], Sequence[Delivery]],
) -> Claim | None:
    """Claim what `choose` takes of a channel's due messages; None: nothing is due. Raises: StoreError.

    In quiet hours what is not urgent is put off to their end. After a failure the channel is left alone for a while,
    but for what is urgent and was not tried yet.
    """
    mine = DELIVERIES.c.channel_id == channel.channel_id

    def work(connection: Connection) -> Claim | None:
        store.queue(connection, f"deliveries {channel.channel_id}")
        at = connection.execute(select(CHANNELS).where(CHANNELS.c.channel_id == channel.channel_id)).one_or_none()
        if at is None:
            return None  # it was removed meanwhile
        if quiet_until is not None:
            held = update(DELIVERIES).where(mine, _DUE, ~_URGENT, DELIVERIES.c.next_at < quiet_until)
            connection.execute(held.values(next_at=quiet_until, held_until=quiet_until))
        seconds = store.seconds(connection)
        is_left_alone = at.not_before is not None and at.not_before > now
        query = select(DELIVERIES, ALERTS.c.closed_at.label("over_at")).where(
            mine,
            _DUE,
            DELIVERIES.c.next_at <= now,
            or_(DELIVERIES.c.claim_expires_at.is_(None), DELIVERIES.c.claim_expires_at <= seconds),
            _URGENT if urgent_only or is_left_alone else true(),
            DELIVERIES.c.attempts == 0 if is_left_alone else true(),
        )
        is_of = and_(DELIVERIES.c.source == OPERATIONAL, ALERTS.c.alert_id == DELIVERIES.c.alert_id)
        rows = connection.execute(
            query.outerjoin(ALERTS, is_of).order_by(DELIVERIES.c.delivery_id).limit(MOST_AT_ONCE)
        ).all()
        chosen = choose(tuple(map(_delivery, rows))) if rows else ()
        if not chosen:
            return None
        taken = {"claimed_by": by, "claim_expires_at": seconds + CLAIM_SECONDS, "last_tried_at": now}
        ids = [one.delivery_id for one in chosen]
        of_them = update(DELIVERIES).where(DELIVERIES.c.delivery_id.in_(ids))
        connection.execute(of_them.values(**taken, attempts=DELIVERIES.c.attempts + 1))
        connection.execute(of_them.where(DELIVERIES.c.first_tried_at.is_(None)).values(first_tried_at=now))
        return Claim(tuple(chosen), at.token, by)

    return await store.write(work)


async def mark_sent(store: Store, channel: Channel, claimed: Claim, *, now: datetime) -> None:
    """Note that a claim's messages arrived, and that the channel works. Raises: StoreError."""
    over = {one.delivery_id for one in claimed.deliveries if one.over_at is not None}

    def work(connection: Connection) -> None:
        for told_over in (False, True):
            ids = [one.delivery_id for one in claimed.deliveries if (one.delivery_id in over) is told_over]
            sent = {"state": DeliveryState.SENT.value, "sent_at": now, "told_over": told_over, "reason": ""}
            if ids:
                connection.execute(_of(claimed, ids).values(**sent, claimed_by=None, claim_expires_at=None))
        well = {"failures": 0, "not_before": None, "last_sent_at": now, "last_reason": ""}
        connection.execute(update(CHANNELS).where(CHANNELS.c.channel_id == channel.channel_id).values(**well))
        close_within(connection, [DELIVERY_FAILED], account=FLEET, symbol=channel.name, now=now)

    await store.write(work)


async def mark_failed(
    store: Store,
    channel: Channel,
    claimed: Claim,
    reason: Failure,
    *,
    now: datetime,
    pause: Callable[[int], datetime],
    given_up_from: datetime,
    worrying_from: datetime,
) -> int:
    """Note that a claim's messages did not arrive, and when they are tried again; return how many were given up.

    Given up is what was tried first at `given_up_from` or before. That, and what is urgent and was tried first at
    `worrying_from` or before, is itself a matter for a person. `pause`: after so many failures, until when.
    Raises: StoreError.
    """
    ids = [one.delivery_id for one in claimed.deliveries]

    def work(connection: Connection) -> int:
        free = {"claimed_by": None, "claim_expires_at": None, "reason": reason.value}
        lost = _of(claimed, ids).where(DELIVERIES.c.first_tried_at <= given_up_from)
        given_up = connection.execute(lost.values(**free, state=DeliveryState.GAVE_UP.value)).rowcount
        for one in claimed.deliveries:
            connection.execute(_of(claimed, [one.delivery_id]).values(**free, next_at=pause(one.attempts + 1)))
        failures = channel_failures(connection, channel) + 1
        ill = {"failures": failures, "not_before": pause(failures), "last_reason": reason.value}
        connection.execute(update(CHANNELS).where(CHANNELS.c.channel_id == channel.channel_id).values(**ill))
        waiting = select(DELIVERIES.c.delivery_id).where(
            DELIVERIES.c.delivery_id.in_(ids), _DUE, _URGENT, DELIVERIES.c.first_tried_at <= worrying_from
        )
        if given_up or connection.execute(waiting).first() is not None:
            what = f"{given_up} messages were given up" if given_up else "what is critical does not arrive"
            words = f"channel {channel.name} ({channel.service}): {what}; the last attempt: {reason.value}"
            matter = OperationalAlert(DELIVERY_FAILED, words, Severity.CRITICAL, symbol=channel.name)
            raise_within(store, connection, [matter], now=now)
        return given_up

    return await store.write(work)


def channel_failures(connection: Connection, channel: Channel) -> int:
    """Return how many attempts at a channel failed in a row."""
    query = select(CHANNELS.c.failures).where(CHANNELS.c.channel_id == channel.channel_id)
    return connection.execute(query).scalar() or 0


async def deliveries(store: Store, *, channel: str | None = None, limit: int = 100) -> tuple[Delivery, ...]:
    """Return messages, newest first, to one channel or to all. Raises: StoreError."""
    query = select(DELIVERIES).order_by(DELIVERIES.c.delivery_id.desc()).limit(limit)
    return tuple(
        map(_delivery, await store.rows(query if channel is None else query.where(DELIVERIES.c.channel == channel)))
    )


def _of(claimed: Claim, ids: Sequence[int]) -> Any:
    """Update these messages of a claim, unless another deliverer has them by now."""
    return update(DELIVERIES).where(
        DELIVERIES.c.delivery_id.in_(ids) if ids else false(), DELIVERIES.c.claimed_by == claimed.by
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        event=row.event,
        channel=row.channel,
        word=Word(row.word),
        kind=row.kind,
        severity=Severity(row.severity),
        title=row.title,
        message=row.message,
        happened_at=row.happened_at,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        last_tried_at=row.last_tried_at,
        next_at=row.next_at,
        held_until=row.held_until,
        reason=row.reason,
        sent_at=row.sent_at,
        over_at=row._mapping.get("over_at"),  # noqa: SLF001 - SQLAlchemy's public name for it
        was_interrupted=row.claimed_by is not None or row.reason in _WITHOUT_ANSWER,
    )
