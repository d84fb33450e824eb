"""Mean reversion by RSI: buy what was sold too hard, sell what was bought too hard, until neither is so."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import talib

from research.bars import Bars
from research.parameters import parameter
from research.signals import Signals
from research.strategies.base import Strategy
from research.strategies.marks import above, signals, turns

_MIDDLE = 50.0


@dataclass(frozen=True)
class Rsi(Strategy):
    """Open when the index leaves its range, close when it is back at 50.

    Source: Wilder, New Concepts in Technical Trading Systems (1978).
    """

    name: ClassVar[str] = "rsi"
    says: ClassVar[str] = "mean reversion: against an RSI outside of its range"

    period: int = parameter(14, 2, 1_000, "bars of the index", sweep=(7, 14, 21, 28))
    low: float = parameter(30.0, 1.0, 49.0, "below it a long opens", sweep=(20.0, 25.0, 30.0, 35.0))
    high: float = parameter(70.0, 51.0, 99.0, "above it a short opens")

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close."""
        index = talib.RSI(bars.close, timeperiod=self.period)
        known = ~np.isnan(index)
        return signals(
            turns(index < self.low, known),
            turns(index > self.high, known),
            close_long=turns(~above(_MIDDLE - index, 0.0), known),
            close_short=turns(~above(index - _MIDDLE, 0.0), known),
        )
