"""The trade journal in the store: found as it was written, and never overwritten by who read something older."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from models.errors import EditedMeanwhile
from models.journal import JournalEntry, JournalFilter, KeptEntry
from models.store.engine import Store
from models.store.journal import delete_entry, edit_entry, journal, journal_entry, write_entry
from tests.builders import NOW

LATER = NOW + timedelta(hours=1)
ENTRY = JournalEntry(
    account="alice",
    symbol="BTC/USD",
    entry_order="a" * 32,
    entry_reason="breakout above the range, 100% certain_of_it",
    confidence=8,
)
DONE = ENTRY.model_copy(update={"exit_order": "b" * 32, "exit_reason": "stop", "lessons": "wait", "rating": 2})


async def found(store: Store, **wanted: object) -> list[int]:
    entries, number = await journal(store, JournalFilter(**wanted))  # type: ignore[arg-type] - by name
    assert number == len(entries)
    return [kept.entry_id for kept in entries]


async def test_of_two_editors_the_second_is_told_and_overwrites_nothing(store: Store, other: Store) -> None:
    kept = await write_entry(store, ENTRY, by="alice", now=NOW)

    edited = await edit_entry(store, kept.entry_id, DONE, version=kept.version, by="bob", now=LATER)
    with pytest.raises(EditedMeanwhile) as refused:
        await edit_entry(other, kept.entry_id, ENTRY, version=kept.version, by="carol", now=LATER)
    with pytest.raises(EditedMeanwhile):
        await delete_entry(other, kept.entry_id, version=kept.version)

    assert (refused.value.by, refused.value.version) == ("bob", 2)
    assert await journal_entry(other, kept.entry_id) == edited
    assert edited is not None
    assert (edited.entry, edited.created_by, edited.changed_by, edited.changed_at) == (DONE, "alice", "bob", LATER)


async def test_entries_are_found_by_what_they_say_and_by_their_orders(store: Store) -> None:
    first = (await write_entry(store, ENTRY, by="alice", now=NOW)).entry_id
    second = (await write_entry(store, DONE, by="alice", now=LATER)).entry_id

    assert await found(store) == [second, first]
    assert await found(store, words="BREAKOUT") == [second, first]
    assert await found(store, words="100%") == [second, first]  # a sign of the search's own is meant as it stands
    assert await found(store, words="stop%") == []
    assert await found(store, order="b" * 32) == [second]
    assert await found(store, least_rating=3) == []
    assert await found(store, unfinished=True, account="alice", symbol="BTC/USD", least_confidence=8) == [first]
    page, number = await journal(store, JournalFilter(), limit=1, offset=1)
    assert ([kept.entry_id for kept in page], number) == ([first], 2)


async def test_what_is_kept_beside_a_change_goes_with_it(store: Store) -> None:
    def refuses(_connection: Connection, _before: KeptEntry | None, _after: KeptEntry | None) -> None:
        raise KeyError("the audit log cannot be written")

    kept = await write_entry(store, ENTRY, by="alice", now=NOW)
    with pytest.raises(KeyError):
        await edit_entry(store, kept.entry_id, DONE, version=1, by="bob", now=LATER, beside=refuses)
    with pytest.raises(KeyError):
        await delete_entry(store, kept.entry_id, version=1, beside=refuses)

    assert await journal_entry(store, kept.entry_id) == kept
    assert await delete_entry(store, kept.entry_id, version=1) is True
    assert await edit_entry(store, kept.entry_id, DONE, version=1, by="bob", now=LATER) is None
