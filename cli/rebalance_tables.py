"""Tables of a rebalancing for a person: what each strategy scored and weighs, and how far each market is from there."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.rebalance_report import RebalanceReport, StrategyWeight, SymbolChange


def show_rebalance(account: str, report: RebalanceReport, to: Console) -> None:
    """Print the weights of an account's strategies, and the change of each market."""
    weights = Table(title=f"{account}: weights", title_justify="left")
    weights.add_column("strategy", style="bold", overflow="fold")
    for column in ("Sharpe", "win rate", "return", "trades", "score", "weight"):
        weights.add_column(column, justify="right")
    weights.add_column("backtest")
    for strategy in report.strategies:
        weights.add_row(*_strategy(strategy))
    weights.add_row("cash", "", "", "", "", "", _percent(report.cash_weight), "", style="dim")
    to.print(weights)

    changes = Table(title=f"{account}: change of {report.managed_usd or 'an unknown amount'}", title_justify="left")
    changes.add_column("market", style="bold")
    for column in ("is", "should be", "worth", "target", "change"):
        changes.add_column(column, justify="right")
    changes.add_column("what is done", overflow="fold")
    for change in report.changes:
        changes.add_row(*_change(change))
    to.print(changes)


def _strategy(one: StrategyWeight) -> tuple[str, ...]:
    def known(value: float | None, style: str) -> str:
        return "not defined" if value is None else format(value, style)

    return (
        one.strategy,
        known(one.sharpe, ".2f"),
        known(one.win_rate, ".1%"),
        known(one.return_fraction, "+.2%"),
        str(one.trades),
        one.score,
        _percent(one.weight),
        f"{one.verdict}, no. {one.backtest_id}",
    )


def _change(one: SymbolChange) -> tuple[str | Text, ...]:
    amount = Text(one.change_usd, style="red" if one.change_usd.startswith("-") else "green")
    what = f"{'sells' if one.change_usd.startswith('-') else 'buys'}: {one.reason}" if one.planned else one.reason
    current = "unknown" if one.current_weight is None else _percent(one.current_weight)
    done = Text(f"{what} {one.detail}".strip(), style="" if one.planned else "dim")
    return (one.symbol, current, _percent(one.target_weight), one.current_usd, one.target_usd, amount, done)


def _percent(fraction: str) -> str:
    return f"{float(fraction):.2%}"
