"""Evaluate combinations: signals once over the whole history, then a backtest of each part of it that is asked for."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from models.errors import ConfigError
from models.search import Trial, TrialState
from research.bars import Bars
from research.engine import run
from research.metrics import Metrics, measure
from research.overfitting import BLOCKS, Numbers, moments_of
from research.parameters import nearest
from research.result import Result
from research.settings import BacktestSettings
from research.signals import Signals
from research.space import key_of
from research.strategies.base import Strategy

T = TypeVar("T")
Item = TypeVar("Item")

# Every metric that is a single number may be sought; of these the smaller is the better.
FIGURES = tuple(one.name for one in fields(Metrics) if one.name not in {"undefined", "buy_and_hold"})
LESS_IS_BETTER = frozenset({"drawdown_fraction", "drawdown_seconds", "turnover", "fees_quote", "exposure_fraction"})
_OF_A_CURVE = ("return_fraction", "cagr_fraction", "sharpe", "sortino", "drawdown_fraction", "drawdown_seconds")
_LEAST_CASH = 1e-6  # as the settings have it


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the history, by positions of bars from `start` up to `stop`, and the fold it belongs to."""

    fold: int
    start: int
    stop: int

    def begin(self, fraction: float) -> "Window":
        """Return so much of it, from its beginning on."""
        return Window(self.fold, self.start, self.start + max(2, int((self.stop - self.start) * fraction)))


@dataclass(frozen=True, slots=True)
class Bench:
    """What every combination is evaluated on and by."""

    bars: Bars
    settings: BacktestSettings
    objective: str

    @property
    def least_cash(self) -> float:
        """With less nothing can be traded."""
        return _LEAST_CASH

    def buy_and_hold(self, start: int = 0) -> dict[str, float | None]:
        """Return the figures of buying at the open of the bar at `start` and selling at the last close."""
        bars = self.bars.cut(start)
        idle = run(bars, Signals.of(np.zeros(len(bars), np.int8)), self.settings)
        held = measure(idle).buy_and_hold
        return {name: _finite(getattr(held, name)) for name in _OF_A_CURVE}

    def result(self, signals: Signals, window: Window, cash: float | None = None) -> Result:
        """Trade a part of the history by signals that were made with all that came before it."""
        cut = Signals.of(signals.entry[window.start : window.stop], signals.exit[window.start : window.stop])
        settings = self.settings if cash is None else replace(self.settings, initial_cash=cash)
        return run(self.bars.cut(window.start, window.stop), cut, settings)

    def trials(self, strategy: Strategy, windows: Sequence[Window]) -> list[Trial]:
        """Evaluate one combination on each window. Raises: ConfigError where the strategy fails."""
        signals = strategy.decided(self.bars)
        return [self._trial(strategy, window, self.result(signals, window)) for window in windows]

    def score(self, strategy: Strategy, window: Window) -> float | None:
        """Return the score of a combination on a part of the history that nothing is kept of."""
        signals = strategy.decided(self.bars.cut(0, window.stop))
        return score_of(figures(self.result(signals, window)), self.objective)

    def _trial(self, strategy: Strategy, window: Window, result: Result) -> Trial:
        metrics = figures(result)
        return Trial(
            fold=window.fold,
            key=key_of(strategy),
            parameters=strategy.values(),
            state=TrialState.DONE,
            score=score_of(metrics, self.objective),
            metrics=metrics,
            moments=moments_of(returns_of(result), min(BLOCKS, len(result.equity) - 1)).document,
        )


def together(work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    """Do the same for many, on every processor: the kernels let go of the interpreter. In the order of the items."""
    if len(items) < 2:  # noqa: PLR2004 - a thread would only cost
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))


def returns_of(result: Result) -> Numbers:
    """Return the simple return of the equity in each bar but the first; nothing is earned on nothing."""
    before = result.equity[:-1]
    return np.divide(np.diff(result.equity), before, out=np.zeros(len(before)), where=before > 0)


def figures(result: Result) -> dict[str, float | None]:
    """Return the metrics that are single numbers, by name; None: it is not defined, or has no bound."""
    measured = measure(result)
    return {name: _finite(getattr(measured, name)) for name in FIGURES}


def score_of(metrics: Mapping[str, float | None], objective: str) -> float | None:
    """Return what is sought: the larger, the better. None: nothing was traded, or it is not defined."""
    value = metrics[objective]
    if value is None or not metrics["trades"]:
        return None
    return -value if objective in LESS_IS_BETTER else value


def check_objective(name: str) -> None:
    """Raise ConfigError, with the nearest, where there is no such metric."""
    if name not in FIGURES:
        raise ConfigError("--objective", f"there is no metric {name!r}{nearest(name, FIGURES)}", ", ".join(FIGURES))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
