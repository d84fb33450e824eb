"""`nija alerts`: what a person must know of the fleet, and that somebody knows."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.by_hand import operator
from cli.console import JsonOption, ReasonOption, given, out, print_json
from models.alert import FLEET, Severity
from models.clock import SystemClock
from models.errors import ConfigError
from models.settings import load_settings
from models.store.alerts import acknowledge, alerts
from models.store.engine import Store
from models.watch_report import AlertList, AlertReport, alert_report

app = typer.Typer(no_args_is_help=True, help="See what must be known of the fleet, and say that you know.")

_STYLE = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


@app.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="What is over, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 200,
    as_json: JsonOption = False,
) -> int:
    """List the alerts that stand, newest first: since when, how often seen, and who has taken note.

    Example: nija alerts list --all
    """

    async def run() -> AlertList:
        async with await Store.open(load_settings().store_url) as store:
            found = await alerts(store, standing=not everything, limit=limit)
            return AlertList(alerts=[alert_report(one) for one in found])

    (print_json if as_json else _show)(asyncio.run(run()))
    return 0


@app.command()
def ack(
    alert: Annotated[int, typer.Argument(metavar="ID", help="As `nija alerts list` has it.")], reason: ReasonOption
) -> int:
    """Say that you know of an alert. It stands until what it says is over.

    Example: nija alerts ack 12 --reason "the venue announced maintenance until 14:00"
    """
    why, now = given(reason), SystemClock().now()

    async def run() -> bool:
        async with await Store.open(load_settings().store_url) as store:
            return await acknowledge(store, alert, by=operator(), reason=why, now=now)

    if not asyncio.run(run()):
        raise ConfigError("ID", f"no alert {alert} stands unacknowledged", "what nija alerts list shows")
    out.print(f"alert {alert}: acknowledged", markup=False)
    return 0


def _show(report: AlertList) -> None:
    if not report.alerts:
        out.print("no alert stands")
        return
    table = Table("id", "severity", "code", "whose", "since (UTC)", "times", "known to")
    table.add_column("what", overflow="fold")
    for one in report.alerts:
        table.add_row(*_cells(one))
    out.print(table)


def _cells(one: AlertReport) -> tuple[str | Text, ...]:
    known = one.acknowledged_by or ""
    return (
        str(one.alert_id),
        Text(one.severity, style=_STYLE[one.severity]),
        one.code,
        Text(f"{'' if one.account == FLEET else one.account} {one.symbol}".strip() or "the fleet"),
        f"{one.raised_at:%Y-%m-%d %H:%M}",
        str(one.times),
        Text(known if one.closed_at is None else f"{known} over {one.closed_at:%H:%M}".strip()),
        Text(one.message),
    )
