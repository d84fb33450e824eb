"""Read a symbol's stored hourly candles and say how much its price moves in an hour, or why nobody knows."""

from datetime import datetime, timedelta

from models.history import Series, Span, Timeframe
from models.store.candles import candles
from models.store.engine import Store
from rules.volatility import MAX_AGE, PERIODS, VolatilityAnswer, of_candles

_HOURLY = Timeframe.parse("1h")


async def volatility_of(
    store: Store,
    source: str,
    symbol: str,
    now: datetime,
    *,
    periods: int = PERIODS,
    max_age: timedelta = MAX_AGE,
) -> VolatilityAnswer:
    """Return the deviation of the returns between the newest `periods` hourly closes of one source.

    Only what is stored is looked at, and nothing is asked of the source. Raises: StoreError.
    """
    end = int(now.timestamp())
    # Further back than the figure takes: a history that ended is told from one that never was.
    span = Span(end - 2 * (periods + 1) * _HOURLY.seconds - int(max_age.total_seconds()), end)
    found = await candles(store, Series(source, symbol, _HOURLY), span)
    times, closes = found["time"].tolist(), found["close"].tolist()
    return of_candles(times, closes, step=_HOURLY.span, now=now, periods=periods, max_age=max_age)
