"""Mean reversion by Bollinger bands: against a close outside of the band, until the middle is reached."""

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
class Bollinger(Strategy):
    """Open against a close that leaves the band, close when the price is back at its average.

    Source: Bollinger, Bollinger on Bollinger Bands (2001): an average and so many standard deviations around it.
    """

    name: ClassVar[str] = "bollinger"
    says: ClassVar[str] = "mean reversion: against a close outside of the bands"

    period: int = parameter(20, 2, 5_000, "bars of the average", sweep=(10, 20, 30, 50))
    deviations: float = parameter(
        2.0, 0.1, 10.0, "half the band's width, in standard deviations", sweep=(1.5, 2.0, 2.5, 3.0)
    )

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close."""
        upper, middle, lower = talib.BBANDS(
            bars.close, timeperiod=self.period, nbdevup=self.deviations, nbdevdn=self.deviations
        )
        known = ~np.isnan(middle)
        return signals(
            turns(above(lower, bars.close), known),
            turns(above(bars.close, upper), known),
            close_long=turns(~above(middle, bars.close), known),
            close_short=turns(~above(bars.close, middle), known),
        )
