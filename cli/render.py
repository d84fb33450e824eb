"""Tables for a person: the fleet, each account's actions, and what must be known."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.console import out
from cli.rebalance_tables import show_rebalance
from flows.markdown import fills_line, not_verified
from models.reasons import AccountStatus, Outcome
from models.report import AccountReport, ActionReport, EntryReport, RecoveryReport, RunReport

_STATUS = {
    AccountStatus.COMPLIANT: "green",
    AccountStatus.PENDING: "yellow",
    AccountStatus.HALTED: "bold red",
    AccountStatus.BLOCKED: "red",
    AccountStatus.FAILED: "bold red",
}
_OUTCOME = {
    Outcome.FILLED: "green",
    Outcome.PLANNED: "cyan",
    Outcome.PARTIAL: "yellow",
    Outcome.SKIPPED: "dim",
    Outcome.REJECTED: "red",
    Outcome.UNKNOWN: "bold red",
}


def show_run(report: RunReport, to: Console = out) -> None:
    """Print a run: what was done in each account, then the fleet."""
    for account in report.accounts:
        if account.rebalance is not None:
            show_rebalance(account.account, account.rebalance, to)
        if account.actions:
            to.print(_actions(account))
    to.print(_fleet(report))
    for account in report.accounts:
        for error in account.errors:
            line = Text.assemble(
                (f"{account.account} ", "bold"), (f"{error.code} ", "yellow"), f"{error.symbol or ''} {error.message}"
            )
            to.print(line, soft_wrap=True)
    totals, took = report.totals, (report.finished_at - report.started_at).total_seconds()
    to.print(
        f"{totals.accounts} accounts, positions {totals.positions_before} → {totals.positions_after}, "
        f"{totals.orders} orders, {totals.halted} halted; {took:.1f} s, run {report.run_id}",
        style="dim",
    )
    if fills := fills_line(totals):
        to.print(fills, style="yellow")
    if any(account.status is AccountStatus.PENDING for account in report.accounts):
        to.print("a dry run: nothing was sent. Apply it with --live", style="cyan")


def show_entry(report: EntryReport) -> None:
    """Print the answer to an entry check."""
    what = f"{report.account}: {report.symbol} for {report.usd}"
    if report.allowed:
        out.print(Text.assemble((f"{what}: ", ""), ("allowed", "green")))
    else:
        why = f" by {', '.join(report.reasons)}"
        out.print(Text.assemble((f"{what}: ", ""), ("blocked", "red"), why), soft_wrap=True)
    if report.overridden:
        out.print(Text.assemble(("  set aside by a person: ", "yellow"), ", ".join(report.overridden)), soft_wrap=True)
    if report.size is not None:
        out.print(f"  by volatility: {report.size.size_usd}, {report.size.detail}", markup=False, soft_wrap=True)
    for error in report.errors:
        out.print(f"  {error.code} {error.message}", markup=False, soft_wrap=True)


def show_recovery(report: RecoveryReport) -> None:
    """Print what recovery found."""
    table = Table(title="Recovery", title_justify="left")
    for column in ("account", "symbol", "quantity", "state", "filled", "what is known"):
        table.add_column(column, overflow="fold")
    for account in report.accounts:
        for order in account.orders:
            table.add_row(account.account, order.symbol, order.quantity, order.state, order.filled, order.detail)
    if table.row_count:
        out.print(table)
    for account in report.accounts:
        for error in account.errors:
            out.print(f"{account.account} {error.code} {error.message}", markup=False, soft_wrap=True)
    undecided = sum(account.undecided for account in report.accounts)
    settled = sum(len(account.orders) for account in report.accounts) - undecided
    out.print(f"{len(report.accounts)} accounts: {settled} orders settled, {undecided} still undecided")


def _fleet(report: RunReport) -> Table:
    table = Table(title=f"Fleet, {report.mode}", title_justify="left")
    table.add_column("account", style="bold")
    table.add_column("status")
    for column in ("holdings", "positions", "cap", "dust", "cycles", "cash", "equity"):
        table.add_column(column, justify="right")
    table.add_column("unvalued", overflow="fold")
    for a in report.accounts:
        table.add_row(
            a.account,
            Text(a.status, style=_STATUS[a.status]),
            _change(a.holdings_before, a.holdings_after),
            _change(a.positions_before, a.positions_after),
            str(a.cap),
            str(len(a.dust)),
            str(a.cycles),
            a.cash_usd or "unknown",
            a.equity_after_usd or "unknown",
            ", ".join(a.unvalued),
        )
    return table


def _actions(account: AccountReport) -> Table:
    table = Table(title=f"{account.account} (cap {account.cap})", title_justify="left")
    table.add_column("action")
    table.add_column("symbol", style="bold")
    table.add_column("quantity", justify="right")
    table.add_column("value", justify="right")
    table.add_column("outcome")
    table.add_column("filled", justify="right")
    table.add_column("at", justify="right")
    table.add_column("why", overflow="fold")
    for action in account.actions:
        table.add_row(
            action.kind,
            action.symbol,
            action.quantity,
            action.value_usd,
            _outcome(action),
            "" if action.filled == "0" else action.filled,
            action.average_price or "",
            _why(action),
        )
    return table


def _outcome(action: ActionReport) -> Text:
    """Show the outcome, and beneath it what is wrong with the fills."""
    text = Text(action.outcome, style=_OUTCOME[action.outcome])
    for finding in not_verified(action):
        text.append(f"\n{finding}", style="yellow")
    return text


def _why(action: ActionReport) -> str:
    return f"{action.reason}: {action.detail}" if action.detail else action.reason


def _change(before: int | None, after: int | None) -> str:
    if before is None:
        return "unknown"
    return str(before) if before == after else f"{before} → {after}"
