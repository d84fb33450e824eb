"""A database fault comes out as one of our codes, and a broken constraint as what it is."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, text
from sqlalchemy.exc import IntegrityError

from models.errors import StoreError
from models.store import engine
from models.store.engine import Store
from models.store.tables import DECISIONS
from tests.builders import NOW

DECISION = {"account": "alice", "decision": "x" * 5000, "decided_by": "ops", "reason": "r", "decided_at": NOW}


async def write(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(insert(DECISIONS), [DECISION] * 50)


async def code_of(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        await Store.open(url)
    return caught.value.code


async def test_what_fails_half_way_leaves_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.writing() as connection:
            await connection.execute(insert(DECISIONS), [DECISION])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with store.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM decisions"))).scalar_one() == 0


async def test_a_broken_constraint_is_no_fault_of_the_store(store: Store) -> None:
    row = text("INSERT INTO leases (account, holder, token, expires_at) VALUES ('alice', 'h', 1, 1.0)")

    async def write_twice() -> None:
        async with store.writing() as connection:
            await connection.execute(row)
            await connection.execute(row)

    with pytest.raises(IntegrityError):
        await write_twice()


async def test_writers_of_one_process_wait_for_each_other(store: Store, other: Store) -> None:
    await asyncio.gather(*(write(at) for at in [store, other] * 5))

    async with store.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM decisions"))).scalar_one() == 500


async def test_a_locked_file(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.1)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    async with await Store.open(sqlite_url) as store:
        other.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(StoreError) as caught:
                await write(store)
        finally:
            other.close()

    assert caught.value.code == "STORE_LOCKED"


async def test_a_full_file(sqlite_url: str) -> None:
    async with await Store.open(sqlite_url) as store:

        @event.listens_for(store._engine.sync_engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA max_page_count = 1")  # SQLite's own limit; it cannot grow any more

        with pytest.raises(StoreError) as caught:
            await write(store)

    assert (caught.value.code, caught.value.detail) == ("STORE_FULL", "its disk is full")


async def test_a_read_only_file(sqlite_url: str) -> None:
    async with await Store.open(sqlite_url) as store:

        @event.listens_for(store._engine.sync_engine, "checkout")
        def forbid(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        with pytest.raises(StoreError) as caught:
            await write(store)

    assert caught.value.code == "STORE_READ_ONLY"


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "nija.db").write_bytes(b"this is no database" * 1000)

    assert await code_of(f"sqlite:///{tmp_path / 'nija.db'}") == "STORE_DAMAGED"


async def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    assert await code_of(f"sqlite:///{tmp_path}") == "STORE_UNREACHABLE"


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert await code_of(f"sqlite:///{tmp_path / 'file' / 'nija.db'}") == "STORE_UNREACHABLE"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "postgresql://nija:hush@db:port/nija",
        "mysql://nija:hush@db/nija",
        "postgresql://nija:hush@db/nija?shards=3",
    ],
)
async def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        await Store.open(url)

    assert caught.value.code == "STORE_URL"
    assert "hush" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("parameters", ["", "?sslmode=require"])
async def test_a_server_that_is_not_there(parameters: str) -> None:
    with pytest.raises(StoreError) as caught:
        await Store.open(f"postgresql://nija:hush@127.0.0.1:1/nija{parameters}")

    assert caught.value.code == "STORE_UNREACHABLE"
    assert "hush" not in f"{caught.value!r} {caught.value}"


async def test_a_database_or_role_that_is_not_there(postgres: str) -> None:
    assert await code_of(postgres.replace("/postgres?", "/nowhere?")) == "STORE_UNREACHABLE"
    assert await code_of(postgres.replace("//postgres:", "//nobody:")) == "STORE_UNREACHABLE"


async def test_a_read_only_server(postgresql_url: str) -> None:
    async with await Store.open(postgresql_url) as store:

        @event.listens_for(store._engine.sync_engine, "begin")
        def forbid(connection: Connection) -> None:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

        with pytest.raises(StoreError) as caught:
            await write(store)

    assert caught.value.code == "STORE_READ_ONLY"


async def test_a_connection_that_the_server_ends_fails_once_and_is_made_again(postgresql_url: str) -> None:
    async with await Store.open(postgresql_url) as store:
        with pytest.raises(StoreError) as caught:
            async with store.writing() as connection:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        await write(store)
    assert caught.value.code == "STORE_UNREACHABLE"
