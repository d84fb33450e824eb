"""Minutes of a price that walks at random, the same for everybody who measures on them."""

import numpy as np

from research.bars import Bars

FIRST = 1_700_000_040 // 60 * 60
YEAR = 525_600
PART = 100_000


def a_walk(minutes: int = YEAR, seed: int = 7) -> Bars:
    """Return minute bars: half a thousandth of deviation a minute, opens near the close before, volume in each.

    They are made part by part, so that nothing but the bars themselves takes memory.
    """
    rng, columns, last = np.random.default_rng(seed), np.empty((5, minutes)), 100.0
    for start in range(0, minutes, PART):
        part = columns[:, start : start + PART]
        opens, high, low, close, volume = part
        count = len(close)
        close[:] = last * np.exp(np.cumsum(rng.normal(0, 0.0005, count)))
        opens[0], opens[1:] = last, close[:-1]
        opens *= 1 + rng.normal(0, 0.00002, count)
        high[:] = np.maximum(opens, close) * (1 + np.abs(rng.normal(0, 0.0002, count)))
        low[:] = np.minimum(opens, close) * (1 - np.abs(rng.normal(0, 0.0002, count)))
        volume[:] = rng.uniform(1, 2, count)
        last = close[-1]
    time = FIRST + 60 * np.arange(minutes, dtype=np.int64)
    opens, high, low, close, volume = columns
    return Bars.of("WALK/USD", time, open=opens, high=high, low=low, close=close, volume=volume)
