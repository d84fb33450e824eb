"""Momentum: follow what has moved far enough over some time, until it no longer moves that way."""

from dataclasses import dataclass
from typing import ClassVar

import talib

from research.bars import Bars
from research.parameters import parameter
from research.signals import Signals
from research.strategies.base import Strategy
from research.strategies.marks import above, signals, turns


@dataclass(frozen=True)
class Momentum(Strategy):
    """Open when the change over `lookback` bars passes `threshold`, close when that change has turned its sign."""

    name: ClassVar[str] = "momentum"
    says: ClassVar[str] = "follow a move over some bars, until it turns"

    lookback: int = parameter(48, 1, 10_000, "bars over which the change is taken", sweep=(6, 12, 24, 48, 96, 192))
    threshold: float = parameter(
        0.02, 0.0, 1.0, "change that opens a position, a fraction", sweep=(0.005, 0.01, 0.02, 0.04)
    )

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close."""
        change = talib.ROCP(bars.close, timeperiod=self.lookback)
        known = change == change  # noqa: PLR0124 - nan is not itself
        return signals(
            turns(above(change, self.threshold), known),
            turns(above(-change, self.threshold), known),
            close_long=turns(~above(change, 0.0), known),
            close_short=turns(~above(-change, 0.0), known),
        )
