"""`nija automations`: the automations on the Prefect server that see what no run can see."""

import asyncio

import typer
from rich.table import Table
from rich.text import Text

from cli.console import JsonOption, out, print_json
from cli.prefect_server import require_prefect
from models.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The automations on the Prefect server that see what no run can see.")


_STYLE = {"created": "green", "updated": "yellow", "unchanged": "dim", "removed": "red"}


@app.callback()
def automations() -> None:
    """See to the automations on the Prefect server that see what no run can see."""


@app.command()
def sync(as_json: JsonOption = False) -> int:
    """Create or correct the automations of Nija on the Prefect server, and remove those that it no longer has.

    One that you switched off stays off. What others made is left alone.

    Example: nija automations sync
    """
    require_prefect(load_settings().home)
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - it reads its settings when it is imported

    from flows.automations import SyncReport, sync_automations  # noqa: PLC0415 - likewise

    async def run() -> SyncReport:
        async with get_client() as client:
            return await sync_automations(client)

    report = asyncio.run(run())
    if as_json:
        print_json(report)
        return 0
    table = Table("automation", "", "on", "what it does")
    for one in report.automations:
        table.add_row(
            one.name, Text(one.change, style=_STYLE[one.change]), "yes" if one.enabled else "no", one.description
        )
    out.print(table)
    return 0
