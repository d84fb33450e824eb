"""`nija db`: the store's schema."""

import asyncio

import typer

from cli.console import out
from models.settings import load_settings
from models.store.engine import Store
from models.store.migrate import HEAD

app = typer.Typer(no_args_is_help=True, help="Look after the store.")


@app.command()
def upgrade() -> int:
    """Bring the store's schema up to date. Every command does so by itself on first use.

    Example: NIJA_DATABASE_URL=postgresql://nija@localhost/nija nija db upgrade
    """

    async def run() -> str:
        async with await Store.open(load_settings().store_url) as store:
            return store.where

    out.print(f"{asyncio.run(run())} is at revision {HEAD}", markup=False, soft_wrap=True)
    return 0
