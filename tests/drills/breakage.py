"""Break the store, or let the clock jump, in the middle of a run: while a call waits for the venue's answer.

Real faults of real stores: another connection holds the lock, the file or the database is not there any more, there is
no room left. Nothing of ours is replaced but the clock, which is an argument.
"""

import asyncio
import sqlite3
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DisconnectionError

from brokers.simulator.fault_kinds import Fault
from brokers.simulator.faults import FaultRule
from brokers.simulator.handle import RunningVenue
from models.clock import SystemClock
from models.store.engine import Store
from tests.drills.matrix import Place, Spot

JUMPS = {"clock_ahead": timedelta(hours=1), "clock_behind": timedelta(hours=-1)}
BRIEFLY_SECONDS = 0.1  # shorter than a writer waits for its turn


class Breakage:
    """One fault beside the venue. It strikes when the venue meets the cell's call, which is answered only after it."""

    clock: "JumpingClock | None" = None

    def __init__(self, name: str) -> None:
        self.name = name
        self._struck: list[Future[None]] = []

    async def wait_for(self, venue: RunningVenue, store: Store) -> None:
        """Strike once the venue meets the call."""
        loop = asyncio.get_running_loop()
        await self.prepare(store)

        def told(rule: FaultRule | None) -> None:
            if rule is not None and rule.fault is Fault.DELAY:
                self._struck.append(asyncio.run_coroutine_threadsafe(self.strike(), loop))

        venue.when_called(told)

    async def over(self) -> None:
        """Make it well again, when it has struck."""
        for struck in self._struck:
            await asyncio.wrap_future(struck)
        await self.mend()

    async def prepare(self, store: Store) -> None:
        """Do what must be done before the run."""

    async def strike(self) -> None:
        """Break it."""

    async def mend(self) -> None:
        """Mend it."""


class JumpingClock(SystemClock):
    """The machine's clock, put forward or back by somebody."""

    shift = timedelta(0)

    def now(self) -> datetime:
        """Return the hour as it is shown."""
        return super().now() + self.shift


class ClockJump(Breakage):
    """The machine's hour jumps."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.clock = JumpingClock()

    async def strike(self) -> None:
        """Put the clock forward or back; it stays so."""
        assert self.clock is not None
        self.clock.shift = JUMPS[self.name]


class SqliteBreakage(Breakage):
    """The file is locked by another process, away with its folder, or has no room left."""

    is_broken = False

    async def prepare(self, store: Store) -> None:
        """Watch the store's connections: to files that are gone nobody can keep one."""
        self._file = Path(store.where)
        self._other: sqlite3.Connection | None = None
        assert store._threads is not None
        for engine in (store._engine.sync_engine, store._threads._engine):
            event.listen(engine, "checkout", self._taken)

    async def strike(self) -> None:
        """Break it."""
        self.is_broken = True
        if self.name.startswith("store_locked"):
            self._other = sqlite3.connect(self._file, isolation_level=None)
            self._other.execute("BEGIN IMMEDIATE")
        if self.name == "store_locked_briefly":
            await asyncio.sleep(BRIEFLY_SECONDS)
            self._let_go()
        if self.name == "store_gone":
            self._file.parent.rename(self._away)

    async def mend(self) -> None:
        """Bring back the file, its lock and its room."""
        self._let_go()
        self.is_broken = False
        if self._away.exists():
            self._away.rename(self._file.parent)

    @property
    def _away(self) -> Path:
        return self._file.parent.with_name(f"{self._file.parent.name}-away")

    def _let_go(self) -> None:
        if self._other is not None:
            self._other.close()
            self._other = None

    def _taken(self, connection: sqlite3.Connection, *_: object) -> None:
        if self.is_broken and self.name == "store_gone":
            raise DisconnectionError("the file is gone")  # the pool opens another, and cannot
        if self.is_broken and self.name == "store_full":
            connection.execute("PRAGMA max_page_count = 1")  # SQLite's own limit; it cannot grow any more


class PostgresBreakage(Breakage):
    """Its tables are locked by another session, it takes no connections, or it answers as one with a full disk."""

    async def prepare(self, store: Store) -> None:
        """Open the other session, which does the harm."""
        url = store._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._database = str(store._engine.url.database)
        self._other = await asyncpg.connect(url)
        self._server = await asyncpg.connect(url.replace(f"/{self._database}", "/postgres"))
        rows = await self._other.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        self._tables = [f'"{row["tablename"]}"' for row in rows]
        async with store.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def strike(self) -> None:
        """Break it."""
        match self.name:
            case "store_gone":
                await self._server.execute(f'ALTER DATABASE "{self._database}" ALLOW_CONNECTIONS false')
                await self._server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self._database
                )
            case "store_full":
                await self._other.execute(_NO_ROOM + "".join(_ON_WRITE.format(table) for table in self._tables))
            case _:
                await self._other.execute(f"BEGIN; LOCK TABLE {', '.join(self._tables)} IN ACCESS EXCLUSIVE MODE")
        if self.name == "store_locked_briefly":
            await asyncio.sleep(BRIEFLY_SECONDS)
            await self._other.execute("ROLLBACK")

    async def mend(self) -> None:
        """Bring it back."""
        match self.name:
            case "store_gone":
                await self._server.execute(f'ALTER DATABASE "{self._database}" ALLOW_CONNECTIONS true')
            case "store_full":
                await self._other.execute("DROP FUNCTION IF EXISTS no_room CASCADE")
            case "store_locked":
                await self._other.execute("ROLLBACK")
        await self._server.close()
        await self._other.close()


# The error that a server with a full disk answers with; there is no filling one up for a drill.
_NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
"""
_ON_WRITE = 'CREATE TRIGGER "full" BEFORE INSERT OR UPDATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION no_room();'


def breakage(spot: Spot) -> Breakage | None:
    """Return what a cell breaks beside the venue; None: nothing."""
    if spot.sort.place is Place.CLOCK:
        return ClockJump(spot.sort.name)
    if spot.sort.place is Place.STORE:
        return SqliteBreakage(spot.sort.name) if spot.store == "sqlite" else PostgresBreakage(spot.sort.name)
    return None
