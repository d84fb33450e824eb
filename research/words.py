"""Write a figure of a backtest as a person reads it: percent for fractions, days for seconds, words for none."""

from datetime import timedelta

NOT_DEFINED = "not defined"
_NAMES = {
    "return_fraction": "return",
    "cagr_fraction": "return a year (CAGR)",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "drawdown_fraction": "maximum drawdown",
    "drawdown_seconds": "longest drawdown",
    "expectancy_quote": "a trade brings, quote",
    "expectancy_fraction": "a trade brings",
    "exposure_fraction": "time in the market",
    "fees_quote": "fees, quote",
    "final_equity": "equity at the end, quote",
    "fee_fraction": "fee of a side",
    "slippage_fraction": "slippage of a side",
    "size_fraction": "size, of the equity",
    "size_quote": "size, quote",
    "longest_hold_seconds": "longest hold",
    "stop_loss_fraction": "stop loss",
    "take_profit_fraction": "take profit",
    "trailing_stop_fraction": "trailing stop",
    "allow_short": "short positions",
    "max_positions": "positions at most",
    "at_end": "what is open at the end",
}
_PERCENT = frozenset({"win_rate", "return", "win rate", "drawdown"})
_COUNTS = frozenset({"trades", "points", "max_positions"})


def name_of(figure: str) -> str:
    """Return a figure's name in words."""
    return _NAMES.get(figure, figure.replace("_", " "))


def written(figure: str, value: float | None) -> str:
    """Return a figure's value with its unit."""
    if value is None:
        return NOT_DEFINED
    if figure.endswith("_seconds"):
        return _span(value)
    if figure.endswith("_fraction") or figure in _PERCENT:
        return f"{value:,.2%}"
    return f"{value:,.0f}" if figure in _COUNTS else f"{value:,.2f}"


def _span(seconds: float) -> str:
    span = timedelta(seconds=round(seconds))
    hours = span.seconds // 3600
    if span.days:
        return f"{span.days} d {hours} h" if hours else f"{span.days} d"
    return f"{hours} h" if hours else f"{span.seconds // 60} min"
