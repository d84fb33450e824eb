"""Channels in the store: who is told how, the address as a token. What is in a token is not known here."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.alert import FLEET, Severity
from models.channel import DELIVERY_FAILED, Channel, DeliveryState, QuietHours
from models.store.alert_tables import CHANNELS, DELIVERIES
from models.store.alerts import close_within
from models.store.engine import Store


async def channels(store: Store) -> tuple[Channel, ...]:
    """Return every channel, by name. Raises: StoreError."""
    return tuple(map(_channel, await store.rows(select(CHANNELS).order_by(CHANNELS.c.name))))


async def channel_tokens(store: Store) -> dict[str, str]:
    """Return the encrypted address of every channel, by name. Raises: StoreError."""
    return await store.read(_tokens)


async def put_channel(
    store: Store,
    name: str,
    *,
    service: str,
    token: str,
    severity: Severity,
    kinds: frozenset[str],
    quiet: QuietHours | None,
    tells_over: bool,
    by: str,
    now: datetime,
) -> bool:
    """Keep a new channel; return False, with nothing changed, where the name is taken. Raises: StoreError."""
    row = {
        "name": name,
        "service": service,
        "token": token,
        "severity": severity.value,
        "kinds": " ".join(sorted(kinds)),
        "quiet_from": None if quiet is None else f"{quiet.start:%H:%M}",
        "quiet_until": None if quiet is None else f"{quiet.end:%H:%M}",
        "timezone": None if quiet is None else quiet.timezone,
        "tells_over": tells_over,
        "added_at": now,
        "added_by": by,
        "failures": 0,
        "last_reason": "",
    }

    def put(connection: Connection) -> None:
        store.queue(connection, "api_keys")  # a rotation of the master key must not miss it
        connection.execute(insert(CHANNELS).values(row))

    try:
        await store.write(put)
    except IntegrityError:
        return False
    return True


async def remove_channel(store: Store, name: str, *, now: datetime) -> int | None:
    """Delete a channel; return how many messages were not sent to it yet, None without such a channel.

    Raises: StoreError.
    """

    def remove(connection: Connection) -> int | None:
        channel_id = connection.execute(select(CHANNELS.c.channel_id).where(CHANNELS.c.name == name)).scalar()
        if channel_id is None:
            return None
        connection.execute(delete(CHANNELS).where(CHANNELS.c.channel_id == channel_id))
        waiting = (DELIVERIES.c.channel_id == channel_id, DELIVERIES.c.state == DeliveryState.DUE.value)
        left = connection.execute(update(DELIVERIES).where(*waiting).values(state=DeliveryState.REMOVED.value))
        close_within(connection, [DELIVERY_FAILED], account=FLEET, symbol=name, now=now)
        return left.rowcount

    return await store.write(remove)


async def change_channel_tokens(store: Store, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> int:
    """Give channels the tokens that `change` makes of all of them, all or none; return how many there were.

    Raises: StoreError, and what `change` raises; then nothing is changed.
    """

    def work(connection: Connection) -> int:
        store.queue(connection, "api_keys")
        tokens = change(_tokens(connection))
        for name, token in tokens.items():
            connection.execute(update(CHANNELS).where(CHANNELS.c.name == name).values(token=token))
        return len(tokens)

    return await store.write(work)


def _tokens(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(CHANNELS.c.name, CHANNELS.c.token).order_by(CHANNELS.c.name))
    return {row.name: row.token for row in rows}


def _channel(row: Row[Any]) -> Channel:
    quiet = None
    if row.quiet_from is not None:
        quiet = QuietHours(time.fromisoformat(row.quiet_from), time.fromisoformat(row.quiet_until), row.timezone)
    return Channel(
        row.channel_id,
        row.name,
        row.service,
        Severity(row.severity),
        frozenset(row.kinds.split()),
        quiet,
        bool(row.tells_over),
        row.added_at,
        row.added_by,
        row.failures,
        row.not_before,
        row.last_sent_at,
        row.last_reason,
    )
