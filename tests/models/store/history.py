"""Stored history to look at: a walk of prices that is always the same, kept as a collector keeps it."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from models.history import COLUMNS, Fetched, Judged, Rejected, Series, Span, Timeframe, Why
from models.store.candles import keep_batch
from models.store.engine import Store
from tests.builders import NOW

HOUR = 3600
END = int(NOW.timestamp())
BITCOIN = Series("kraken", "BTC/USD", Timeframe(HOUR))


def a_walk(hours: int, *, end: int = END, seed: int = 1, scale: float = 1.0) -> pd.DataFrame:
    """Return the finished hourly candles before `end`."""
    generator = np.random.default_rng(seed)
    close = scale * 100 * np.exp(np.cumsum(generator.normal(0, 0.005, hours)))
    opened = np.concatenate(([100 * scale], close[:-1]))
    rows = {
        "time": end - HOUR * np.arange(hours, 0, -1),
        "open": opened,
        "high": np.maximum(opened, close) * 1.001,
        "low": np.minimum(opened, close) * 0.999,
        "close": close,
        "volume": generator.uniform(1, 9, hours),
    }
    return pd.DataFrame(rows, columns=list(COLUMNS))


async def keep(
    store: Store, candles: pd.DataFrame, series: Series = BITCOIN, *, rejected: int = 0, at: datetime = NOW, **more: Any
) -> int:
    """Keep candles as one batch; its span is theirs."""
    times = candles["time"]
    span = Span(int(times.min()), int(times.max()) + series.timeframe.seconds)
    bad = tuple(Rejected({"time": f"row {n}"}, (Why.NOT_A_NUMBER,)) for n in range(rejected))
    fetched = Fetched(series, span, candles, "test", at)
    return await keep_batch(store, series, fetched, Judged(candles, bad), **more)
