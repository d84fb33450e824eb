"""Tables for a person: orders of the ledger, what rests, what was canceled, statistics."""

from datetime import datetime

from rich.table import Table
from rich.text import Text

from cli.console import out
from models.order_report import (
    CanceledOrder,
    CancelReport,
    OrderDetails,
    OrderList,
    OrderReport,
    OrderStatisticsReport,
    RestingOrder,
    StatisticsReport,
)
from models.reasons import OrderState

_STATE = {
    OrderState.FILLED: "green",
    OrderState.PARTIALLY_FILLED: "yellow",
    OrderState.CANCELED: "dim",
    OrderState.REJECTED: "red",
    OrderState.UNKNOWN: "bold red",
}
_SHORT_ID = 12  # characters of a client order id; `show` and `cancel` take six of them
_GOOD = "VERIFIED"


def show_orders(report: OrderList) -> None:
    """Print orders, then what rests at the venues."""
    out.print(_ledger(report.orders) if report.orders else "no such order in the ledger")
    if report.resting is not None:
        out.print(_resting(report.resting) if report.resting else "nothing rests at the venue")
    for error in report.errors:
        out.print(f"{error.account} {error.code} {error.message}", markup=False, soft_wrap=True)


def show_details(order: OrderDetails) -> None:
    """Print one order whole."""
    table = Table.grid(padding=(0, 2))
    for name, value in {
        "order": order.client_order_id,
        "at the venue": order.venue_order_id or "no id known",
        "account": f"{order.account} ({order.mode})",
        "intent": f"{order.side} {order.quantity} {order.symbol}: {order.kind}",
        "held before": order.holding_before,
        "state": f"{order.state}, {order.outcome}",
        "filled": order.filled,
        "expected price": order.expected_price,
        "average price": order.average_price or "none",
        "slippage": "unknown" if order.slippage_bps is None else f"{order.slippage_bps} bps",
        "fee": "unknown" if order.fee_quote is None else f"{order.fee_quote} {order.symbol.split('/')[1]}",
        "verification": ", ".join(order.verification) or "none: no end yet, or never sent",
        "written": _at(order.created_at),
        "sent": _at(order.sent_at),
        "timed out": _at(order.timed_out_at),
        "ended": _at(order.ended_at),
        "run": order.run_id,
        "plan": f"{order.plan_id}, cycle {order.cycle}, policy {order.policy_version}",
        "what is known": order.detail,
    }.items():
        if value:
            table.add_row(Text(name, style="dim"), Text(value))
    out.print(table)
    fills = Table(title="Fills", title_justify="left")
    for column in ("trade", "quantity", "price", "fee", "at (UTC)"):
        fills.add_column(column, overflow="fold")
    for fill in order.fills:
        fee = "unknown" if fill.fee is None else f"{fill.fee} {fill.fee_asset or ''}".strip()
        fills.add_row(fill.trade_id, fill.quantity, fill.price, fee, _at(fill.filled_at) or "unknown")
    out.print(fills if order.fills else "no fills")


def show_canceled(report: CancelReport) -> None:
    """Print what became of each order that was to be canceled, and what is left."""
    for order in report.orders:
        out.print(Text.assemble(f"{order_words(order)}: ", _end(order)), soft_wrap=True)
    for error in report.errors:
        line = f"{report.account} {error.code} {error.symbol or ''} {error.message}"
        out.print(line, markup=False, soft_wrap=True)
    if report.left:
        out.print(f"{report.left} left", style="bold red")
    elif not report.orders and not report.errors:
        out.print("nothing rests at the venue")


def order_words(order: CanceledOrder | RestingOrder) -> str:
    """Say which order it is, in one line."""
    ids = (order.client_order_id if order.ours else None, order.order_id)
    named = ", ".join(name for name in ids if name) or "no id"
    whose = "ours" if order.ours else "not ours"
    return f"{order.account}: {order.side} {order.quantity} {order.symbol}, {whose} ({named})"


