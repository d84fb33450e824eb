"""Thin a curve to what can be drawn, without losing how high and how low it went."""

from itertools import pairwise

import numpy as np

from research.bars import Floats, Integers


def thinned(values: Floats, most: int) -> Integers:
    """Return positions of at most `most` values, in order: of each stretch its lowest and its highest, both ends.

    Raises: ValueError for fewer than four.
    """
    if most < 4:  # noqa: PLR2004 - two ends, a low and a high
        raise ValueError(f"expected at least 4 points, found {most}")
    count = len(values)
    if count <= most:
        return np.arange(count, dtype=np.int64)
    stretches = (most - 2) // 2
    edges = np.linspace(0, count, stretches + 1).astype(np.int64)
    kept = [0, count - 1]
    for start, stop in pairwise(edges):
        kept += [start + int(np.argmin(values[start:stop])), start + int(np.argmax(values[start:stop]))]
    return np.unique(np.array(kept, dtype=np.int64))
