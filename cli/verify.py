"""`nija verify`: prove that the rules hold, look at every account, and say what was found."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, err, out, print_json
from models.reasons import Verdict
from models.verification import CheckResult, VerificationReport

_VERDICT = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red", Verdict.SKIPPED: "dim"}


def verify(fleet: FleetOption = None, account: AccountsOption = None, as_json: JsonOption = False) -> int:
    """Prove with this very program that its rules hold, then look at accounts without changing anything.

    The rules are put to the test at simulated venues of their own; no order leaves this machine. It takes about half a
    minute. The result is kept, and what failed is an alert until a later verification finds it well.

    Exit 0: nothing failed. 3: something did. 1: it could not run.

    Example: nija verify --account alice
    """
    from flows.over_accounts import AccountsRequest  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from flows.verify_weekly import verify_fleet  # noqa: PLC0415

    request = AccountsRequest(fleet=None if fleet is None else str(fleet.absolute()), accounts=account or [])
    with _shown() as told:
        report = asyncio.run(verify_fleet(request, told))
    (print_json if as_json else show_verification)(report)
    return report.exit_code


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
