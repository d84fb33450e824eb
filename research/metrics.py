"""The figures of a backtest, with buy-and-hold beside them. What is not defined is None with a reason, never zero."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from research.bars import Bars, Floats
from research.curve import Curve, Undefined, curve
from research.result import Result
from research.settings import BacktestSettings


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one backtest; those of its equity are as in `Curve`.

    `win_rate`: trades that won something after fees, of all. `profit_factor`: what was won, over what was lost.
    `expectancy_quote`, `expectancy_fraction`: what a trade brings on average, in quote and of what was put in.
    `exposure_fraction`: bars in which something was held, of all. `turnover`: what was bought and sold, over the
    average equity. A position that is marked at the end counts as a trade.
    """

    return_fraction: float
    cagr_fraction: float | None
    sharpe: float | None
    sortino: float | None
    drawdown_fraction: float
    drawdown_seconds: int
    win_rate: float | None
    profit_factor: float | None
    expectancy_quote: float | None
    expectancy_fraction: float | None
    exposure_fraction: float
    turnover: float | None
    trades: int
    fees_quote: float
    final_equity: float
    undefined: Mapping[str, Undefined]
    buy_and_hold: Curve


def measure(result: Result, beside: Curve | None = None) -> Metrics:
    """Return the figures of a backtest. `beside`: what `hold` says; many results of the same bars need it once."""
    initial, trades, step = result.settings.initial_cash, result.trades, result.bars[0].step_seconds
    of_equity = curve(result.equity, result.time, step, initial)
    undefined = dict(of_equity.undefined)
    pnl, count = trades["pnl"], len(trades)
    if not count:
        names = ("win_rate", "profit_factor", "expectancy_quote", "expectancy_fraction")
        undefined |= dict.fromkeys(names, Undefined.NO_TRADES)
    lost = float(-pnl[pnl < 0].sum())
    if count and not lost:
        undefined["profit_factor"] = Undefined.NO_LOSS
    average = of_equity.average_equity
    if average <= 0:
        undefined["turnover"] = Undefined.NOTHING_LEFT
    moved = float((trades["quantity"] * (trades["entry_price"] + trades["exit_price"] * ~trades["open"])).sum())
    return Metrics(
        return_fraction=of_equity.return_fraction,
        cagr_fraction=of_equity.cagr_fraction,
        sharpe=of_equity.sharpe,
        sortino=of_equity.sortino,
        drawdown_fraction=of_equity.drawdown_fraction,
        drawdown_seconds=of_equity.drawdown_seconds,
        win_rate=float(np.count_nonzero(pnl > 0)) / count if count else None,
        profit_factor=float(pnl[pnl > 0].sum()) / lost if lost else None,
        expectancy_quote=float(pnl.mean()) if count else None,
        expectancy_fraction=float(trades["return_fraction"].mean()) if count else None,
        exposure_fraction=result.exposed_bars / len(result.time),
        turnover=moved / average if average > 0 else None,
        trades=count,
        fees_quote=result.fees,
        final_equity=result.final_equity,
        undefined=undefined,
        buy_and_hold=beside or hold(result),
    )


def hold(result: Result) -> Curve:
    """Return the figures of buying and holding instead, with the same cash, costs and bars."""
    return curve(buy_and_hold(result), result.time, result.bars[0].step_seconds, result.settings.initial_cash)


def buy_and_hold(result: Result) -> Floats:
    """Return the equity at each close, had each symbol been bought for an equal share at its first open.

    It is sold at its last close; slippage and fees are paid both times.
    """
    share = result.settings.initial_cash / len(result.bars)
    held = [_held(bars, share, result.settings) for bars in result.bars]
    if all(len(values) == len(result.time) for values in held):
        return np.asarray(sum(held), dtype=np.float64)
    total = np.zeros(len(result.time))
    for bars, values in zip(result.bars, held, strict=True):
        newest = np.searchsorted(bars.time, result.time, side="right") - 1
        total += np.where(newest < 0, share, values[np.maximum(newest, 0)])
    return total


def _held(bars: Bars, share: float, settings: BacktestSettings) -> Floats:
    fee, slippage = settings.fee_fraction, settings.slippage_fraction
    quantity = share / (1 + fee) / (float(bars.open[0]) * (1 + slippage))
    values = quantity * bars.close
    values[-1] *= (1 - slippage) * (1 - fee)
    return values
