"""SMA cross: long while a fast average is above a slow one, short while it is below."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import talib

from research.bars import Bars
from research.parameters import parameter
from research.signals import Signals
from research.strategies.base import Strategy
from research.strategies.marks import above, signals, turns


@dataclass(frozen=True)
class SmaCross(Strategy):
    """Open on the bar on which the averages cross, close on the one on which they cross back."""

    name: ClassVar[str] = "sma-cross"
    says: ClassVar[str] = "a fast moving average crosses a slow one"

    fast: int = parameter(10, 1, 5_000, "bars of the fast average", sweep=(5, 10, 15, 20, 30, 40))
    slow: int = parameter(50, 2, 10_000, "bars of the slow average", sweep=(30, 50, 75, 100, 150, 200))

    def conflict(self) -> str:
        """Say when the fast average is no faster than the slow one."""
        return "" if self.fast < self.slow else f"fast ({self.fast}) must be below slow ({self.slow})"

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close."""
        fast, slow = (_average(bars, length) for length in (self.fast, self.slow))
        known = ~np.isnan(slow)
        up, down = turns(above(fast, slow), known), turns(above(slow, fast), known)
        return signals(up, down, close_long=down, close_short=up)


def _average(bars: Bars, length: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the mean of the last closes; nan before there are as many."""
    if length == 1:  # TA-Lib takes two at the least
        return bars.close
    average: np.ndarray[tuple[int], np.dtype[np.float64]] = talib.SMA(bars.close, timeperiod=length)
    return average
