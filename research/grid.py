"""Many backtests of one symbol at once: on every processor, each reduced to what is asked for before the next begins.

Threads do it, since the kernels let go of the interpreter: nothing is copied, and what fails says so here.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np

from models.errors import ConfigError
from research.bars import Bars, sealed
from research.engine import run
from research.kernel.averages import crosses
from research.result import Result
from research.settings import BacktestSettings
from research.signals import Entries, Exits, Signals

T = TypeVar("T")
Item = TypeVar("Item")

SAME = 1e-12  # an average over equal prices differs from them in the last digits; that is no crossing


def run_grid(
    bars: Bars,
    settings: BacktestSettings,
    signals: Iterable[Signals],
    reduce: Callable[[Result], T],
    workers: int | None = None,
) -> list[T]:
    """Trade each set of signals; return what `reduce` makes of each result, in their order.

    `reduce` runs in the thread that traded. The signals are taken as they are needed, so they may be made on the way.
    Raises: ConfigError when signals do not fit the bars, and whatever `reduce` raises.
    """
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(_ahead(pool, signals, lambda each: reduce(run(bars, each, settings)), 2 * workers))


def cross_grid(
    bars: Bars,
    settings: BacktestSettings,
    pairs: Sequence[tuple[int, int]],
    reduce: Callable[[Result], T],
    workers: int | None = None,
) -> list[T]:
    """Trade the crosses of two moving averages for each (fast, slow) pair of lengths; else as `run_grid`.

    The signals are those of the `sma-cross` strategy, made in one pass each. Raises: ConfigError on lengths that are
    not 1 <= fast < slow.
    """
    for fast, slow in pairs:
        if not 1 <= fast < slow:
            raise ConfigError("averages", f"lengths of {fast} and {slow} bars", "1 <= fast < slow")
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=workers) as pool:
        no_exits = Signals.of(np.zeros(len(bars), np.int8)).exit
        work = partial(_cross, bars, settings, no_exits, reduce)
        return list(_ahead(pool, pairs, work, 2 * workers))


def _cross(
    bars: Bars, settings: BacktestSettings, no_exits: Exits, reduce: Callable[[Result], T], lengths: tuple[int, int]
) -> T:
    """Trade one pair."""
    return reduce(run(bars, Signals(cross(bars, *lengths), no_exits), settings))


def cross(bars: Bars, fast: int, slow: int) -> Entries:
    """Return an entry where the mean of the newest `fast` closes crosses that of the `slow` ones."""
    entries = np.empty(len(bars), np.int8)
    crosses(bars.close, fast, slow, SAME, entries)
    return sealed(entries)


def _ahead(pool: ThreadPoolExecutor, items: Iterable[Item], work: Callable[[Item], T], most: int) -> Iterator[T]:
    """Do the work for each item, at most so many at a time; return what comes of it in the order of the items."""
    waiting: deque[Future[T]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
