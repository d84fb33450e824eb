"""What the tests of the store share: an open store of each kind, and an empty one that was never migrated."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from models.store.engine import Store


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with await Store.open(store_url) as store:
        yield store


@pytest.fixture
async def other(store_url: str) -> AsyncIterator[Store]:
    """Open the same store once more, as another process would."""
    async with await Store.open(store_url) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store that nobody has opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'nija.db'}"
    server: str = request.getfixturevalue("postgres")
    name = f"empty_{uuid.uuid4().hex[:12]}"

    async def create() -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    asyncio.run(create())
    return server.replace("/postgres?", f"/{name}?")
