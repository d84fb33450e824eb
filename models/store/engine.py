"""Open the store: SQLite or PostgreSQL by URL, migrated on first use, its faults as typed errors.

A transaction rolls back unless its block ends well. On SQLite a writing transaction takes the write lock at its start
(a lock taken half way could only be refused), and one process queues its own writers instead of letting them collide.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from zlib import crc32

from asyncpg import PostgresError
from sqlalchemy import Connection, Engine, Executable, Row, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from models.errors import StoreError
from models.store.migrate import migrate, refuse_other_schema
from models.store.threads import SqliteThreads

T = TypeVar("T")

Also = Callable[[Connection], None]  # what is written in the transaction of something else
AlsoOf = Callable[[Connection, int], None]  # likewise, about a row of this id


def nothing_else(_connection: Connection) -> None:
    """Write nothing besides."""


def nothing_else_of(_connection: Connection, _row: int) -> None:
    """Write nothing besides."""


BUSY_TIMEOUT_SECONDS = 10
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_POSTGRES_PARAMETERS = frozenset({"host", "port", "ssl", "sslmode", "prepared_statement_cache_size"})
_SQLITE_CODES = {
    "SQLITE_BUSY": ("STORE_LOCKED", "another process holds its lock"),
    "SQLITE_LOCKED": ("STORE_LOCKED", "another process holds its lock"),
    "SQLITE_READONLY": ("STORE_READ_ONLY", "it is read-only"),
    "SQLITE_FULL": ("STORE_FULL", "its disk is full"),
    "SQLITE_IOERR": ("STORE_UNREACHABLE", "its disk is full, or cannot be read or written"),
    "SQLITE_CANTOPEN": ("STORE_UNREACHABLE", "the file cannot be opened"),
    "SQLITE_NOTADB": ("STORE_DAMAGED", "the file is not a database"),
    "SQLITE_CORRUPT": ("STORE_DAMAGED", "the file is damaged"),
}
# PostgreSQL's classes of SQLSTATE: 53 resources (53100 disk full), 25006 read only, 55P03 lock, 08/57 connection.
_POSTGRES_CODES = {
    "53100": ("STORE_FULL", "its disk is full"),
    "25006": ("STORE_READ_ONLY", "it is read-only"),
    "55P03": ("STORE_LOCKED", "another session holds its lock"),
    "40P01": ("STORE_LOCKED", "another session holds its lock"),
}


class Store:
    """One database, shared by every part of a process."""

    def __init__(self, engine: AsyncEngine, where: str) -> None:
        self._engine = engine
        self.where = where
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = asyncio.Lock()
        self._threads = SqliteThreads(_sqlite_engine(engine.url), self._writer) if self.is_sqlite else None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to `url` and bring its schema up to date.

        Raises: StoreError when it cannot be reached, read, written or migrated.
        """
        store = cls(*_engine(url))
        try:
            with store.faults():
                await migrate(store._engine)
        except StoreError:
            await store.close()
            raise
        return store

    @classmethod
    async def look_at(cls, url: str) -> Self:
        """Connect to `url` to read what is there: nothing is made, and no schema is changed.

        Raises: StoreError, also where there is no store yet, or one whose schema is not this program's.
        """
        store = cls(*_engine(url, makes=False))
        try:
            with store.faults():
                await refuse_other_schema(store._engine, store.where)
        except StoreError:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Give the connections back."""
        if self._threads is not None:
            self._threads.close()
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection to read from. Raises: StoreError."""
        with self.faults():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction that is committed when the block ends well. Raises: StoreError."""
        with self.faults():
            if not self.is_sqlite:
                async with self._engine.begin() as connection:
                    yield connection
                return
            async with self._writer, self._engine.connect() as connection:
                connection = await connection.execution_options(writes=True)  # noqa: PLW2901 - the same connection
                async with connection.begin():
                    yield connection

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a short piece of reading work and return its result. Raises: StoreError."""
        with self.faults():
            if self._threads is not None:
                return await self._threads.read(work)
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a short piece of writing work, whole or not at all; return its result when it is committed.

        On SQLite those that wait at the same moment share a commit. Raises: StoreError, and what `work` raises.
        """
        with self.faults():
            if self._threads is not None:
                return await self._threads.write(work)
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)

    async def rows(self, query: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return what a query finds, `values` in the place of its parameters. Raises: StoreError."""
        return await self.read(lambda connection: connection.execute(query, values).all())

    async def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
        """Run one writing statement, `values` in the place of its parameters.

        Return how many rows it touched, when that is committed. Raises: StoreError.
        """
        return await self.write(lambda connection: connection.execute(statement, values).rowcount)

    def queue(self, connection: Connection, what: str) -> None:
        """Let one transaction at a time past this line for `what`. SQLite has one writer, and needs no telling."""
        if not self.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": crc32(what.encode())})

    def seconds(self, connection: Connection) -> float:
        """Return the store's own clock, in seconds since 1970: the one clock that all processes share."""
        query = (
            "(julianday('now') - 2440587.5) * 86400.0" if self.is_sqlite else "extract(epoch from clock_timestamp())"
        )
        return float(connection.execute(text(f"SELECT {query}")).scalar_one())

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turn a database fault into a StoreError; a broken constraint is not one and passes."""
        try:
            yield
        except (DBAPIError, PostgresError) as error:  # a connection that is refused comes as the driver's own error
            fault = _fault(error.orig if isinstance(error, DBAPIError) else error)
            if fault is None:
                raise
            raise StoreError(fault[0], self.where, fault[1]) from error
        except (TimeoutError, OSError) as error:
            raise StoreError("STORE_UNREACHABLE", self.where, f"cannot be reached ({type(error).__name__})") from error


def _engine(url: str, *, makes: bool = True) -> tuple[AsyncEngine, str]:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise StoreError("STORE_URL", "NIJA_DATABASE_URL", "is not a database URL") from None
    where = parsed.render_as_string(hide_password=True)
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise StoreError("STORE_URL", where, "unknown database (allowed: sqlite:///PATH, postgresql://…)")
    parsed = parsed.set(drivername=driver)
    if driver.startswith("sqlite"):
        where = parsed.database or ":memory:"
        if not makes and not Path(where).exists():
            raise StoreError("STORE_UNREACHABLE", where, "there is no such file")
        try:
            Path(where).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError("STORE_UNREACHABLE", where, f"its folder cannot be made ({error.strerror})") from None
        engine = create_async_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        engine = create_async_engine(
            _for_asyncpg(parsed, where),
            pool_size=10,
            max_overflow=20,
            pool_pre_ping=True,
            # PostgreSQL would wait for ever: a run that waits for another's lock holds its accounts meanwhile.
            connect_args={"server_settings": {"lock_timeout": f"{BUSY_TIMEOUT_SECONDS * 1000:.0f}"}},
        )
    return engine, where


def _for_asyncpg(url: URL, where: str) -> URL:
    """Give libpq's `sslmode` the name that asyncpg knows it by. Raises: StoreError for a parameter it does not take."""
    for name in url.query.keys() - _POSTGRES_PARAMETERS:
        allowed = ", ".join(sorted(_POSTGRES_PARAMETERS))
        raise StoreError("STORE_URL", where, f"unknown parameter {name!r} (allowed: {allowed})")
    sslmode = url.query.get("sslmode")
    return url if sslmode is None else url.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})


def _sqlite_engine(url: URL) -> Engine:
    """Return the engine of the threads that work on the file."""
    engine = create_engine(url.set(drivername="sqlite"), connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's late one
    cursor = connection.cursor()
    # FULL: an intent that was committed must survive a power cut, or an order could be sent without a trace.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _fault(error: BaseException | None) -> tuple[str, str] | None:
    """Read what a driver's error means for the store; None: the store is fine, the statement was not."""
    if isinstance(error, sqlite3.IntegrityError):
        return None
    name = getattr(error, "sqlite_errorname", None)
    if name is not None:
        return _SQLITE_CODES.get("_".join(name.split("_")[:2]), ("STORE_ERROR", str(error)))
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith("23"):
        return None
    if state[:2] in {"08", "57", "28", "3D"}:
        return "STORE_UNREACHABLE", f"the server refused ({state})"
    return _POSTGRES_CODES.get(state, ("STORE_ERROR", f"{type(error).__name__} {state}".strip()))
