"""Bring the schema up to date: one process at a time, nothing to do on an up-to-date store."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0009"  # the newest revision in models/migrations/versions; a test holds the two together
_ADVISORY_LOCK = 6_341_001  # any number, as long as every process takes the same


async def migrate(engine: AsyncEngine) -> bool:
    """Upgrade the schema to HEAD; return whether anything had to be done.

    Raises: StoreError when the schema is newer than this program.
    """
    async with engine.connect() as connection:
        current = await connection.run_sync(_revision)
    if current == HEAD:
        return False
    async with engine.connect() as connection:
        connection = await connection.execution_options(writes=True)  # noqa: PLW2901 - the same connection
        async with connection.begin():
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ADVISORY_LOCK})
            return await connection.run_sync(_upgrade)


async def refuse_other_schema(engine: AsyncEngine, where: str) -> None:
    """Let a reader see that it would misread. Raises: StoreError where the schema is not this program's."""
    async with engine.connect() as connection:
        current = await connection.run_sync(_revision)
    if current is None:
        raise StoreError("STORE_OLDER", where, "it has no schema yet: nija db upgrade")
    if current != HEAD:
        is_older = await asyncio.to_thread(_is_known, current)
        code, next_step = ("STORE_OLDER", "nija db upgrade") if is_older else ("STORE_NEWER", "update Nija")
        raise StoreError(code, where, f"its schema is {current}, this program reads {HEAD}: {next_step}")


def _is_known(revision: str) -> bool:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as below

    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return revision in {script.revision for script in scripts}


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _upgrade(connection: Connection) -> bool:
    from alembic import command  # noqa: PLC0415 - a quarter of a second that an up-to-date store need not pay
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    current = _revision(connection)
    if current == HEAD:
        return False  # another process was here first
    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        where = connection.engine.url.render_as_string(hide_password=True)
        raise StoreError("STORE_NEWER", where, f"its schema is {current}, this program knows {HEAD}; update Nija")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def alembic_config() -> "Config":
    """Return Alembic's configuration for the migrations that ship with Nija."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    return config
