"""What is computed from closes alone: crosses of two moving averages, and how much a price moves."""

from typing import Any

import numpy as np

from research.kernel.compiled import compiled


@compiled
def crosses(closes: Any, fast: int, slow: int, same: float, entries: Any) -> None:
    """Write 1 where the mean of the newest `fast` closes rises above that of the `slow` ones, -1 where it falls below.

    Means are equal within `same`, a fraction of the larger. The sums run along; what they gather of rounding stays far
    below that.
    """
    entries[: min(slow, len(entries))] = 0
    if len(closes) < slow:
        return
    quick = steady = 0.0
    for at in range(slow):
        steady += closes[at]
        if at >= slow - fast:
            quick += closes[at]
    left, right = quick * slow, steady * fast  # compared without dividing
    sides, newest = entries[slow - 1 :], closes[slow:]
    quick_left, steady_left = closes[slow - fast :], closes[: len(closes) - slow]  # what drops out of the sums
    sides[0] = (left - right > same * left) - (right - left > same * left)
    for at in range(len(newest)):
        quick += newest[at] - quick_left[at]
        steady += newest[at] - steady_left[at]
        left = quick * slow
        apart, margin = left - steady * fast, same * left
        sides[at + 1] = (apart > margin) - (-apart > margin)
    for at in range(len(newest), 0, -1):  # from which side it is to where it comes to it
        if sides[at] == sides[at - 1]:
            sides[at] = 0
    sides[0] = 0


@compiled
def deviations(closes: Any, periods: int, found: Any) -> None:
    """Write the population's deviation of the newest `periods` - 1 simple returns at each close that has as many."""
    returns = periods - 1
    for at in range(returns, len(closes)):
        mean = 0.0
        for back in range(at - returns, at):
            mean += closes[back + 1] / closes[back] - 1
        mean /= returns
        square = 0.0
        for back in range(at - returns, at):
            square += (closes[back + 1] / closes[back] - 1 - mean) ** 2
        found[at] = np.sqrt(square / returns)
