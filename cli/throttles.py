"""`nija throttles`: how much of what the venues allow is used up now, and which of them want to be left alone."""

import asyncio

import typer
from rich.table import Table

from cli.console import JsonOption, out, print_json
from models.settings import load_settings
from models.store.engine import Store
from models.throttle import ThrottlesReport

app = typer.Typer(no_args_is_help=True, help="See what the venues allow, how much of it is used, and what is closed.")


@app.callback()
def throttles() -> None:
    """See what the venues allow, how much of it is used, and what is closed."""


@app.command("list")
def list_throttles(as_json: JsonOption = False) -> int:
    """List every allowance of a venue that is in use, or closed because the venue refused calls for their rate.

    Example: nija throttles list
    """
    from flows.throttle_view import throttles_report  # noqa: PLC0415 - a second that --help need not pay

    settings = load_settings()

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            report = await throttles_report(store, settings.limits_factor)
        if as_json:
            print_json(report)
        else:
            out.print(_table(report) if report.throttles else "nothing of what the venues allow is used up")
        return 0

    return asyncio.run(run())


def _table(report: ThrottlesReport) -> Table:
    table = Table("venue", "limit", "key", "used", "closed until (UTC)", "why")
    for row in report.throttles:
        table.add_row(
            f"{row.venue} {row.address}".strip(),
            f"{row.limit} {row.of}".strip(),
            row.key,
            f"{row.used:g} of {row.capacity:g}",
            "" if row.closed_until is None else f"{row.closed_until:%Y-%m-%d %H:%M:%S}",
            row.closed_for,
        )
    return table
