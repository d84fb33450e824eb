"""Catch a strategy that looks into the future: take the end of the history away, and see whether its signals change.

What a strategy says at a bar may depend on that bar and on those before it. So it is asked once more with a history
that ends right there. The cuts lie at bars with signals, and evenly over the history, as many as are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import ConfigError
from models.history import utc
from research.bars import Bars
from research.signals import Signals
from research.strategies.base import Strategy

CUTS = 32
_FEWEST_BARS = 2


@dataclass(frozen=True, slots=True)
class Peek:
    """A signal that is another one when the history ends early. `whole`: with all of it; `cut`: without the rest."""

    time: int
    what: str
    whole: str
    cut: str

    def __str__(self) -> str:
        when = f"{utc(self.time):%Y-%m-%d %H:%M:%S} UTC"
        return f"at {when} its {self.what} is {self.whole} with what came later, {self.cut} without"


def peeks(strategy: Strategy, series: Sequence[Bars], cuts: int = CUTS) -> tuple[Peek, ...]:
    """Return a peek for each cut at which a strategy's signals, or the bars it trades, changed; none: it is clean.

    Raises: ConfigError where the series are not what the strategy reads, or it fails on every history.
    """
    bars = strategy.traded(series)
    signals = strategy.decided(bars)
    found, compared, failed = [], 0, None
    for stop in _stops(signals, len(bars), cuts):
        last = int(bars.time[stop - 1])
        try:
            traded = strategy.traded([_until(one, last) for one in series])
            known = strategy.decided(traded)
        except ConfigError as error:  # it may need more bars than are left; it is judged by the longer histories
            failed = error
            continue
        compared += 1
        if (peek := _difference(bars, signals, traded, known)) is not None:
            found.append(peek)
    if failed is not None and not compared:
        raise failed
    return tuple(found)


def _stops(signals: Signals, bars: int, cuts: int) -> list[int]:
    """Return where to cut: after bars with signals, and evenly; each a number of bars that are kept."""
    marked = np.flatnonzero((signals.entry != 0) | (signals.exit != 0)) + 1
    evenly = np.linspace(_FEWEST_BARS, bars - 1, max(cuts // 2, 1)).astype(np.int64)
    if len(marked) > cuts // 2:
        marked = marked[np.linspace(0, len(marked) - 1, cuts // 2).astype(np.int64)]
    return sorted({int(stop) for stop in (*marked, *evenly) if _FEWEST_BARS <= stop < bars})


def _until(bars: Bars, last: int) -> Bars:
    return bars.cut(0, int(np.searchsorted(bars.time, last, side="right")))


def _difference(bars: Bars, signals: Signals, traded: Bars, cut: Signals) -> Peek | None:
    """Return the first difference of what both know."""
    length = min(len(traded), len(bars))
    pairs = (
        ("entry", signals.entry, cut.entry),
        ("exit", signals.exit, cut.exit),
        ("price", bars.close, traded.close),
    )
    for what, whole, known in pairs:
        if len(different := np.flatnonzero(whole[:length] != known[:length])):
            at = int(different[0])
            return Peek(int(bars.time[at]), what, str(whole[at]), str(known[at]))
    return None
