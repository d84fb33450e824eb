"""SMA cross: long while a fast average is above a slow one, short while it is below."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from research.bars import Bars
from research.grid import cross
from research.parameters import parameter
from research.signals import CLOSE_LONG, CLOSE_SHORT, Signals
from research.strategies.base import Strategy

_CLOSES = np.array([0, CLOSE_SHORT, CLOSE_LONG], dtype=np.int8)  # by entry: 0, 1, and -1 as the last


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
        """Return what to do at each bar's close: all of it in one pass of a kernel, as this is searched most."""
        entry = cross(bars, self.fast, self.slow)
        return Signals.of(entry, _CLOSES[entry])
