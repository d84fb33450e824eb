"""A run's report as markdown: for the Prefect UI, and to keep."""

from models.report import AccountReport, ActionReport, RunReport, Totals


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
    if fills := fills_line(totals):
        lines += ["", f"{fills}."]
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
            f"| {a.kind} | {a.symbol} | {a.quantity} | {a.value_usd} | {a.reason} | {_outcome(a)} | {a.filled} |"
            for a in account.actions
        ]
    if account.errors:
        lines += ["", *(f"- **{e.code}** {e.symbol or ''} {_plain(e.message)}" for e in account.errors)]
    return lines


def fills_line(totals: Totals) -> str:
    """Say how a run's orders were filled, where any was filled badly or too late; empty where all went well."""
    bad = {
        "filled in part": totals.partial_fills,
        "not filled": totals.failed_fills,
        "filled at a bad price": totals.slippage_high,
        "out of time": totals.timeouts,
    }
    found = [f"{count} {words}" for words, count in bad.items() if count]
    return ", ".join([f"{totals.verified} fills verified", *found]) if found else ""


def not_verified(action: ActionReport) -> list[str]:
    """Return what is wrong with an action's fills, as words of the report."""
    return [finding for finding in action.verification if finding != "VERIFIED"]


def _outcome(action: ActionReport) -> str:
    return ", ".join([action.outcome, *not_verified(action)])


def _n(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
