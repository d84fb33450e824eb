"""Minutes of a price that walks at random, the same for everybody who measures on them."""

import numpy as np

from research.bars import Bars

FIRST = 1_700_000_040 // 60 * 60
YEAR = 525_600


def a_walk(minutes: int = YEAR, seed: int = 7) -> Bars:
    """Return minute bars: half a thousandth of deviation a minute, opens near the close before, volume in each."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.0005, minutes)))
    opens = np.concatenate(([100.0], close[:-1])) * (1 + rng.normal(0, 0.00002, minutes))
    high = np.maximum(opens, close) * (1 + np.abs(rng.normal(0, 0.0002, minutes)))
    low = np.minimum(opens, close) * (1 - np.abs(rng.normal(0, 0.0002, minutes)))
    time = FIRST + 60 * np.arange(minutes, dtype=np.int64)
    return Bars.of(
        "WALK/USD", time, open=opens, high=high, low=low, close=close, volume=rng.uniform(1, 2, minutes)
    )
