"""A store moves from its file into PostgreSQL whole, or not at all."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Connection, Table, insert, select, text
from sqlmodel import AutoString, SQLModel

from models.errors import StoreError
from models.store.columns import Exact, Instant
from models.store.decisions import Decision, decisions, record
from models.store.engine import Store
from models.store.move import move_sqlite

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


def decided(what: str) -> Decision:
    return Decision("alice", what, "maria", "because", NOW)


async def keep(url: str, *what: str) -> None:
    async with await Store.open(url) as store:
        for one in what:
            await store.write(partial(_keep, decided(one)))


def _keep(decision: Decision, connection: Connection) -> None:
    record(connection, decision)


def folder(file: Path) -> list[str]:
    return sorted(found.name for found in file.parent.iterdir())


async def kept(url: str) -> list[str]:
    async with await Store.open(url) as store:
        return sorted(d.what for d in await decisions(store, "alice", limit=10))


async def test_what_the_file_holds_is_in_postgresql_and_the_file_is_put_aside(file: Path, postgresql_url: str) -> None:
    await keep(f"sqlite:///{file}", "first", "second")

    moved = await move_sqlite(file, postgresql_url)

    assert moved is not None
    assert (moved.rows, moved.kept) == (2, file.with_name("nija.db.moved"))
    assert await kept(postgresql_url) == ["first", "second"]
    assert folder(file) == ["nija.db.moved"]


async def test_new_rows_are_numbered_after_those_that_were_moved(file: Path, postgresql_url: str) -> None:
    await keep(f"sqlite:///{file}", "first", "second")
    await move_sqlite(file, postgresql_url)

    await keep(postgresql_url, "third")

    assert await kept(postgresql_url) == ["first", "second", "third"]


async def test_there_is_nothing_to_move_from_a_file_that_is_not_there_or_empty(
    file: Path, postgresql_url: str, tmp_path: Path
) -> None:
    assert await move_sqlite(tmp_path / "gone.db", postgresql_url) is None
    assert await move_sqlite(file, postgresql_url) is None
    assert folder(file) == ["nija.db"]


async def test_two_stores_that_both_hold_something_are_not_mixed(file: Path, postgresql_url: str) -> None:
    await keep(f"sqlite:///{file}", "here")
    await keep(postgresql_url, "there")

    with pytest.raises(StoreError, match="put one of them aside") as caught:
        await move_sqlite(file, postgresql_url)

    assert caught.value.code == "STORE_TWICE"
    assert await kept(f"sqlite:///{file}") == ["here"]
    assert await kept(postgresql_url) == ["there"]


async def test_a_store_that_a_run_works_on_is_not_moved(file: Path, postgresql_url: str) -> None:
    await keep(f"sqlite:///{file}", "here")
    async with await Store.open(f"sqlite:///{file}") as store:
        lease = "INSERT INTO leases (account, holder, token, expires_at) VALUES ('alice', 'a run', 1, 9999999999)"
        await store.execute(text(lease))

    with pytest.raises(StoreError, match="holds alice"):
        await move_sqlite(file, postgresql_url)

    assert await kept(postgresql_url) == []
    assert folder(file) == ["nija.db"]


async def test_a_table_that_nobody_knows_is_not_left_behind(file: Path, postgresql_url: str) -> None:
    async with await Store.open(f"sqlite:///{file}") as store:
        await store.execute(text("CREATE TABLE notes (words TEXT)"))

    with pytest.raises(StoreError, match="tables that nobody knows: notes"):
        await move_sqlite(file, postgresql_url)


async def test_every_column_of_every_table_moves_digit_for_digit(file: Path, postgresql_url: str) -> None:
    here = f"sqlite:///{file}"
    tables = list(SQLModel.metadata.sorted_tables)
    async with await Store.open(here) as store:
        for table in tables:
            await store.execute(insert(table), {column.name: something(column) for column in table.columns})
    before = await rows(here, tables)

    moved = await move_sqlite(file, postgresql_url)

    assert moved is not None
    assert moved.rows == len(tables)
    assert await rows(postgresql_url, tables) == before


def something(column: Column[Any]) -> Any:
    """A value that a column of this type could lose something of."""
    if isinstance(column.type, Exact):
        return Decimal("12345678901234567890.000000000000000001")
    if isinstance(column.type, Instant):
        return NOW.replace(microsecond=123456)
    if isinstance(column.type, JSON):
        return {"a": ["1.10", None, 2]}
    if isinstance(column.type, AutoString):
        return "\u00e9'\"x"
    kinds: dict[type, Any] = {bool: True, int: 7, float: 1700000000.123456, str: "x", bytes: b"\x00\xff"}
    return kinds[column.type.python_type]


async def rows(url: str, tables: list[Table]) -> dict[str, list[dict[str, Any]]]:
    async with await Store.open(url) as store:
        return {table.name: [dict(row._mapping) for row in await store.rows(select(table))] for table in tables}
