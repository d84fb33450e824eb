"""A run's report as markdown: for the Prefect UI, and to keep; and a plan as the question that a person is asked."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from models.rebalance_report import RebalanceReport
from models.report import AccountReport, ActionReport, RunReport, Totals

NORMALIZE = "normalize"
_TITLES = {
    NORMALIZE: "Normalisation",
    "cleanup_dust": "Dust cleanup",
    "enforce_cap": "Cap enforcement",
    "rebalance": "Rebalancing",
}
_MOST_ROWS = 300  # of a question: the browser draws it above a form; the plan's artifact has them all


def markdown_report(report: RunReport, pipeline: str = NORMALIZE) -> str:
    """Write the report of a run: the totals, then every account with its actions and what went wrong."""
    totals = report.totals
    took = (report.finished_at - report.started_at).total_seconds()
    lines = [
        f"# {_TITLES.get(pipeline, pipeline.replace('_', ' ').capitalize())}, {report.mode}",
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


def markdown_question(accounts: Sequence[AccountReport], why_again: Mapping[str, str]) -> str:
    """Write what would be sent for each account, for whoever approves it.

    `why_again`: by account, the code for which the plan that was approved before was not applied.
    """
    orders_in_all = sum(len(_orders(account)) for account in accounts)
    lines = [f"# {_counted(orders_in_all, 'order')} in {_counted(len(accounts), 'account')}"]
    if why_again:
        told = ", ".join(f"{account} ({code})" for account, code in sorted(why_again.items()))
        lines += ["", f"**Approved before, and not applied: {told}.** These are new plans; look at them again."]
    left = _MOST_ROWS
    for account in accounts:
        orders = _orders(account)
        worth = sum((Decimal(order.value_usd) for order in orders), Decimal(0))
        lines += ["", f"## {account.account}: {_counted(len(orders), 'order')}, worth {worth}", "", _standing(account)]
        if account.plan_expires_at is not None:
            lines += ["", f"Void after {account.plan_expires_at:%H:%M:%S} UTC: then it is planned and asked again."]
        lines += ["", "| action | symbol | quantity | value | why |", "|---|---|---|---|---|"]
        lines += [
            f"| {a.kind} | {a.symbol} | {a.quantity} | {a.value_usd} | {a.reason} {_plain(a.detail)} |"
            for a in account.actions[:left]
        ]
        if len(account.actions) > left:
            lines += ["", f"{len(account.actions) - left} more are in the artifacts of this run."]
        left = max(0, left - len(account.actions))
        lines += _complaints(account)
    return "\n".join(lines) + "\n"


def _orders(account: AccountReport) -> list[ActionReport]:
    return [action for action in account.actions if action.client_order_id is not None]


def _standing(account: AccountReport) -> str:
    """Say what is held; before and after where a run has changed it."""
    positions = _change(account.positions_before, account.positions_after)
    holdings = _change(account.holdings_before, account.holdings_after)
    return f"Positions {positions} (cap {account.cap}), holdings {holdings}, cash {account.cash_usd or 'unknown'}."


def _change(before: int | None, after: int | None) -> str:
    return _n(before) if before == after else f"{_n(before)} → {_n(after)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _complaints(account: AccountReport) -> list[str]:
    lines = [f"- **{e.code}** {e.symbol or ''} {_plain(e.message)}" for e in account.errors]
    return ["", *lines] if lines else []


def _account(account: AccountReport) -> list[str]:
    lines = [f"## {account.account}: {account.status}", "", _standing(account)]
    if account.rebalance is not None:
        lines += ["", *_rebalance(account.rebalance)]
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
    return lines + _complaints(account)


def _rebalance(report: RebalanceReport) -> list[str]:
    """Write the weights of an account's strategies, and the change of each market."""
    lines = ["| strategy | verdict | Sharpe | win rate | return | trades | score | weight |", "|---" * 8 + "|"]
    lines += [
        f"| {_plain(one.strategy)} | {one.verdict} | {_figure(one.sharpe, '.2f')} | {_figure(one.win_rate, '.1%')} "
        f"| {_figure(one.return_fraction, '+.2%')} | {one.trades} | {one.score} | {float(one.weight):.2%} |"
        for one in report.strategies
    ]
    lines += [f"| cash | | | | | | | {float(report.cash_weight):.2%} |", ""]
    lines += ["| market | is worth | should be | change | what is done |", "|---|---|---|---|---|"]
    return lines + [
        f"| {one.symbol} | {one.current_usd} | {one.target_usd} ({float(one.target_weight):.2%}) | {one.change_usd} "
        f"| {one.reason} {_plain(one.detail)} |"
        for one in report.changes
    ]


def _figure(value: float | None, style: str) -> str:
    return "not defined" if value is None else format(value, style)


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
