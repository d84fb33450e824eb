"""The vault's rows, on both stores: kept, replaced only when asked to, changed all or none."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from models.store.engine import Store
from models.store.keys import StoredKeys, change_tokens, keys_of, put_keys, remove_keys, stored_keys
from tests.builders import NOW

LATER = NOW + timedelta(hours=1)


async def put(
    store: Store,
    account: str,
    token: str = "t",  # noqa: S107 - it opens nothing
    *,
    replace: bool = False,
    by: str = "me",
) -> bool:
    return await put_keys(store, account, fingerprint=f"of {token}", token=token, by=by, now=NOW, replace=replace)


async def tokens(store: Store) -> dict[str, str]:
    return {account: row.token for account, row in (await stored_keys(store)).items()}


async def test_a_row_is_kept_for_whoever_opens_the_store_next(store: Store, other: Store) -> None:
    await put(store, "alice")

    assert await keys_of(other, "alice") == StoredKeys("alice", "of t", "t", NOW, "me", NOW)
    assert await keys_of(other, "bob") is None


async def test_keys_are_replaced_only_when_that_is_asked_for(store: Store) -> None:
    first = await put(store, "alice", "one")
    refused = await put(store, "alice", "two")
    before = await tokens(store)
    replaced = await put(store, "alice", "three", replace=True, by="you")

    assert (first, refused, replaced) == (True, False, True)
    assert before == {"alice": "one"}
    row = await keys_of(store, "alice")
    assert row is not None
    assert (row.token, row.fingerprint, row.added_by) == ("three", "of three", "you")


async def test_of_two_who_add_at_once_one_is_told_that_it_was_too_late(store: Store, other: Store) -> None:
    added = await asyncio.gather(put(store, "alice", "one"), put(other, "alice", "two"))

    assert sorted(added) == [False, True]
    assert await tokens(store) == {"alice": ("one", "two")[added.index(True)]}


async def test_rows_are_listed_by_name_and_removed_one_by_one(store: Store) -> None:
    for account in ("carol", "alice", "bob"):
        await put(store, account)

    removed = [await remove_keys(store, "bob"), await remove_keys(store, "bob")]

    assert removed == [True, False]
    assert list(await stored_keys(store)) == ["alice", "carol"]


async def test_tokens_change_and_who_added_them_stays(store: Store) -> None:
    for account in ("alice", "bob"):
        await put(store, account)

    changed = await change_tokens(store, lambda rows: {"alice": rows["alice"].token + "2"}, LATER)

    assert changed == 1
    assert await keys_of(store, "alice") == StoredKeys("alice", "of t", "t2", NOW, "me", LATER)
    assert await keys_of(store, "bob") == StoredKeys("bob", "of t", "t", NOW, "me", NOW)


async def test_tokens_change_all_or_none(store: Store) -> None:
    for account in ("alice", "bob"):
        await put(store, account)

    def half_way(rows: Mapping[str, StoredKeys]) -> dict[str, str]:
        raise LookupError(*rows)

    with pytest.raises(LookupError, match="alice"):
        await change_tokens(store, half_way, LATER)
    with pytest.raises(Exception, match="token"):  # the second row's token is no text: the first's is taken back
        await change_tokens(store, lambda _: {"alice": "new", "bob": None}, LATER)  # type: ignore[dict-item]

    assert await tokens(store) == {"alice": "t", "bob": "t"}


async def test_whoever_adds_during_a_change_is_before_it_or_after_it(store: Store, other: Store) -> None:
    await put(store, "alice", "old")

    await asyncio.gather(
        *(change_tokens(s, lambda rows: {a: r.token + "+" for a, r in rows.items()}, LATER) for s in (store, other)),
        put(other, "bob", "old"),
    )

    left = await tokens(store)
    assert left["alice"] == "old++"
    assert left["bob"] in {"old", "old+", "old++"}


async def test_a_row_prints_without_its_token(store: Store) -> None:
    await put(store, "alice", "gAAAA")

    assert "token" not in repr(await keys_of(store, "alice"))
