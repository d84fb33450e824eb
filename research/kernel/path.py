"""Lead a position through a bar: what is crossed first ends it, as docs/research.md has it by number.

Both sides of a trade share one path: a price is looked at as `side * price`, so that up is always in the position's
favour.
"""

from typing import Any

import numpy as np

from research.kernel.compiled import compiled
from research.kernel.terms import (
    CLEAR,
    CLEARED,
    HOLD,
    LIQUIDATED,
    STOP,
    TAKE,
    TOUCH,
    TRAILING,
    UNCLEAR,
    Candles,
    Finer,
    Position,
    Terms,
    Walked,
)


@compiled
def below(price: float, level: float) -> bool:
    """Whether it crossed the level downwards. No level: minus infinity."""
    return bool(level - price > TOUCH * abs(price))


@compiled
def above(price: float, level: float) -> bool:
    """Whether it crossed the level upwards. No level: infinity."""
    return bool(price - level > TOUCH * abs(price))


@compiled
def loss(entry: float, terms: Terms) -> float:
    """Return the stop loss of a position: a short one is closed by the venue once what was put in is lost."""
    return terms.stop if entry > 0 else min(terms.stop, 1.0)


@compiled
def walk(first: float, bad: float, good: float, last: float, entry: float, peak: float, terms: Terms) -> Walked:
    """Lead a position through one bar: open, the worse extreme, the better one, close. All prices times the side."""
    size = abs(entry)
    stop = entry - size * loss(entry, terms)
    left = LIQUIDATED if entry < 0 and terms.stop > 1 else STOP
    take = entry + size * terms.take
    peak = max(peak, first)
    trail = peak - terms.trailing * abs(peak)
    if below(first, stop):
        return Walked(left, first, peak, CLEAR)
    if above(first, take):
        return Walked(TAKE, first, peak, CLEAR)
    if below(first, trail):
        return Walked(TRAILING, first, peak, CLEAR)
    stops_first = stop >= trail or not above(trail, stop)
    down = stop if stops_first else trail
    risen = max(peak, good)
    raised = risen - terms.trailing * abs(risen)
    if below(bad, down):
        unsure = above(good, take) or above(raised, down)
        return Walked(left if stops_first else TRAILING, down, peak, UNCLEAR if unsure else CLEAR)
    if above(good, take):
        return Walked(TAKE, take, risen, CLEAR)
    if below(last, raised):
        return Walked(TRAILING, raised, risen, CLEAR)
    return Walked(HOLD, 0.0, risen, UNCLEAR if below(bad, raised) else CLEAR)


@compiled
def walk_bar(
    side: float, first: float, high: float, low: float, last: float, entry: float, peak: float, terms: Terms
) -> Walked:
    """Lead a position through one bar by its prices."""
    if side > 0:
        return walk(first, low, high, last, entry, peak, terms)
    return walk(-first, -high, -low, -last, -entry, peak, terms)


@compiled
def first_from(times: Any, low: int, high: int, start: int) -> int:
    """Return the first row, of those from `low` up to `high`, whose time is not before `start`.

    It is searchsorted, which takes seconds to compile.
    """
    while low < high:
        middle = (low + high) // 2
        if times[middle] < start:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def extremes(first: int, last: int, bars: Candles, terms: Terms) -> tuple[float, float]:
    """Return the highest and lowest price that was traded in some rows; none: minus infinity, infinity."""
    top, bottom = -np.inf, np.inf
    for at in range(first, last):
        if bars.volume[at] > 0 or terms.airless:
            top, bottom = max(top, bars.high[at]), min(bottom, bars.low[at])
    return top, bottom


@compiled
def walk_finer(first: int, last: int, bars: Candles, side: float, entry: float, peak: float, terms: Terms) -> Walked:
    """Lead a position through the finer bars of some rows, up to the one in which it is left."""
    doubt = CLEARED
    for at in range(first, last):
        if bars.volume[at] > 0 or terms.airless:
            walked = walk_bar(side, bars.open[at], bars.high[at], bars.low[at], bars.close[at], entry, peak, terms)
            peak = walked.peak
            if walked.doubt == UNCLEAR:
                doubt = UNCLEAR
            if walked.reason != HOLD:
                return Walked(walked.reason, walked.price, peak, doubt)
    return Walked(HOLD, 0.0, peak, doubt)


@compiled
def refine(
    walked: Walked,
    start: int,
    end: int,
    high: float,
    low: float,
    finer: Finer,
    held: Position,
    peak: float,
    terms: Terms,
) -> Walked:
    """Lead a position through the finer bars of a bar instead, where they reach as far up and down as it does."""
    first = first_from(finer.bars.time, finer.first, finer.last, start)
    last = first_from(finer.bars.time, first, finer.last, end)
    top, bottom = extremes(first, last, finer.bars, terms)
    off = above(top, high) or below(top, high) or above(bottom, low) or below(bottom, low)
    if bottom > top or off:
        return walked
    return walk_finer(first, last, finer.bars, held.side, held.price, peak, terms)
