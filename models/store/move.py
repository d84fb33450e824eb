"""Move a store from its SQLite file into PostgreSQL, once, whole or not at all: a ledger is kept in one place."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, inspect, select, text
from sqlmodel import SQLModel

import models.store.tables  # noqa: F401 - what it declares is what is moved
from models.errors import StoreError
from models.store.engine import Store

_CHUNK = 5000
_OURS_ALONE = {"alembic_version"}  # each store has its own


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: how many rows, and where the file is that they came from."""

    rows: int
    kept: Path


async def move_sqlite(file: Path, url: str) -> Moved | None:
    """Bring the schema at `url` up to date and what is in the SQLite file into it; then put the file aside.

    None: there was nothing to move. Raises: StoreError where a run works on the file, or both stores hold something.
    """
    async with await Store.open(url) as there:
        if not file.exists():  # noqa: ASYNC240 - one look
            return None
        async with await Store.open(f"sqlite:///{file}") as here, here.writing() as source:
            tables = await source.run_sync(_tables)
            if not await source.run_sync(_rows, tables):
                return None
            await source.run_sync(_nobody_works, here)
            async with there.writing() as target:
                if await target.run_sync(_rows, tables):
                    why = f"holds rows, and so does {there.where}: put one of them aside"
                    raise StoreError("STORE_TWICE", str(file), why)
                rows = 0
                for table in tables:
                    found = await source.stream(select(table))  # piece by piece: candles may be millions
                    async for piece in found.mappings().partitions(_CHUNK):
                        await target.execute(insert(table), [dict(row) for row in piece])
                        rows += len(piece)
                    await target.run_sync(_count_on, table)
    return Moved(rows, _put_aside(file))


def _tables(connection: Connection) -> list[Table]:
    """Return our tables in an order that their references allow. Raises: StoreError for one that we do not know."""
    ours = list(SQLModel.metadata.sorted_tables)
    known = {table.name for table in ours} | _OURS_ALONE
    if unknown := sorted(set(inspect(connection).get_table_names()) - known):
        where = connection.engine.url.database or ""
        raise StoreError("STORE_ERROR", where, f"has tables that nobody knows: {', '.join(unknown)}")
    return ours


def _rows(connection: Connection, tables: list[Table]) -> int:
    return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def _nobody_works(connection: Connection, store: Store) -> None:
    """Raise StoreError while a run holds an account in the store."""
    held = connection.execute(
        text("SELECT account FROM leases WHERE expires_at > :now"), {"now": store.seconds(connection)}
    ).scalars()
    if accounts := sorted(held):
        why = f"a run works on it, and holds {', '.join(accounts)}: wait until it is over, 60 s at most"
        raise StoreError("STORE_LOCKED", store.where, why)


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that were moved."""
    column = table.autoincrement_column
    if column is not None:
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), max({column.name}))"  # noqa: S608 - our own names
                f" FROM {table.name} HAVING count(*) > 0"
            )
        )


def _put_aside(file: Path) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = file.with_name(f"{file.name}.moved")
    number = 1
    while kept.exists():
        number += 1
        kept = file.with_name(f"{file.name}.moved-{number}")
    file.rename(kept)
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    return kept
