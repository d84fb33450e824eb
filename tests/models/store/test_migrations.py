"""The schema: what migrations make is what the tables say, whoever comes first and however many at once."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from models.errors import StoreError
from models.store.engine import Store
from models.store.migrate import HEAD, alembic_config, migrate

OPEN = """
import asyncio, sys
from models.store.engine import Store
asyncio.run(Store.open(sys.argv[1]))
"""


async def revision(store: Store) -> str:
    async with store.reading() as connection:
        return str((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one())


def test_the_head_that_is_written_down_is_the_newest_script() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


async def test_a_new_store_is_migrated_when_it_is_opened(empty_url: str) -> None:
    async with await Store.open(empty_url) as store:
        assert await revision(store) == HEAD
        assert not await migrate(store._engine)


async def test_the_migrated_schema_is_what_the_tables_say(store: Store) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata))

    async with store.reading() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.wire
async def test_two_processes_may_open_a_new_store_at_once(empty_url: str) -> None:
    command = [sys.executable, "-c", OPEN, empty_url]
    processes = [await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE) for _ in range(2)]
    said = [(await process.communicate())[1].decode() for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    async with await Store.open(empty_url) as store:
        assert await revision(store) == HEAD


async def test_many_may_open_a_new_store_at_once(empty_url: str) -> None:
    stores = await asyncio.gather(*(Store.open(empty_url) for _ in range(5)))

    assert [await revision(store) for store in stores] == [HEAD] * 5
    for store in stores:
        await store.close()


async def test_a_newer_schema_is_refused_and_left_alone(store_url: str) -> None:
    async with await Store.open(store_url) as store, store.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError) as caught:
        await Store.open(store_url)

    assert caught.value.code == "STORE_NEWER"
    assert "9999" in str(caught.value)
    assert HEAD in str(caught.value)
