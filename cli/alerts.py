"""`nija alerts`: what a person must know or wishes to know, that somebody knows it, and how people are told."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli import alert_channels, alert_create, alert_deliveries, alert_sink, user_alerts
from cli.alert_words import STYLE
from cli.by_hand import operator
from cli.console import JsonOption, ReasonOption, given, out, print_json
from models.alert import FLEET
from models.alert_report import user_alert_report
from models.clock import SystemClock
from models.errors import ConfigError
from models.settings import load_settings
from models.store.alerts import acknowledge, alerts
from models.store.engine import Store
from models.store.user_alerts import user_alerts as kept_alerts
from models.watch_report import AlertList, AlertReport, alert_report

app = typer.Typer(no_args_is_help=True, help="See what must be known of the fleet, make alerts, say who is told how.")
app.add_typer(alert_create.create, name="create")
app.add_typer(alert_channels.app, name="channels")
for command in (user_alerts.enable, user_alerts.disable, user_alerts.delete, user_alerts.signal, user_alerts.check):
    app.command()(command)
app.command("test")(user_alerts.try_alert)
app.command("deliveries")(alert_deliveries.list_deliveries)
app.command()(alert_sink.sink)


@app.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="What is over, too.")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="Only the alerts that people made.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 200,
    as_json: JsonOption = False,
) -> int:
    """List the alerts that stand, newest first: since when, how often seen, and who has taken note.

    Then those that people made: what each waits for, whether it holds, how often it fired, why it could not be judged.

    Example: nija alerts list --all
    """

    async def run() -> AlertList:
        async with await Store.open(load_settings().store_url) as store:
            found = () if mine else await alerts(store, standing=not everything, limit=limit)
            made = [user_alert_report(one) for one in await kept_alerts(store)]
            return AlertList(alerts=[alert_report(one) for one in found], mine=made)

    report = asyncio.run(run())
    if as_json:
        print_json(report)
        return 0
    if not mine:
        _show(report)
    if report.mine:
        user_alerts.show_mine(report.mine)
    elif mine:
        out.print("nobody has made an alert: nija alerts create")
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
        Text(one.severity, style=STYLE[one.severity]),
        one.code,
        Text(f"{'' if one.account == FLEET else one.account} {one.symbol}".strip() or "the fleet"),
        f"{one.raised_at:%Y-%m-%d %H:%M}",
        str(one.times),
        Text(known if one.closed_at is None else f"{known} over {one.closed_at:%H:%M}".strip()),
        Text(one.message),
    )
