"""Tell a spike from a move: what stands alone among its neighbours, and what they follow. Pure numpy, sorted arrays.

A candle's neighbours are the five before it and the five after it, no further away than `REACH` candles; each side's
level is the median of their closes, so that one bad neighbour moves it little. A spike is far from both levels, to the
same side: the first candle of a crash is far from what was before and near to what comes after. Nor is it a spike where
three closes in a row are near each other, however far from the rest: then it is a move that came back. Where one side
has no neighbour (the newest candle), the other one decides if it has three.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

NEIGHBOURS = 5  # on each side
REACH = 50  # candles: a price of long ago says little
ENOUGH = 3  # neighbours that decide alone; closes that make a move
# How far is far, as a factor, for timeframes of at least so many seconds. Only what stands alone is judged by it, so it
# bounds the wick and not the move. Within minutes a price that doubles and comes back at once met an empty book (on
# 2021-10-21 BTC/USD fell to an eighth for a minute, at Binance.US alone); in an hour a thin market does so, in a day or
# a week small coins multiply and fall again for good reasons.
_FAR = ((604_800, 8.0), (86_400, 5.0), (3_600, 3.0), (0, 2.0))
_FEW = 8  # candles that cannot show that their timeframe is a longer one


def far_factor(step_seconds: int) -> float:
    """Return how many times its neighbours' level a price may be, in a timeframe of so many seconds."""
    return next(factor for least, factor in _FAR if step_seconds >= least)


def is_calm(high: Numbers, low: Numbers, factor: float) -> bool:
    """Whether there can be no spike, since all prices are near each other: positive and finite ones are expected."""
    return not len(high) or bool(high.max() <= factor * low.min())


def spikes(time: Numbers, high: Numbers, low: Numbers, close: Numbers, step_seconds: int) -> Marks:
    """Mark the candles that stand alone. `time` rises; prices are positive and finite."""
    factor = far_factor(step_seconds)
    if is_calm(high, low, factor):
        return np.zeros(len(time), dtype=bool)
    before, befores = _levels(time, close, REACH * step_seconds)
    after, afters = (side[::-1] for side in _levels(-time[::-1], close[::-1], REACH * step_seconds))
    upper, lower = np.fmax(before, after), np.fmin(before, after)
    judged = ((befores > 0) & (afters > 0)) | (befores >= ENOUGH) | (afters >= ENOUGH)
    moved = _run_lengths(close, factor) >= ENOUGH
    above = (high > factor * upper) & ~((close > factor * upper) & moved)
    below = (factor * low < lower) & ~((factor * close < lower) & moved)
    marks: Marks = judged & (above | below)
    return marks


def wrong_step(time: Numbers, step_seconds: int) -> bool:
    """Whether these are candles of another timeframe: most of them follow each other by the same other step.

    `time`: rises. Steps over gaps are longer than the timeframe, so a longer one needs more: that all of at least eight
    candles stand on its grid.
    """
    steps = np.diff(time)
    if len(steps) < 2:  # noqa: PLR2004 - one step may be a gap, or one bad time
        return False
    usual = float(np.median(steps))
    if usual == step_seconds or 2 * np.count_nonzero(steps == usual) <= len(steps):
        return False
    if usual < step_seconds:
        return True
    return len(time) >= _FEW and usual % step_seconds == 0 and not (time % usual).any()


def _levels(time: Numbers, close: Numbers, reach: float) -> tuple[Numbers, npt.NDArray[Any]]:
    """Return the median close of each row's neighbours before it, nan where there is none, and how many there are."""
    near = np.full((len(time), NEIGHBOURS), np.nan)
    for back in range(1, min(NEIGHBOURS + 1, len(time))):
        near[back:, back - 1] = np.where(time[back:] - time[:-back] <= reach, close[:-back], np.nan)
    near.sort(axis=1)  # nan last
    count = np.count_nonzero(~np.isnan(near), axis=1)
    row = np.arange(len(time))
    return (near[row, np.maximum(count - 1, 0) // 2] + near[row, count // 2]) / 2, count


def _run_lengths(close: Numbers, factor: float) -> npt.NDArray[Any]:
    """Return of each row how many in a row, itself among them, have closes near the one before."""
    pairs = np.maximum(close[1:], close[:-1]) > factor * np.minimum(close[1:], close[:-1])
    run = np.concatenate(([0], np.cumsum(pairs)))
    lengths: npt.NDArray[Any] = np.bincount(run)[run]
    return lengths
