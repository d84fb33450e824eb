"""A run's report as markdown: for the Prefect UI, and to keep."""

from models.report import AccountReport, RunReport


def markdown_report(report: RunReport) -> str:
    """Write the report of a run: the totals, then every account with its actions and what went wrong."""
    totals = report.totals
    took = (report.finished_at - report.started_at).total_seconds()
    lines = [
        f"# Normalisation, {report.mode}",
        "",
        f"Run `{report.run_id}`, {report.started_at:%Y-%m-%d %H:%M:%S} UTC, {took:.1f} s.",
        "",
        (
            f"{totals.accounts} accounts, positions {totals.positions_before} → {totals.positions_after}, "
            f"{totals.dust} dust, {totals.orders} orders, {totals.halted} halted."
        ),
    ]
    for account in report.accounts:
        lines += ["", *_account(account)]
    return "\n".join(lines) + "\n"


def _account(account: AccountReport) -> list[str]:
    lines = [
        f"## {account.account}: {account.status}",
        "",
        (
            f"Positions {_n(account.positions_before)} → {_n(account.positions_after)} (cap {account.cap}), "
            f"holdings {_n(account.holdings_before)} → {_n(account.holdings_after)}, "
            f"cash {account.cash_usd or 'unknown'}."
        ),
    ]
    if account.actions:
        lines += [
            "",
            "| action | symbol | quantity | value | reason | outcome | filled |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {a.kind} | {a.symbol} | {a.quantity} | {a.value_usd} | {a.reason} | {a.outcome} | {a.filled} |"
            for a in account.actions
        ]
    if account.errors:
        lines += ["", *(f"- **{e.code}** {e.symbol or ''} {_plain(e.message)}" for e in account.errors)]
    return lines


def _n(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
