"""Short writes that come at once are committed together, and each one's result or fault is its own."""

import asyncio
import sqlite3
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from models.errors import StoreError
from models.store import engine
from models.store.engine import Store

INSERT = text("INSERT INTO leases (account, holder, token, expires_at) VALUES (:account, 'h', 1, 1.0)")


def adding(account: str) -> Callable[[Connection], str]:
    """Return work that adds a row and answers with its name."""

    def work(connection: Connection) -> str:
        connection.execute(INSERT, {"account": account})
        return account

    return work


async def accounts(store: Store) -> list[str]:
    async with store.reading() as connection:
        return list((await connection.execute(text("SELECT account FROM leases ORDER BY account"))).scalars())


async def test_many_writes_at_once_are_all_committed_and_answered(store: Store, other: Store) -> None:
    names = [f"account-{n:02}" for n in range(40)]

    answers = await asyncio.gather(*(store.write(adding(name)) for name in names))

    assert list(answers) == names
    assert await accounts(other) == names


async def test_a_write_that_is_refused_fails_alone(store: Store, other: Store) -> None:
    await store.write(adding("b"))

    answers = await asyncio.gather(*(store.write(adding(name)) for name in "abc"), return_exceptions=True)

    assert [type(answer) for answer in answers] == [str, IntegrityError, str]
    assert await accounts(other) == ["a", "b", "c"]


async def test_short_and_long_writers_of_one_process_do_not_collide(store: Store) -> None:
    async def long(name: str) -> None:
        async with store.writing() as connection:
            await connection.execute(INSERT, {"account": name})
            await asyncio.sleep(0.01)

    await asyncio.gather(
        *(store.write(adding(f"short-{n}")) for n in range(10)), *(long(f"long-{n}") for n in range(10))
    )

    assert len(await accounts(store)) == 20


async def test_a_lock_of_another_process_fails_the_group_and_not_the_next(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.1)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    async with await Store.open(sqlite_url) as store:
        other.execute("BEGIN EXCLUSIVE")
        refused = await asyncio.gather(*(store.write(adding(name)) for name in "abc"), return_exceptions=True)
        other.execute("ROLLBACK")
        await store.write(adding("d"))

        assert [e.code for e in refused if isinstance(e, StoreError)] == ["STORE_LOCKED"] * 3
        assert await accounts(store) == ["d"]
    other.close()
