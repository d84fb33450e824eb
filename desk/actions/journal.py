"""Write the trade journal: a new entry, an edit of what was read, a deletion of it."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from brokers.order_history import orders_named
from desk.desk import Desk
from desk.views.journal import JournalReport, journal_report
from models.errors import ConfigError, NotFound
from models.journal import JournalEntry, KeptEntry
from models.order import LedgerOrder
from models.people import Permit, Role, Who
from models.store.desk_audit import Deed, note
from models.store.journal import Beside, delete_entry, edit_entry, write_entry

_LONGEST = 2**31 - 1


class SavedEntry(JournalEntry):
    """An entry to be kept. `entry_id` None: a new one. An edit names the `version` that was read."""

    entry_id: Annotated[int, Field(ge=1, le=_LONGEST)] | None = None
    version: Annotated[int, Field(ge=1, le=_LONGEST)] | None = None


async def save(desk: Desk, who: Who, saved: SavedEntry) -> JournalReport:
    """Keep a new entry, or an edit of one. An order that is named is one of the ledger.

    Raises: AccessRefused, ConfigError naming the field, NotFound, EditedMeanwhile, StoreError.
    """
    who, now = await desk.require(who, Role.OPERATOR, Permit.ACT), desk.clock.now()
    entry = await _linked(desk, saved)
    if saved.entry_id is None:
        made = await write_entry(desk.store, entry, by=who.words, now=now, beside=_audited(desk, who, "journal.write"))
        desk.live.tell({"trade_journal"})
        return journal_report(made)
    if saved.version is None:
        raise ConfigError("version", "is missing", "the version of the entry that was read")
    edited = await edit_entry(
        desk.store,
        saved.entry_id,
        entry,
        version=saved.version,
        by=who.words,
        now=now,
        beside=_audited(desk, who, "journal.edit"),
    )
    if edited is None:
        raise NotFound("journal entry", str(saved.entry_id))
    desk.live.tell({"trade_journal"})
    return journal_report(edited)


async def delete(desk: Desk, who: Who, entry_id: int, version: int) -> None:
    """Delete an entry, as it was read; the audit log keeps what it said.

    Raises: AccessRefused, NotFound, EditedMeanwhile, StoreError.
    """
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    beside = _audited(desk, who, "journal.delete")
    if not await delete_entry(desk.store, entry_id, version=version, beside=beside):
        raise NotFound("journal entry", str(entry_id))
    desk.live.tell({"trade_journal"})


def _audited(desk: Desk, who: Who, action: str) -> Beside:
    """Return what writes the change into the audit log, in its own transaction."""
    now = desk.clock.now()

    def beside(connection: Connection, before: KeptEntry | None, after: KeptEntry | None) -> None:
        kept = after or before
        subject = f"journal entry {kept.entry_id}" if kept is not None else "journal"
        note(connection, who, Deed(action, subject, _said(before), _said(after)), now)

    return beside


def _said(kept: KeptEntry | None) -> dict[str, Any] | None:
    return None if kept is None else {**kept.entry.model_dump(mode="json"), "version": kept.version}


async def _linked(desk: Desk, saved: SavedEntry) -> JournalEntry:
    """Return the entry with its orders by their whole ids, and account and symbol as theirs where none was named."""
    said = saved.model_dump(exclude={"entry_id", "version"})
    for field in ("entry_order", "exit_order"):
        if not said[field]:
            continue
        order = _one(field, said[field], await orders_named(desk.store, said[field], said["account"] or None))
        said[field] = order.intent.client_order_id
        for name, of_order in (("account", order.intent.account), ("symbol", order.intent.symbol)):
            if said[name] and said[name] != of_order:
                raise ConfigError(field, f"that order is of {of_order}, the entry of {said[name]}")
            said[name] = of_order
    return JournalEntry.model_validate(said)


def _one(field: str, name: str, found: Sequence[LedgerOrder]) -> LedgerOrder:
    if len(found) == 1:
        return found[0]
    problem = "no order of the ledger" if not found else f"{len(found)} orders of the ledger"
    raise ConfigError(field, f"{name!r} means {problem}", "a client order id, or how it begins")
