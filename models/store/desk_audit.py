"""The desk's audit log: who did what, and what it changed. Written in the transaction that carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from models.people import Who
from models.redaction import scrub, scrub_field
from models.store.desk_tables import DESK_AUDIT
from models.store.engine import Store


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done. `subject`: what it was done to, as `account alice`. `before` and `after` None: there was none."""

    action: str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log."""

    entry_id: int
    at: datetime
    who: str
    via: str
    address: str
    action: str
    subject: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def note(connection: Connection, who: Who, deed: Deed, now: datetime) -> None:
    """Write a line in the transaction that does what it says. A secret that slipped into it is taken out."""
    row = {
        "at": now,
        "who": who.words,
        "via": who.via.value,
        "address": who.address,
        "action": deed.action,
        "subject": scrub(deed.subject),
        "reason": scrub(deed.reason),
        "before": _clean(deed.before),
        "after": _clean(deed.after),
    }
    connection.execute(insert(DESK_AUDIT).values(row))


async def note_alone(store: Store, who: Who, deed: Deed, now: datetime) -> None:
    """Write a line about what is done elsewhere. Raises: StoreError."""
    await store.write(lambda connection: note(connection, who, deed, now))


async def audit_entries(
    store: Store,
    *,
    who: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[AuditEntry, ...]:
    """Return lines, newest first. Raises: StoreError."""
    query = select(DESK_AUDIT).order_by(DESK_AUDIT.c.entry_id.desc()).offset(offset).limit(limit)
    for column, wanted in ((DESK_AUDIT.c.who, who), (DESK_AUDIT.c.action, action), (DESK_AUDIT.c.subject, subject)):
        if wanted is not None:
            query = query.where(column == wanted)
    rows = await store.rows(query)
    return tuple(AuditEntry(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name for it


async def newest_by_subject(store: Store, action: str) -> dict[str, AuditEntry]:
    """Return the newest line of one kind about each subject. Raises: StoreError."""
    newest = select(func.max(DESK_AUDIT.c.entry_id)).where(DESK_AUDIT.c.action == action).group_by(DESK_AUDIT.c.subject)
    rows = await store.rows(select(DESK_AUDIT).where(DESK_AUDIT.c.entry_id.in_(newest)))
    return {row.subject: AuditEntry(**row._mapping) for row in rows}  # noqa: SLF001 - see above


def _clean(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else {name: scrub_field(name, one) for name, one in value.items()}
