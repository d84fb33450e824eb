"""`nija doctor`: examine accounts, and say of everything that is not well what to do about it."""

import asyncio

from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, out, print_json
from cli.fleet_file import told
from models.reasons import Verdict
from models.report import CheckReport, DoctorReport, ExaminedAccount
from models.settings import load_settings

_VERDICT = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red", Verdict.SKIPPED: "dim"}


def doctor(fleet: FleetOption = None, account: AccountsOption = None, as_json: JsonOption = False) -> int:
    """Examine accounts without touching anything: keys and their rights, clocks, markets, balances, what is left open.

    Nothing is sent, marked or tracked. Every line that is not ok says what to do next.

    Exit 0: nothing worse than a warning. 3: a check failed. 1: it could not run.

    Example: nija doctor --account alice
    """
    from flows.doctor import examine_fleet  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    chosen = loaded.choose(account or [])

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            report = await examine_fleet(runtime, chosen)
        (print_json if as_json else show_examination)(report)
        return report.exit_code

    return asyncio.run(run())


def show_examination(report: DoctorReport) -> None:
    """Print an examination: a table an account, then how many came out how."""
    for examined in report.accounts:
        out.print(_table(examined))
    counts = [
        f"{sum(a.verdict is verdict for a in report.accounts)} {verdict}"
        for verdict in (Verdict.OK, Verdict.WARN, Verdict.FAIL)
    ]
    took = (report.finished_at - report.started_at).total_seconds()
    out.print(f"{len(report.accounts)} accounts: {', '.join(counts)}; {took:.1f} s, nothing was touched", style="dim")


def _table(examined: ExaminedAccount) -> Table:
    title = Text.assemble((examined.account, "bold"), f" at {examined.venue}: ", _verdict(examined.verdict))
    table = Table(title=title, title_justify="left", title_style="")
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for line in examined.checks:
        table.add_row(line.check.replace("_", " "), _verdict(line.verdict), _found(line), Text(line.next_step))
    return table


def _verdict(verdict: Verdict) -> Text:
    return Text(verdict, style=_VERDICT[verdict])


def _found(line: CheckReport) -> Text:
    return Text.assemble((f"{line.code} " if line.code else "", "bold"), line.found)
