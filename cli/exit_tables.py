"""Tables for a person: positions with their exit limits, and what the exits so far came to."""

from datetime import timedelta
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from cli.console import out
from models.amounts import plain
from models.exit_report import ExitList, ExitPosition, ExitStatistics, LimitReport
from models.exits import OwnLimit, PositionConfig
from rules.balance import span_words

_UNKNOWN = "unknown"


def show_exits(report: ExitList) -> None:
    """Print one row a position; an own limit is marked, and what is due by the last price is named."""
    if not report.positions:
        out.print("nothing is tracked")
        return
    table = Table(title=f"Exits at {report.told_at:%Y-%m-%d %H:%M:%S} UTC", title_justify="left")
    table.add_column("account", style="bold")
    table.add_column("symbol")
    for column in ("quantity", "entry", "peak", "price", "P&L", "age", "stop", "profit", "trailing", "hours"):
        table.add_column(column, justify="right")
    table.add_column("due")
    for row in report.positions:
        table.add_row(row.account, row.symbol, *_figures(row), *_limits(row), Text(row.due or "", style="bold red"))
    out.print(table)
    if any(limit.own for row in report.positions for limit in _all(row)):
        out.print("* set by a person: nija exits clear takes it back", style="dim")


def show_statistics(report: ExitStatistics) -> None:
    """Print one row a reason, currency and mode."""
    if not report.sums:
        out.print("no exit in the ledger")
        return
    table = Table("reason", "mode")
    for column in ("exits", "P&L", "in", "P&L known of", "fee missing", "mean hold h"):
        table.add_column(column, justify="right")
    for one in report.sums:
        pnl = one.pnl_quote or _UNKNOWN
        hours = _UNKNOWN if one.mean_hold_hours is None else f"{one.mean_hold_hours:.1f}"
        known, missing = str(one.pnl_known), str(one.fees_missing)
        table.add_row(one.reason, one.mode, str(one.exits), pnl, one.quote, known, missing, hours)
    out.print(table)


def limit_words(config: PositionConfig) -> str:
    """Say what a person has set for a position."""
    fractions = {
        "stop loss": config.stop_loss,
        "take profit": config.take_profit,
        "trailing stop": config.trailing_stop,
    }
    said = [f"{name} {_percent(own)}" for name, own in fractions.items() if own is not None]
    if config.max_hold_hours is not None:
        said.append(f"longest hold {_own(config.max_hold_hours)} h".replace("never h", "never"))
    if config.entry_price is not None:
        said.append(f"entry {plain(config.entry_price)}")
    return ", ".join([*said, "the rest as the policy has it"] if said else ["as the policy has it"])


def _figures(row: ExitPosition) -> tuple[str, ...]:
    if not row.held:
        return ("not held", *[""] * 5)
    gain = _UNKNOWN if row.gain_fraction is None else f"{Decimal(row.gain_fraction) * 100:+.2f} %"
    age = span_words(timedelta(seconds=row.age_seconds or 0))
    prices = (row.entry_price, row.peak_price, row.price)
    return (row.quantity or _UNKNOWN, *(price or _UNKNOWN for price in prices), gain, age)


def _limits(row: ExitPosition) -> tuple[str, ...]:
    *fractions, hours = _all(row)
    shown = [_shown(limit, _percent(None if limit.value is None else Decimal(limit.value))) for limit in fractions]
    return (*shown, _shown(hours, hours.value or "never"))


def _all(row: ExitPosition) -> tuple[LimitReport, ...]:
    return row.stop_loss, row.take_profit, row.trailing_stop, row.max_hold_hours


def _shown(limit: LimitReport, words: str) -> str:
    return f"{words} *" if limit.own else words


def _percent(own: OwnLimit) -> str:
    return f"{plain(own * 100)} %" if isinstance(own, Decimal) else "never"


def _own(own: OwnLimit) -> str:
    return plain(own) if isinstance(own, Decimal) else "never"
