"""Probability arbitrage at Polymarket: the outcomes YES and NO of a market pay one dollar together, whatever happens.

What is traded is one share of each: bought where both cost less than a dollar together; where they cost more, a dollar
is split into the two and both are sold, which is a short position here. Prices are points, so a signal acts at the next
point. Source: https://docs.polymarket.com (conditional tokens: split and merge).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from research.bars import Bars
from research.parameters import parameter
from research.settings import BacktestSettings
from research.signals import Signals
from research.strategies.base import Strategy
from research.strategies.marks import above, signals, turns
from research.strategies.pairs import combined

_PAYS = 1.0


@dataclass(frozen=True)
class Polymarket(Strategy):
    """Open when YES and NO are off a dollar by `edge`, close when no more than `leave` is left of that."""

    name: ClassVar[str] = "polymarket"
    says: ClassVar[str] = "arbitrage: YES and NO of a market against one dollar"
    series: ClassVar[int] = 2

    edge: float = parameter(0.02, 0.0001, 0.5, "how far off a dollar opens", sweep=(0.005, 0.01, 0.02, 0.03, 0.05))
    leave: float = parameter(0.002, 0.0, 0.5, "how far off a dollar closes", sweep=(0.0, 0.002, 0.005))

    def conflict(self) -> str:
        """Say when a position would close before it opens."""
        return "" if self.leave < self.edge else f"leave ({self.leave:g}) must be below edge ({self.edge:g})"

    def traded(self, series: Sequence[Bars]) -> Bars:
        """Return what a share of YES and one of NO cost together. Raises: ConfigError."""
        self.check_count(series)
        return combined(series[0], series[1], f"{series[0].symbol} and {series[1].symbol}", np.add)

    def assumed(self, settings: BacktestSettings) -> BacktestSettings:
        """Return the settings for prices that come without a volume."""
        return replace(super().assumed(settings), fills_without_volume=True)

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each point."""
        short_of, beyond = _PAYS - bars.close, bars.close - _PAYS
        known = ~np.isnan(bars.close)
        return signals(
            turns(above(short_of, self.edge), known),
            turns(above(beyond, self.edge), known),
            close_long=turns(~above(short_of, self.leave), known),
            close_short=turns(~above(beyond, self.leave), known),
        )
