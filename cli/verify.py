"""`nija verify`: prove that the rules hold, look at every account, and say what was found."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, err, out, print_json
from cli.fleet_file import load_and_tell
from models.reasons import Verdict
from models.settings import load_settings
from models.store.engine import Store
from models.store.verifications import verifications
from models.verification import CheckResult, VerificationHistory, VerificationReport, verification_history

app = typer.Typer(invoke_without_command=True, help="Prove that the rules hold and look at accounts; see earlier ones.")

_VERDICT = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red", Verdict.SKIPPED: "dim"}


@app.callback()
def verify(
    context: typer.Context,
    fleet: FleetOption = None,
    account: AccountsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Prove with this very program that its rules hold, then look at accounts without changing anything.

    The rules are put to the test at simulated venues of their own; no order leaves this machine. It takes about half a
    minute. The result is kept, and what failed is an alert until a later verification finds it well.

    Exit 0: nothing failed. 3: something did. 1: it could not run.

    Example: nija verify --account alice
    """
    if context.invoked_subcommand is not None:
        return 0
    from flows.over_accounts import AccountsRequest  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from flows.verify_weekly import verify_fleet  # noqa: PLC0415

    load_and_tell(fleet)
    request = AccountsRequest(fleet=None if fleet is None else str(fleet.absolute()), accounts=account or [])
    with _shown() as told:
        report = asyncio.run(verify_fleet(request, told))
    (print_json if as_json else show_verification)(report)
    return report.exit_code


@app.command("history")
def list_verifications(
    number: Annotated[int, typer.Argument(min=1, max=1000, metavar="[N]", help="At most so many.")] = 12,
    as_json: JsonOption = False,
) -> int:
    """List the verifications that are kept, newest first: how much of each passed, and what failed. Asks no venue.

    Example: nija verify history 4
    """

    async def run() -> tuple[VerificationReport, ...]:
        async with await Store.open(load_settings().store_url) as store:
            return await verifications(store, limit=number)

    history = verification_history(asyncio.run(run()))
    (print_json if as_json else show_history)(history)
    return 0


def show_history(history: VerificationHistory) -> None:
    """Print one row a verification."""
    if not history.verifications:
        out.print("nothing was verified yet: nija verify")
        return
    table = Table("at (UTC)", title="Verifications", title_justify="left")
    for column in ("passed", "failed", "skipped", "pass rate"):
        table.add_column(column, justify="right")
    table.add_column("what failed", overflow="fold")
    for one in history.verifications:
        rate = Text("none", style="bold red") if one.pass_rate is None else Text(f"{one.pass_rate:.1%}")
        counts = (str(one.passed), Text(str(one.failed), style="bold red" if one.failed else ""), str(one.skipped))
        failed = "\n".join(
            f"{check.title}: {' '.join(filter(None, (check.code, check.found)))}" for check in one.failed_checks
        )
        table.add_row(f"{one.started_at:%Y-%m-%d %H:%M}", *counts, rate, Text(failed))
    out.print(table)


def show_verification(report: VerificationReport) -> None:
    """Print every check, and the result in one line."""
    table = Table(title="Verification", title_justify="left")
    table.add_column("part", style="dim")
    table.add_column("check", style="bold", no_wrap=True)
    table.add_column("about")
    table.add_column("")
    table.add_column("what was found", overflow="fold")
    table.add_column("seconds", justify="right")
    for check in report.checks:
        about = ", ".join(filter(None, (check.account, check.venue)))
        verdict = Text(check.verdict, style=_VERDICT[check.verdict])
        table.add_row(check.part, check.name.replace("_", " "), about, verdict, _found(check), f"{check.seconds:.2f}")
    out.print(table)
    out.print(report.sentence, style="bold red" if report.exit_code else "green")


def _found(check: CheckResult) -> Text:
    return Text.assemble((f"{check.code} " if check.code else "", "bold"), check.found)


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far it is, to stderr on a terminal."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("verifying", total=None)
        yield lambda title, made, total: progress.update(bar, description=title, completed=made, total=total)