def show_statistics(report: OrderStatisticsReport) -> None:
    """Print one row an account, and the sum."""
    title = "Orders" if report.since is None else f"Orders since {_at(report.since)} UTC"
    table = Table(title=title, title_justify="left")
    table.add_column("account", style="bold")
    for column in ("orders", "filled", "partial", "canceled", "rejected", "unknown", "timeouts"):
        table.add_column(column, justify="right")
    for column in ("verified", "partial fill", "failed", "high slippage", "mean bps", "worst bps", "median s"):
        table.add_column(column, justify="right")
    for account in report.accounts:
        table.add_row(account.account, *_sums(account))
    if len(report.accounts) != 1:
        table.add_section()
        table.add_row("all", *_sums(report.total))
    out.print(table)
    total = report.total
    if total.over_fills or total.price_unknown:
        out.print(f"{total.over_fills} filled beyond their intent, {total.price_unknown} at an unknown price")


def _ledger(orders: list[OrderReport]) -> Table:
    table = Table(title="Orders, newest first", title_justify="left")
    for column in ("written (UTC)", "order", "account", "symbol", "side"):
        table.add_column(column)
    for column in ("quantity", "filled", "at"):
        table.add_column(column, justify="right")
    table.add_column("state")
    table.add_column("what is known", overflow="fold")
    for order in orders:
        bad = [finding for finding in order.verification if finding != _GOOD]
        told = [*bad, *(["timed out"] if order.timed_out else []), *([order.detail] if order.detail else [])]
        table.add_row(
            _at(order.created_at),
            order.client_order_id[:_SHORT_ID],
            order.account,
            order.symbol,
            order.side,
            order.quantity,
            "" if order.filled == "0" else order.filled,
            order.average_price or "",
            Text(order.state, style=_STATE.get(order.state, "cyan")),
            Text("; ".join(told)),
        )
    return table


def _resting(orders: list[RestingOrder]) -> Table:
    table = Table(title="At the venue now", title_justify="left")
    for column in ("placed (UTC)", "venue's id", "our id", "account", "symbol", "side"):
        table.add_column(column, overflow="fold")
    table.add_column("left", justify="right")
    table.add_column("whose")
    for order in orders:
        ours = (order.client_order_id or "")[:_SHORT_ID] if order.ours else ""
        whose = Text("ours", style="green") if order.ours else Text("not ours", style="yellow")
        placed = _at(order.placed_at)
        table.add_row(placed, order.order_id, ours, order.account, order.symbol, order.side, order.quantity, whose)
    return table


def _end(order: CanceledOrder) -> Text:
    if order.error is not None:
        return Text(f"{order.error.code} {order.error.message}", style="red")
    if order.state is None:
        return Text("the venue does not say what became of it: look there", style="bold red")
    filled = f", {order.filled} filled" if order.filled not in {None, "0"} else ""
    price = f" at {order.average_price}" if filled and order.average_price else ""
    before = "already " if order.was_decided else ""
    sent = "; nothing was sent" if order.was_decided else ""
    left = "" if order.is_over else ", it may still be filled: nija recover"
    words = f"{before}{order.state.replace('_', ' ').upper()}{filled}{price}{sent}{left}"
    return Text(words, style=_STATE.get(order.state, "bold red"))


def _sums(sums: StatisticsReport) -> tuple[str, ...]:
    counts = (sums.orders, sums.filled, sums.partial, sums.canceled, sums.rejected, sums.unknown, sums.timeouts)
    found = (sums.verified, sums.partial_fills, sums.failed_fills, sums.slippage_high)
    seconds = "" if sums.median_seconds is None else f"{sums.median_seconds:.1f}"
    slippage = (sums.mean_slippage_bps or "", sums.worst_slippage_bps or "")
    return (*(str(count) for count in (*counts, *found)), *slippage, seconds)


def _at(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M:%S}"
