"""Measure the backtest engine beside vectorbt and backtesting.py: one run, one machine, the same bars and costs.

Grid: the crosses of two moving averages, 100 pairs of lengths, on a year of minutes. Each side makes the averages, the
signals, the trades with fees and slippage, the equity at each close, and of it the return, the number of trades, the
Sharpe ratio and the worst drawdown. Single: one pair, by backtesting.py and by us, the figures of a report included.
The sides take turns, and of each the fastest round counts: what else a machine does only adds. Before a time is read,
the trades must be as many and the final equity the same within 1e-9. Compiling is measured apart, in processes of their
own, and so is the memory that ten million bars take.

    make bench-research
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bars import YEAR, a_walk
from rich.console import Console
from rich.table import Table

from research.engine import run
from research.grid import cross, cross_grid
from research.metrics import Metrics, hold, measure
from research.settings import AtEnd, BacktestSettings
from research.signals import Signals

FEE, SLIPPAGE, NEAR = 0.002, 0.001, 1e-9
ROUGH = 1e-6  # of a Sharpe ratio: vectorbt sums its returns otherwise
PAIRS = tuple((fast, slow) for fast in range(30, 330, 30) for slow in range(1000, 6000, 500))
SINGLE = (50, 1000)
CHUNK = 20  # columns that vectorbt holds at once: with all of them it needs some 10 GB
MANY = 10_000_000
CLOSING = BacktestSettings(fee_fraction=FEE, slippage_fraction=SLIPPAGE, allow_short=False, at_end=AtEnd.MARK)


@dataclass
class Timed:
    """Seconds of each round by what was measured: on the clock, and of processors."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, list[float]] = field(default_factory=dict)

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        """Do it and keep how long it took."""
        start, busy = time.perf_counter(), time.process_time()
        done = work()
        self.seconds.setdefault(name, []).append(time.perf_counter() - start)
        self.busy.setdefault(name, []).append(time.process_time() - busy)
        return done

    def least(self, prefix: str, share: int = 1) -> tuple[float, float]:
        """Return the fastest of the rounds, on the clock and of processors: the sum of all names that begin so."""
        names = [name for name in self.seconds if name.startswith(prefix)]
        return (
            sum(min(self.seconds[name]) for name in names) / share,
            sum(min(self.busy[name]) for name in names) / share,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=int, default=YEAR)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=["compile", "memory"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "compile":
        print(_compile_time())
    elif options.child == "memory":
        print(*_many_bars())
    else:
        console = Console(width=110)
        _alone(console)
        _beside_others(options.minutes, options.rounds, console)


def _beside_others(minutes: int, rounds: int, console: Console) -> None:
    from foreign import VectorBt, backtesting_py  # noqa: PLC0415 - the children have no use for them

    bars = a_walk(minutes)
    beside = hold(run(bars, Signals.of(cross(bars, *SINGLE)), CLOSING))
    vector = VectorBt(bars)
    free = BacktestSettings(fee_fraction=FEE, slippage_fraction=0, allow_short=False, at_end=AtEnd.MARK)
    measured = Timed()
    vector.crosses(PAIRS[:2], fee=FEE, slippage=SLIPPAGE)  # compiles theirs
    cross_grid(bars, CLOSING, PAIRS[:2], lambda result: measure(result, beside))
    grid = partial(cross_grid, bars, CLOSING, PAIRS, partial(measure, beside=beside))

    def one() -> Metrics:
        return measure(run(bars, Signals.of(cross(bars, *SINGLE)), free))

    one()
    for _ in range(rounds):
        ours = measured.call("all threads", grid)
        measured.call("one thread", partial(grid, workers=1))
        theirs = []
        for at in range(0, len(PAIRS), CHUNK):
            part = partial(vector.crosses, PAIRS[at : at + CHUNK], fee=FEE, slippage=SLIPPAGE)
            theirs += measured.call(f"vectorbt {at}", part)
        for mine, other in zip(ours, theirs, strict=True):
            _same(mine, other)
        mine = measured.call("single", one)
        _same(mine, measured.call("backtesting.py", partial(backtesting_py, bars, SINGLE, fee=FEE)))
    _print(measured, minutes, console)


def _same(mine: Metrics, other: object) -> None:
    """Stop where the two sides did not do the same."""
    assert abs(mine.final_equity / other.final_equity - 1) < NEAR, (mine, other)
    if other.counts_open:
        assert mine.trades == other.trades, (mine, other)
        assert abs(mine.sharpe / other.sharpe - 1) < ROUGH, (mine, other)
        assert abs(mine.drawdown_fraction / other.drawdown_fraction - 1) < NEAR, (mine, other)
    else:
        assert mine.trades - other.trades in {0, 1}, (mine, other)  # one may be open


def _alone(console: Console) -> None:
    """Print what is measured in processes of their own, before this one is large: a child's peak begins at ours."""
    console.print(
        f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start, Python "
        f"{platform.python_version()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_child("compile", NUMBA_CACHE_DIR=folder)[0] for _ in range(2))
    took, peak, before, trades = _child("memory")
    console.print(f"Compiling: {first:.1f} s in the first process, {second:.2f} s in the next ones (kept on disk).")
    console.print(
        f"{MANY:,} bars: {took * 1000:,.0f} ms for signals, {trades:,.0f} trades and figures; "
        f"peak {peak / 2**30:.2f} GiB of memory, {before / 2**30:.2f} of them the process with its bars."
    )


def _print(measured: Timed, minutes: int, console: Console) -> None:
    each = len(PAIRS)
    table = Table(
        title=f"{minutes:,} bars of a minute; the fastest of {len(measured.seconds['single'])} rounds in turn"
    )
    for name in ("what", "who", "a run", "times ours", "processor time", "times ours", "ns a bar"):
        table.add_column(name, justify="left" if name in {"what", "who"} else "right")

    def row(what: str, who: str, took: tuple[float, float], ours: tuple[float, float]) -> None:
        table.add_row(
            what,
            who,
            f"{took[0] * 1000:,.2f} ms",
            f"{took[0] / ours[0]:,.0f}",
            f"{took[1] * 1000:,.2f} ms",
            f"{took[1] / ours[1]:,.0f}",
            f"{took[1] / minutes * 1e9:,.1f}",
        )

    grid = measured.least("all threads", each)
    row(f"grid of {each}", f"nija, {os.cpu_count()} threads", grid, grid)
    alone = measured.least("one thread", each)
    row("", "nija, one thread", alone, alone)
    row("", "vectorbt / all threads", measured.least("vectorbt", each), grid)
    row("", "vectorbt / one thread", measured.least("vectorbt", each), alone)
    single = measured.least("single")
    row("single run", "nija", single, single)
    row("", "backtesting.py", measured.least("backtesting.py"), single)
    console.print(table)


def _child(what: str, **environment: str) -> list[float]:
    command = [sys.executable, __file__, "--child", what]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    return [float(word) for word in done.stdout.split()]


def _compile_time() -> float:
    """Return how long the first, small run of a process takes."""
    bars = a_walk(10_000)
    start = time.perf_counter()
    measure(run(bars, Signals.of(cross(bars, 10, 50)), CLOSING))
    return time.perf_counter() - start


def _many_bars() -> tuple[float, int, int, int]:
    """Return seconds of a run over many bars, the peak of memory after and before, and the trades."""
    bars = a_walk(MANY)
    measure(run(bars.cut(0, 1000), Signals.of(cross(bars.cut(0, 1000), 10, 50)), CLOSING))
    before = _peak()
    start = time.perf_counter()
    found = measure(run(bars, Signals.of(cross(bars, *SINGLE)), CLOSING))
    return time.perf_counter() - start, _peak(), before, found.trades


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
