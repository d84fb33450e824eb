"""Cross-venue arbitrage: buy a symbol where it is cheap and sell it where it is dear, until the prices meet.

What is traded is the ratio of the two prices: long is bought at the first venue and sold at the second for the same
amount, short is the other way round. Whoever holds both assets at both venues need not borrow for it. Each trade takes
an order at each venue, so its costs are paid twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import talib

from research.bars import Bars
from research.parameters import parameter
from research.signals import Signals
from research.strategies.base import Strategy
from research.strategies.marks import Numbers, above, signals, turns
from research.strategies.pairs import combined


@dataclass(frozen=True)
class CrossVenue(Strategy):
    """Open when the first venue's price is off by `entry`, close when no more than `leave` is left of that."""

    name: ClassVar[str] = "cross-venue"
    says: ClassVar[str] = "arbitrage: one symbol at two venues, until their prices meet"
    series: ClassVar[int] = 2
    cost_legs: ClassVar[int] = 2

    entry: float = parameter(0.01, 0.0001, 0.5, "difference that opens, a fraction", sweep=(0.003, 0.006, 0.01, 0.02))
    leave: float = parameter(0.001, 0.0, 0.5, "difference that closes, a fraction", sweep=(0.0, 0.001, 0.002))
    window: int = parameter(0, 0, 10_000, "bars of the usual difference; 0: the prices should be equal")

    def conflict(self) -> str:
        """Say when a position would close before it opens; and that no mean is taken of one bar."""
        if self.leave >= self.entry:
            return f"leave ({self.leave:g}) must be below entry ({self.entry:g})"
        return "window must be 0, or 2 and more" if self.window == 1 else ""

    def traded(self, series: Sequence[Bars]) -> Bars:
        """Return the ratio of the first venue's price to the second's. Raises: ConfigError."""
        self.check_count(series)
        first, second = series
        return combined(first, second, f"{first.symbol} over {second.symbol}", np.divide)

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close."""
        off: Numbers = bars.close / self._usual(bars) - 1
        known = ~np.isnan(off)
        return signals(
            turns(above(-off, self.entry), known),
            turns(above(off, self.entry), known),
            close_long=turns(~above(-off, self.leave), known),
            close_short=turns(~above(off, self.leave), known),
        )

    def _usual(self, bars: Bars) -> Numbers:
        if self.window == 0:
            return np.ones_like(bars.close)
        mean: Numbers = talib.SMA(bars.close, timeperiod=self.window)
        return mean
