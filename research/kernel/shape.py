"""Look through an equity curve once, and tell all that is asked of it."""

from typing import Any

import numpy as np

from research.kernel.compiled import compiled


@compiled
def shape(equity: Any, time: Any, step: int, initial: float) -> tuple[float, float, float, float, float, int, int]:
    """Return mean equity, mean, deviation and downside deviation of the returns, worst drawdown, ends of the longest.

    The deviation is the sample's. Returns are summed around the first of them: what is the same each bar has none.
    Where nothing is held nothing changes, and that is passed over at once.
    """
    count, before, first = len(equity), initial, equity[0] / initial - 1
    level = total = square = down = worst = 0.0
    peak, since, start, end, idle = initial, time[0], time[0], time[0], 0
    below = False
    at = 0
    while at < count:
        start_idle = at
        while at < count and equity[at] == before:
            at += 1
        level += (at - start_idle) * before
        idle += at - start_idle
        while at < count:
            now = equity[at]
            if now == before:
                break
            gain = now / before - 1
            before = now
            level += now
            off = gain - first
            total += off
            square += off * off
            loss = min(gain, 0.0)
            down += loss * loss
            if now >= peak:
                if below and time[at] + step - since > end - start:
                    start, end = since, time[at] + step
                peak, below = now, False
            else:
                if not below:
                    below, since = True, time[at - 1] + step if at else time[0]
                if peak - now > worst * peak:  # a division only where it is the worst so far
                    worst = (peak - now) / peak
            at += 1
    total -= idle * first
    square += idle * first * first
    if below and time[-1] + step - since > end - start:
        start, end = since, time[-1] + step
    variance = (square - total * total / count) / (count - 1) if count > 1 else 0.0
    mean = first + total / count
    return level / count, mean, np.sqrt(max(variance, 0.0)), np.sqrt(down / count), worst, start, end
