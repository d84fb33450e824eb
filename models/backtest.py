"""A backtest that was kept: what was tested on what, and its figures. Plain data, read by rebalancing and the desk."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Backtested:
    """What a backtest is about. `source`: whose candles, or `file`; `parameters`: all of them, defaults included.

    Two series are joined by " and ", sources and symbols alike.
    """

    strategy: str
    parameters: Mapping[str, int | float]
    source: str
    symbol: str
    timeframe: str

    @property
    def key(self) -> str:
        """Sixteen hex digits that tell it from every other; the same for the same parameters however written."""
        parameters = {name: float(value) for name, value in self.parameters.items()}
        content = [self.strategy, parameters, self.source, self.symbol, self.timeframe]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS]

    @property
    def words(self) -> str:
        """The strategy with its parameters, on one line."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.parameters.items())
        return f"{self.strategy} ({told})" if told else self.strategy


@dataclass(frozen=True, slots=True)
class KeptBacktest:
    """One finished backtest. `since`, `until`: the open time of the first bar and the end of the last.

    `settings`: what was assumed. `figures`: its metrics by name; None: not defined. `points`: the recommendation's, of
    100. `equity`: (seconds since 1970, quote) pairs, thinned so that a curve can be drawn. `backtest_id` 0: not kept
    yet.
    """

    tested: Backtested
    measured_at: datetime
    since: datetime
    until: datetime
    bars: int
    settings: Mapping[str, Any]
    figures: Mapping[str, Any]
    verdict: str
    points: int
    trades: int
    equity: tuple[tuple[int, float], ...] = ()
    backtest_id: int = 0
