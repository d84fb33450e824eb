"""What signals are made of: comparisons that rounding does not tip, and the bars on which they turn true."""

import numpy as np
from numpy.typing import NDArray

from research.signals import Signals

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

# An average over equal prices differs from them in the last digits; that is no crossing.
_SAME = 1e-12


def above(left: Numbers, right: Numbers | float) -> Marks:
    """Say where `left` is above `right`, by more than rounding; nan is above nothing, and nothing above it."""
    with np.errstate(invalid="ignore"):
        found: Marks = left - right > _SAME * np.maximum(np.abs(left), np.abs(right))
    return found


def turns(condition: Marks, known: Marks) -> Marks:
    """Mark the bars on which a condition turns true: it was known on the bar before, and was not so."""
    found = np.zeros(len(condition), dtype=np.bool_)
    found[1:] = condition[1:] & ~condition[:-1] & known[1:] & known[:-1]
    return found


def signals(long: Marks, short: Marks, *, close_long: Marks, close_short: Marks) -> Signals:
    """Return signals; where both sides would open at once, neither does."""
    entry = long.astype(np.int8) - short.astype(np.int8)
    return Signals.of(entry, close_long.astype(np.int8) | (close_short.astype(np.int8) << 1))
