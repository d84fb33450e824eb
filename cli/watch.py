"""`nija watch` and `nija start-up`: what a person must know of the fleet, now and before anything trades."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, note, out, print_json
from cli.fleet_file import load_and_tell, told
from cli.prefect_server import prepare_prefect
from cli.status import show_status
from models.alert import FLEET, Severity
from models.settings import load_settings
from models.watch_report import MatterReport, StartUpReport, WatchReport, folded

STYLE = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def watch(fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """Look at the fleet once: raise an alert for what a person must know, close what is over. Asks no venue.

    It starts nothing again: that is for the deployment, and for what the fleet file names under `watch.restart`.

    Exit 0: nothing stands. 3: something does. 1: it could not run.

    Example: nija watch --json
    """
    from flows.watch import WatchRequest, watch_fleet  # noqa: PLC0415 - Prefect takes seconds that --help need not pay

    load_and_tell(fleet)
    request = WatchRequest(fleet=None if fleet is None else str(fleet.absolute()))
    report = asyncio.run(watch_fleet(request))
    (print_json if as_json else show_watch)(report)
    return report.exit_code


def start_up(
    fleet: FleetOption = None,
    account: AccountsOption = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's own log on stderr.")] = False,
) -> int:
    """Recover, adopt, reconcile and plan: what to know before anything trades. Sends no order.

    Exit 0: there is nothing to know. 3: there is. 1: it could not run.

    Example: nija start-up
    """
    settings = load_settings()
    from tasks.runtime import read_fleet  # noqa: PLC0415 - see below

    path = fleet or settings.fleet
    told(read_fleet(settings, path)).choose(account or [])  # before a server is started for a run that could not begin
    prepare_prefect(settings.home, verbose=verbose)
    from flows.over_accounts import AccountsRequest  # noqa: PLC0415 - Prefect reads its settings when it is imported
    from flows.start_up import start_up as flow  # noqa: PLC0415

    request = AccountsRequest(fleet=str(path.absolute()), accounts=account or [])
    report = asyncio.run(flow(request))
    if not isinstance(report, StartUpReport):  # a start by hand is never late, and nobody else runs it
        raise TypeError(f"the flow returned {report!r}")
    (print_json if as_json else show_start_up)(report)
    return report.exit_code


def show_watch(report: WatchReport) -> None:
    """Print what stands, what is new of it, and what is over."""
    show_matters(report.matters, "nothing stands")
    if report.new:
        out.print(f"new: {len(report.new)}")
    for matter in report.over:
        note(f"over: {matter.code} {_whose(matter)}")


def show_start_up(report: StartUpReport) -> None:
    """Print what must be known, alike matters of an account in one row, then every account at a glance."""
    show_matters(folded(report.matters), "there is nothing to know")
    totals = report.adoption.totals
    recovered = sum(len(account.orders) for account in report.recovery.accounts)
    note(
        f"recovered {recovered} orders, closed {report.ended} dead runs; {totals.positions} positions, "
        f"{totals.entry_known} with a known entry"
    )
    show_status(report.status)


def show_matters(matters: Sequence[MatterReport], otherwise: str) -> None:
    """Print one row a matter."""
    if not matters:
        out.print(otherwise)
        return
    table = Table("severity", "code", "whose", title="What to know", title_justify="left")
    table.add_column("what", overflow="fold")
    for matter in matters:
        severity = Text(matter.severity, style=STYLE[matter.severity])
        table.add_row(severity, matter.code, Text(_whose(matter)), Text(matter.message))
    out.print(table)


def _whose(matter: MatterReport) -> str:
    account = "the fleet" if matter.account == FLEET and not matter.symbol else matter.account
    return f"{'' if account == FLEET else account} {matter.symbol}".strip()
