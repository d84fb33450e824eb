"""When each pipeline, and each account in it, was last seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from models.store.engine import Store
from models.store.tables import HEARTBEATS

PIPELINE = "*"  # in the place of an account: the pipeline as a whole


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When something was last seen, and last seen well; `every` None: it runs on demand."""

    pipeline: str
    account: str
    last_seen: datetime
    last_ok: datetime | None
    every: timedelta | None
    status: str
    detail: str = ""


async def beat(
    store: Store,
    pipeline: str,
    statuses: Mapping[str, str],
    *,
    now: datetime,
    ok: frozenset[str] = frozenset({"ok", "compliant"}),
    every: timedelta | None = None,
    detail: str = "",
) -> None:
    """Note that a pipeline was seen: a status by account, PIPELINE for itself. Raises: StoreError.

    `detail`: what there is to say of the pipeline as a whole.
    """

    def write(connection: Connection) -> None:
        store.queue(connection, f"heartbeats {pipeline}")
        for account, status in statuses.items():
            said = detail if account == PIPELINE else ""
            _beat(connection, pipeline, account, status, now=now, is_ok=status in ok, every=every, detail=said)

    await store.write(write)


async def heartbeats(store: Store) -> tuple[Heartbeat, ...]:
    """Return everything that was ever seen, by pipeline and account. Raises: StoreError."""
    rows = await store.rows(select(HEARTBEATS).order_by(HEARTBEATS.c.pipeline, HEARTBEATS.c.account))
    return tuple(
        Heartbeat(
            r.pipeline,
            r.account,
            r.last_seen,
            r.last_ok,
            None if r.every_seconds is None else timedelta(seconds=r.every_seconds),
            r.status,
            r.detail,
        )
        for r in rows
    )


def _beat(
    connection: Connection,
    pipeline: str,
    account: str,
    status: str,
    *,
    now: datetime,
    is_ok: bool,
    every: timedelta | None,
    detail: str,
) -> None:
    values: dict[str, object] = {"last_seen": now, "status": status, "detail": detail}
    if every is not None:
        values["every_seconds"] = every.total_seconds()
    if is_ok:
        values["last_ok"] = now
    mine = (HEARTBEATS.c.pipeline == pipeline, HEARTBEATS.c.account == account)
    if not connection.execute(update(HEARTBEATS).where(*mine).values(**values)).rowcount:
        connection.execute(insert(HEARTBEATS).values(pipeline=pipeline, account=account, **values))
