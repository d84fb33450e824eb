"""The same backtests by vectorbt and by backtesting.py, in their own idiom, on the bars of this benchmark."""

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import numpy as np
import pandas as pd
import vectorbt as vbt
from backtesting import Strategy
from backtesting.lib import FractionalBacktest

from research.bars import Bars

CASH, MINUTE = 10_000.0, "1min"
UNIT = 1e-12  # backtesting.py trades whole units only: of this fraction of a coin


@dataclass(frozen=True)
class Foreign:
    """What another library says of one backtest. `counts_open`: a position that is open at the end is a trade."""

    trades: int
    final_equity: float
    counts_open: bool = True
    sharpe: float = math.nan
    drawdown_fraction: float = math.nan


class VectorBt:
    """vectorbt: all combinations of a call at once, as columns of one array."""

    def __init__(self, bars: Bars) -> None:
        index = pd.DatetimeIndex(pd.to_datetime(bars.time, unit="s"))
        self.close, self.open = pd.Series(bars.close, index=index), pd.Series(bars.open, index=index)

    def crosses(self, pairs: Sequence[tuple[int, int]], *, fee: float, slippage: float, **how: object) -> list[Foreign]:
        """Trade the crosses of two averages at the next open, and measure."""
        fast = vbt.MA.run(self.close, window=[pair[0] for pair in pairs], short_name="fast")
        slow = vbt.MA.run(self.close, window=[pair[1] for pair in pairs], short_name="slow")
        up = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
        down = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
        if how.get("direction") == "shortonly":
            up, down = down, up
        portfolio = vbt.Portfolio.from_signals(
            self.close,
            up,
            down,
            price=self.open,
            fees=fee,
            slippage=slippage,
            init_cash=CASH,
            freq=MINUTE,
            **{"size": np.inf, **how},
        )
        figures = (
            portfolio.trades.count(),
            portfolio.final_value(),
            portfolio.sharpe_ratio(),
            portfolio.max_drawdown(),
        )
        columns = [np.atleast_1d(np.asarray(figure)) for figure in figures]
        return [
            Foreign(int(trades), float(final), sharpe=float(sharpe), drawdown_fraction=-float(fall))
            for trades, final, sharpe, fall in zip(*columns, strict=True)
        ]


class Cross(Strategy):
    """backtesting.py: the crosses of two averages, long only; with limits where there are any."""

    fast, slow = 20, 300
    stop: float | None = None
    target: float | None = None

    def init(self) -> None:
        """Compute the averages."""
        self.quick = self.I(_average, self.data.Close, self.fast)
        self.steady = self.I(_average, self.data.Close, self.slow)

    def next(self) -> None:
        """Buy on a cross upwards, sell on one downwards."""
        if self.quick[-1] > self.steady[-1] and self.quick[-2] <= self.steady[-2]:
            price = self.data.Close[-1]
            if not self.position:
                self.buy(
                    size=1 - 1e-15,
                    sl=price * (1 - self.stop) if self.stop else None,
                    tp=price * (1 + self.target) if self.target else None,
                )
        elif self.quick[-1] < self.steady[-1] and self.quick[-2] >= self.steady[-2]:
            self.position.close()


def backtesting_py(
    bars: Bars, pair: tuple[int, int], *, fee: float, stop: float | None = None, target: float | None = None
) -> Foreign:
    """Trade the crosses of two averages at the next open, in as small fractions of a coin as can be."""
    index = pd.DatetimeIndex(pd.to_datetime(bars.time, unit="s"))
    columns = {name.capitalize(): getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(columns, index=index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = FractionalBacktest(frame, Cross, cash=CASH, commission=fee, fractional_unit=UNIT)
        found = test.run(fast=pair[0], slow=pair[1], stop=stop, target=target)
    return Foreign(int(found["# Trades"]), float(found["Equity Final [$]"]), counts_open=False)


def _average(values: np.ndarray, length: int) -> np.ndarray:
    return pd.Series(values).rolling(length).mean().to_numpy()
