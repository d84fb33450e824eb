"""The trade journal, in the store: written, found, and edited by one person at a time.

An edit names the version that was read: of two who edit at once, the second is told what the first has written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from models.errors import EditedMeanwhile
from models.journal import JournalEntry, JournalFilter, KeptEntry
from models.store.engine import Store
from models.store.journal_tables import TRADE_JOURNAL as JOURNAL

# What else is kept in the transaction of a change: given what the entry was and what it is; None: there is none.
Beside = Callable[[Connection, KeptEntry | None, KeptEntry | None], None]

_TEXTS = ("symbol", "entry_reason", "exit_reason", "lessons", "entry_order", "exit_order", "created_by", "changed_by")


def nothing_beside(_connection: Connection, _before: KeptEntry | None, _after: KeptEntry | None) -> None:
    """Keep nothing besides."""


async def write_entry(
    store: Store, entry: JournalEntry, *, by: str, now: datetime, beside: Beside = nothing_beside
) -> KeptEntry:
    """Keep a new entry and return it. Raises: StoreError."""
    signed = {"version": 1, "created_at": now, "created_by": by, "changed_at": now, "changed_by": by}
    statement = insert(JOURNAL).values(**entry.model_dump(), **signed).returning(JOURNAL)

    def work(connection: Connection) -> KeptEntry:
        made = _kept(connection.execute(statement).one())
        beside(connection, None, made)
        return made

    return await store.write(work)


async def edit_entry(
    store: Store,
    entry_id: int,
    entry: JournalEntry,
    *,
    version: int,
    by: str,
    now: datetime,
    beside: Beside = nothing_beside,
) -> KeptEntry | None:
    """Replace what an entry says, if it is still as it was read; None: there is none of that id.

    Raises: EditedMeanwhile where somebody has changed it since; StoreError.
    """
    changes = {**entry.model_dump(), "version": version + 1, "changed_at": now, "changed_by": by}
    statement = update(JOURNAL).where(*_as_read(entry_id, version)).values(changes).returning(JOURNAL)

    def work(connection: Connection) -> KeptEntry | None:
        before = _one(connection, entry_id)
        if before is None:
            return None
        row = connection.execute(statement).one_or_none()
        if row is None:
            raise _edited(before)
        beside(connection, before, _kept(row))
        return _kept(row)

    return await store.write(work)


async def delete_entry(store: Store, entry_id: int, *, version: int, beside: Beside = nothing_beside) -> bool:
    """Delete an entry, if it is still as it was read; return whether there was one.

    Raises: EditedMeanwhile where somebody has changed it since; StoreError.
    """

    def work(connection: Connection) -> bool:
        before = _one(connection, entry_id)
        if before is None:
            return False
        if not connection.execute(delete(JOURNAL).where(*_as_read(entry_id, version))).rowcount:
            raise _edited(before)
        beside(connection, before, None)
        return True

    return await store.write(work)


async def journal_entry(store: Store, entry_id: int) -> KeptEntry | None:
    """Return one entry; None where there is none of that id. Raises: StoreError."""
    return await store.read(lambda connection: _one(connection, entry_id))


async def journal(
    store: Store, wanted: JournalFilter, *, limit: int | None = None, offset: int = 0
) -> tuple[tuple[KeptEntry, ...], int]:
    """Return the entries that a filter means, newest first, and how many there are in all. Raises: StoreError."""
    conditions = list(_conditions(wanted))
    query = select(JOURNAL).where(*conditions).order_by(JOURNAL.c.entry_id.desc()).limit(limit).offset(offset)
    number = select(func.count()).select_from(JOURNAL).where(*conditions)

    def look(connection: Connection) -> tuple[tuple[KeptEntry, ...], int]:
        return tuple(map(_kept, connection.execute(query))), connection.execute(number).scalar_one()

    return await store.read(look)


def _conditions(wanted: JournalFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.words.strip():
        found.append(or_(*(JOURNAL.c[name].icontains(wanted.words.strip(), autoescape=True) for name in _TEXTS)))
    if wanted.account:
        found.append(JOURNAL.c.account == wanted.account)
    if wanted.symbol:
        found.append(JOURNAL.c.symbol == wanted.symbol)
    if wanted.order:
        found.append(or_(JOURNAL.c.entry_order == wanted.order, JOURNAL.c.exit_order == wanted.order))
    if wanted.least_rating is not None:
        found.append(JOURNAL.c.rating >= wanted.least_rating)
    if wanted.least_confidence is not None:
        found.append(JOURNAL.c.confidence >= wanted.least_confidence)
    if wanted.unfinished:
        found.append(JOURNAL.c.lessons == "")
    return found


def _as_read(entry_id: int, version: int) -> tuple[ColumnElement[bool], ...]:
    return JOURNAL.c.entry_id == entry_id, JOURNAL.c.version == version


def _one(connection: Connection, entry_id: int) -> KeptEntry | None:
    row = connection.execute(select(JOURNAL).where(JOURNAL.c.entry_id == entry_id)).one_or_none()
    return None if row is None else _kept(row)


def _edited(there: KeptEntry) -> EditedMeanwhile:
    return EditedMeanwhile(f"journal entry {there.entry_id}", there.version, there.changed_by, there.changed_at)


def _kept(row: Row[Any]) -> KeptEntry:
    said = {name: getattr(row, name) for name in JournalEntry.model_fields}
    return KeptEntry(
        entry_id=row.entry_id,
        entry=JournalEntry.model_construct(**said),  # it was checked when it was written
        version=row.version,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
