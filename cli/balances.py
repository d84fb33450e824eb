"""`nija balances`: what could be read last of every account's cash, how old it is, and what has failed since."""

import asyncio
from datetime import timedelta

from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, out, print_json
from cli.fleet_file import told
from models.clock import SystemClock
from models.fleet import load_fleet
from models.reasons import Freshness
from models.report import BalanceReport, BalancesReport
from models.settings import load_settings, policy_defaults
from models.store.engine import Store
from rules.balance import span_words

_STATE = {Freshness.FRESH: "green", Freshness.STALE: "yellow", Freshness.UNKNOWN: "bold red"}


def balances(fleet: FleetOption = None, account: AccountsOption = None, as_json: JsonOption = False) -> int:
    """Show the last balance of each account: fresh, stale with its age and failed reads, or unknown.

    It reads the store and asks no venue.

    Example: nija balances --account alice
    """
    from flows.balance_report import balances_report  # noqa: PLC0415 - the rules take a while that --help need not pay

    settings = load_settings()
    loaded = told(load_fleet(fleet or settings.fleet, policy_defaults()))
    chosen = loaded.choose(account or [])

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            report = await balances_report(store, loaded, chosen, SystemClock().now())
        (print_json if as_json else show_balances)(report)
        return 0

    return asyncio.run(run())


def show_balances(report: BalancesReport) -> None:
    """Print one row an account."""
    table = Table(title=f"Balances at {report.told_at:%Y-%m-%d %H:%M:%S} UTC", title_justify="left")
    table.add_column("account", style="bold")
    for column in ("cash free", "cash total", "equity"):
        table.add_column(column, justify="right")
    table.add_column("in")
    table.add_column("age", justify="right")
    table.add_column("failed reads", justify="right")
    table.add_column("state")
    table.add_column("last fault")
    for row in report.balances:
        table.add_row(row.account, *_figures(row), *_trust(row))
    out.print(table)


def _figures(row: BalanceReport) -> tuple[str, ...]:
    return (*(figure or "unknown" for figure in (row.cash_free, row.cash_total, row.equity)), row.quote)


def _trust(row: BalanceReport) -> tuple[str | Text, ...]:
    age = "never read" if row.age_seconds is None else span_words(timedelta(seconds=row.age_seconds))
    return age, str(row.errors), Text(row.state, style=_STATE[row.state]), row.last_error_code or ""
