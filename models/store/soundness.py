"""Whether the database is what this program takes it for: its schema, and its file."""

from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from models.store import tables  # noqa: F401 - the tables are known once they are imported
from models.store.engine import Store
from models.store.migrate import HEAD

_MOST_FAULTS = 5  # a damaged file has thousands


async def schema_faults(store: Store) -> tuple[str, ...]:
    """Return what the schema lacks of what this program reads and writes; empty: nothing. Raises: StoreError."""
    return await store.read(_schema_faults)


async def file_faults(store: Store) -> tuple[str, ...] | None:
    """Return what SQLite finds wrong with its own file; None: the store is no file of SQLite's. Raises: StoreError."""
    return await store.read(_file_faults) if store.is_sqlite else None


def _schema_faults(connection: Connection) -> tuple[str, ...]:
    found = inspect(connection)
    there = set(found.get_table_names())
    faults = [] if (at := _revision(connection)) == HEAD else [f"it is at revision {at}, this program at {HEAD}"]
    for table in SQLModel.metadata.sorted_tables:
        if table.name not in there:
            faults.append(f"table {table.name} is missing")
            continue
        columns = {column["name"] for column in found.get_columns(table.name)}
        faults += [f"column {table.name}.{c.name} is missing" for c in table.columns if c.name not in columns]
    return tuple(faults)


def _revision(connection: Connection) -> str | None:
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _file_faults(connection: Connection) -> tuple[str, ...]:
    damage = [row[0] for row in connection.execute(text(f"PRAGMA integrity_check({_MOST_FAULTS})")) if row[0] != "ok"]
    if damage:
        return tuple(damage)  # what is read from such a file proves nothing
    orphans = list(connection.execute(text("PRAGMA foreign_key_check")))
    return tuple(f"a row of {row[0]} refers to one of {row[2]} that is not there" for row in orphans[:_MOST_FAULTS])
