"""`nija reconcile`: compare accounts' books with their venues, and accept what was found."""

import asyncio

import typer
from rich.table import Table
from rich.text import Text

from cli.by_hand import operator
from cli.console import (
    AccountsOption,
    FleetOption,
    JsonOption,
    OneAccountOption,
    ReasonOption,
    complain,
    given,
    out,
    print_json,
)
from cli.fleet_file import load_and_tell, told
from models.clock import SystemClock
from models.errors import ConfigError
from models.fleet import load_fleet
from models.reconcile_report import ReconciledAccount, ReconciliationReport
from models.settings import load_settings, policy_defaults
from models.store.engine import Store
from models.store.reconciliations import accept_mismatches

app = typer.Typer(invoke_without_command=True, help="Compare accounts' books with their venues; accept a difference.")

_STATUS = {"ok": "green", "mismatch": "bold red", "failed": "bold yellow"}


@app.callback()
def reconcile(
    context: typer.Context,
    fleet: FleetOption = None,
    account: AccountsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare what accounts are worth, hold and have resting with what our books say. Sends no order.

    Where the venue contradicts the books, entries stop until a later comparison finds nothing or a person accepts it.

    Exit 0: nothing contradicts the books. 2: something does. 3: an account could not be read. 1: it could not run.

    Example: nija reconcile --account alice
    """
    if context.invoked_subcommand is not None:
        return 0
    from flows.over_accounts import AccountsRequest  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from flows.reconcile import reconcile_fleet  # noqa: PLC0415

    load_and_tell(fleet)
    request = AccountsRequest(fleet=None if fleet is None else str(fleet.absolute()), accounts=account or [])
    report = asyncio.run(reconcile_fleet(request))
    (print_json if as_json else show_reconciliation)(report)
    return report.exit_code


@app.command()
def accept(account: OneAccountOption, reason: ReasonOption, fleet: FleetOption = None) -> int:
    """Let what contradicts an account's books stand: entries go on. It is kept with your name.

    Quantities are then what the venue says. Any other difference stays accepted as long as it is what it is now.

    Example: nija reconcile accept --account alice --reason "staked by hand, the venue counts it twice"
    """
    settings, why = load_settings(), given(reason)
    told(load_fleet(fleet or settings.fleet, policy_defaults())).choose([account])

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            return await accept_mismatches(store, account, by=operator(), reason=why, now=SystemClock().now())

    accepted = asyncio.run(run())
    if not accepted:
        raise ConfigError("--account", f"nothing stands against the books of {account!r}", "what nija reconcile shows")
    out.print(f"{account}: {accepted} accepted", markup=False)
    return 0


def show_reconciliation(report: ReconciliationReport) -> None:
    """Print one row an account, then every difference."""
    table = Table(title="Reconciliation", title_justify="left")
    table.add_column("account", style="bold")
    for column in ("status", "equity"):
        table.add_column(column)
    for column in ("computed", "reported", "positions", "resting", "undecided"):
        table.add_column(column, justify="right")
    table.add_column("new")
    table.add_column("gone")
    for account in report.accounts:
        table.add_row(
            account.account,
            Text(account.status, style=_STATUS[account.status]),
            account.equity,
            account.equity_computed or "unknown",
            account.equity_reported or "",
            "unknown" if account.positions is None else str(account.positions),
            str(account.orders_resting),
            str(account.orders_undecided),
            ", ".join(account.new),
            ", ".join(account.gone),
        )
    out.print(table)
    for account in report.accounts:
        if account.differences:
            out.print(_differences(account))
        for error in account.errors:
            complain(error.code, f"{account.account}: {error.message}")


def _differences(account: ReconciledAccount) -> Table:
    table = Table(title=account.account, title_justify="left")
    table.add_column("finding")
    table.add_column("symbol", style="bold")
    for column in ("by the books", "at the venue", "worth"):
        table.add_column(column, justify="right")
    table.add_column("entries")
    table.add_column("why", overflow="fold")
    for row in account.differences:
        table.add_row(
            Text(row.finding, style="bold red" if row.mismatch else ""),
            row.symbol,
            row.expected or "",
            row.found or "",
            row.value_usd or "",
            "stopped" if row.mismatch else "accepted" if row.accepted else "",
            f"{row.order} {row.detail}".strip(),
        )
    return table
