"""What two series make together: one instrument, on the times that both have, priced by a rule of both prices."""

from collections.abc import Callable

import numpy as np

from models.errors import ConfigError
from research.bars import Bars
from research.strategies.marks import Numbers

_FEWEST = 2


def combined(first: Bars, second: Bars, symbol: str, price: Callable[[Numbers, Numbers], Numbers]) -> Bars:
    """Return the bars of a pair. Its high and low are those of its open and close: what was between is not known.

    Its volume is the smaller one: no more could be traded on both sides. A time that one of the two lacks is a gap.
    Raises: ConfigError where the two share no two times, or their steps differ.
    """
    if first.step_seconds != second.step_seconds:
        raise ConfigError(symbol, f"one series has a bar each {first.step_seconds} s, one each {second.step_seconds} s")
    times, here, there = np.intersect1d(first.time, second.time, assume_unique=True, return_indices=True)
    if len(times) < _FEWEST:
        raise ConfigError(symbol, f"the two series share {len(times)} times", "series of the same span")
    opened = price(first.open[here], second.open[there])
    closed = price(first.close[here], second.close[there])
    return Bars.of(
        symbol,
        times,
        step_seconds=first.step_seconds,
        gaps="keep",
        open=opened,
        high=np.maximum(opened, closed),
        low=np.minimum(opened, closed),
        close=closed,
        volume=np.minimum(first.volume[here], second.volume[there]),
    )
