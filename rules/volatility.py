"""Say how much a price moves, or why that cannot be said. Pure: candles in, a figure or a reason out; floats.

Missing data is no calm market: what is too short, too old, gapped or no number gives no figure, and whoever sizes by it
takes the smaller size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

PERIODS = 20
ATR_PERIODS = 14  # Wilder's
DECAY = 0.94  # of RiskMetrics: what each candle weighs of the one after it
MAX_AGE = timedelta(hours=3)


class Unknown(StrEnum):
    """Why there is no figure."""

    NOT_STORED = "not_stored"  # no candle at all
    TOO_SHORT = "too_short"  # fewer candles than it takes
    TOO_OLD = "too_old"  # the newest candle ended too long ago
    GAPPED = "gapped"  # a candle is missing among them, or they are out of order
    BAD_NUMBER = "bad_number"  # a price that is not finite or not above zero
    AHEAD = "ahead"  # a candle that is not over yet


@dataclass(frozen=True, slots=True)
class VolatilityAnswer:
    """How much a price moves in one candle: a fraction of it (0.02 is 2 %). `unknown` None: it is known.

    `candles`: how many it is made of, or how many there were. `as_of`: when the newest of them ended, where that is
    known.
    """

    value: float | None
    unknown: Unknown | None = None
    candles: int = 0
    as_of: datetime | None = None


def volatility(closes: Sequence[float], periods: int = PERIODS) -> VolatilityAnswer:
    """Return the standard deviation of the simple returns between the newest `periods` closes, oldest first.

    The deviation is the population's (divided by the number of returns, periods - 1), since the thresholds of the
    volatility tiers (2 % and 10 %) were set against that. Raises: ValueError for fewer than two periods.
    """
    if periods < 2:  # noqa: PLR2004 - a return is between two
        raise ValueError(f"expected at least 2 periods, found {periods}")
    newest = [float(close) for close in closes[-periods:]]
    if unknown := _unusable(newest, periods):
        return VolatilityAnswer(None, unknown, len(newest))
    returns = [later / earlier - 1 for earlier, later in pairwise(newest)]
    mean = math.fsum(returns) / len(returns)
    return _answer(math.sqrt(math.fsum((r - mean) ** 2 for r in returns) / len(returns)), periods)


def atr(
    highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], periods: int = ATR_PERIODS
) -> VolatilityAnswer:
    """Return the average true range over the newest close: oldest candle first, all of them are used.

    The first average is the mean of `periods` true ranges, later ones are smoothed by 1 / `periods`, so one more candle
    than `periods` is the least. Raises: ValueError for no period, or columns of different length.
    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    if periods < 1:
        raise ValueError(f"expected at least 1 period, found {periods}")
    high, low, close = ([float(price) for price in prices] for prices in (highs, lows, closes))
    if not len(high) == len(low) == len(close):
        raise ValueError(f"expected as many highs as lows and closes, found {len(high)}, {len(low)}, {len(close)}")
    for prices in (high, low, close):
        if unknown := _unusable(prices, periods + 1):
            return VolatilityAnswer(None, unknown, len(close))
    ranges = [
        max(top, before) - min(bottom, before)
        for top, bottom, before in zip(high[1:], low[1:], close[:-1], strict=True)
    ]
    average = math.fsum(ranges[:periods]) / periods
    for true_range in ranges[periods:]:
        average += (true_range - average) / periods
    return _answer(average / close[-1], len(close))


def ewma(closes: Sequence[float], decay: float = DECAY, least: int = PERIODS) -> VolatilityAnswer:
    """Return the exponentially weighted deviation of log returns, with a mean of zero: oldest first, all are used.

    `least`: closes that it takes. The weights of what there is sum to one.
    Raises: ValueError for a decay outside of 0 to 1, or fewer than two closes.
    Source: J.P. Morgan (1996), RiskMetrics Technical Document, section 5.2.
    """
    if not 0 < decay < 1 or least < 2:  # noqa: PLR2004 - a return is between two
        raise ValueError(f"expected a decay between 0 and 1 and at least 2 closes, found {decay} and {least}")
    prices = [float(close) for close in closes]
    if unknown := _unusable(prices, least):
        return VolatilityAnswer(None, unknown, len(prices))
    squares = [math.log(later / earlier) ** 2 for earlier, later in pairwise(prices)]
    weights = [decay**age for age in range(len(squares) - 1, -1, -1)]
    weighted = math.fsum(w * s for w, s in zip(weights, squares, strict=True))
    return _answer(math.sqrt(weighted / math.fsum(weights)), len(prices))


def of_candles(
    times: Sequence[int],
    closes: Sequence[float],
    *,
    step: timedelta,
    now: datetime,
    periods: int = PERIODS,
    max_age: timedelta = MAX_AGE,
) -> VolatilityAnswer:
    """Return the volatility of the newest `periods` candles, if they follow each other and the newest is not too old.

    `times`: open times in seconds since 1970, oldest first; `max_age`: how long ago the newest may have ended.
    """
    if not len(times):
        return VolatilityAnswer(None, Unknown.NOT_STORED)
    newest = [int(time) for time in times[-periods:]]
    as_of = datetime.fromtimestamp(newest[-1], now.tzinfo) + step
    if as_of > now:
        unknown = Unknown.AHEAD
    elif now - as_of > max_age:
        unknown = Unknown.TOO_OLD
    elif any(later - earlier != step.total_seconds() for earlier, later in pairwise(newest)):
        unknown = Unknown.GAPPED
    else:
        return replace(volatility(closes, periods), as_of=as_of)
    return VolatilityAnswer(None, unknown, len(newest), as_of)


def _unusable(prices: Sequence[float], least: int) -> Unknown | None:
    if len(prices) < least:
        return Unknown.TOO_SHORT
    return None if all(math.isfinite(price) and price > 0 for price in prices) else Unknown.BAD_NUMBER


def _answer(value: float, candles: int) -> VolatilityAnswer:
    """Return a figure, unless the prices were so far apart that none came out."""
    return (
        VolatilityAnswer(value, None, candles) if math.isfinite(value) else VolatilityAnswer(None, Unknown.BAD_NUMBER)
    )
