"""Breakout: go with a close beyond the highest high or lowest low of some bars, the Donchian channel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import talib

from research.bars import Bars
from research.parameters import parameter
from research.signals import Signals
from research.strategies.base import Strategy
from research.strategies.marks import Numbers, above, signals, turns


@dataclass(frozen=True)
class Breakout(Strategy):
    """Open on a close beyond the channel of `entry` bars before it, close on one beyond the other side of `leave` bars.

    Source: the "Turtle" rules after Richard Donchian; Faith, Way of the Turtle (2007).
    """

    name: ClassVar[str] = "breakout"
    says: ClassVar[str] = "a close beyond the highest high of some bars (Donchian)"

    entry: int = parameter(20, 2, 10_000, "bars of the channel that opens", sweep=(10, 20, 40, 80))
    leave: int = parameter(10, 2, 10_000, "bars of the channel that closes", sweep=(5, 10, 20))

    def conflict(self) -> str:
        """Say when the channel that closes is longer than the one that opens."""
        return "" if self.leave <= self.entry else f"leave ({self.leave}) must not be above entry ({self.entry})"

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close."""
        top, bottom = _before(talib.MAX(bars.high, self.entry)), _before(talib.MIN(bars.low, self.entry))
        ceiling, floor = _before(talib.MAX(bars.high, self.leave)), _before(talib.MIN(bars.low, self.leave))
        known = ~np.isnan(top)
        return signals(
            turns(above(bars.close, top), known),
            turns(above(bottom, bars.close), known),
            close_long=turns(above(floor, bars.close), ~np.isnan(floor)),
            close_short=turns(above(bars.close, ceiling), ~np.isnan(ceiling)),
        )


def _before(channel: Numbers) -> Numbers:
    """Return the channel as it stood before each bar: its own high and low are no part of it."""
    return np.concatenate(([np.nan], channel[:-1]))
