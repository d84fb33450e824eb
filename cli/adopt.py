"""`nija adopt`: track what accounts hold, with what it cost."""

import asyncio

from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, complain, out, print_json
from cli.fleet_file import load_and_tell
from models.adoption_report import AdoptedAccount, AdoptedPosition, AdoptionReport

_STATUS = {"adopted": "green", "entry_unknown": "bold yellow", "left_aside": "dim"}


def adopt(fleet: FleetOption = None, account: AccountsOption = None, as_json: JsonOption = False) -> int:
    """Track what accounts hold, and find out from the venue's own fills what it cost. Sends no order.

    What the fills do not tell stays unknown: it is held, its age counts, and an alert says so. Adopting twice changes
    nothing.

    Exit 0: every entry is known that must be. 2: some are not. 3: an account could not be read. 1: it could not run.

    Example: nija adopt --account alice
    """
    from flows.adopt_positions import adopt_fleet  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from flows.over_accounts import AccountsRequest  # noqa: PLC0415

    load_and_tell(fleet)
    request = AccountsRequest(fleet=None if fleet is None else str(fleet.absolute()), accounts=account or [])
    report = asyncio.run(adopt_fleet(request))
    (print_json if as_json else show_adoption)(report)
    return report.exit_code


def show_adoption(report: AdoptionReport) -> None:
    """Print one table an account, and what went wrong."""
    for account in report.accounts:
        out.print(_table(account))
        if account.gone:
            out.print(f"not held any more: {', '.join(account.gone)}", markup=False)
        for error in account.errors:
            complain(error.code, f"{account.account}: {error.message}")
    totals = report.totals
    line = f"{totals.positions} positions: {totals.entry_known} with a known entry, {totals.entry_unknown} without"
    out.print(f"{line}, {totals.left_aside} left aside", markup=False)


def _table(account: AdoptedAccount) -> Table:
    table = Table(title=account.account, title_justify="left")
    table.add_column("symbol", style="bold")
    for column in ("quantity", "worth", "entry price"):
        table.add_column(column, justify="right")
    for column in ("known by", "held since", "bought by", "status", "code"):
        table.add_column(column)
    table.add_column("why", overflow="fold")
    for position in account.positions:
        table.add_row(*_cells(position))
    return table


def _cells(position: AdoptedPosition) -> tuple[str | Text, ...]:
    since = position.entry_time or position.first_seen_at
    return (
        position.symbol,
        position.quantity,
        position.size_usd or "unknown",
        position.entry_price or "unknown",
        position.entry_source,
        f"{since:%Y-%m-%d %H:%M}" + ("" if position.entry_time else " (seen)"),
        position.source or "",
        Text(position.adoption_status, style=_STATUS[position.adoption_status]),
        position.code,
        position.detail,
    )
