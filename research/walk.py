"""Walk forward: what each sample chose, traded on what came right after it, and all of that as one backtest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from research.bars import sealed
from research.evaluate import Bench, Window, figures
from research.folds import Fold
from research.result import Result
from research.strategies.base import Strategy


@dataclass(frozen=True, slots=True)
class Walked:
    """The folds' figures out of the sample, and the backtest that they make together; None: none of them traded."""

    folds: tuple[Mapping[str, float | None], ...]
    whole: Result | None


def walk(bench: Bench, folds: Sequence[Fold], chosen: Sequence[Strategy | None]) -> Walked:
    """Trade each fold by what its sample chose, with the cash that the one before it left. None: it chose nothing."""
    cash = bench.settings.initial_cash
    results: list[Result | None] = []
    for fold, strategy in zip(folds, chosen, strict=True):
        if strategy is None or cash < bench.least_cash:
            results.append(None)
            continue
        signals = strategy.decided(bench.bars.cut(0, fold.end))
        results.append(bench.result(signals, Window(fold.number, fold.split, fold.end), cash))
        cash = results[-1].final_equity if results[-1] is not None else cash
    return Walked(
        tuple({} if result is None else figures(result) for result in results), _joined(bench, folds, results)
    )


def _joined(bench: Bench, folds: Sequence[Fold], results: Sequence[Result | None]) -> Result | None:
    """Return the folds as one backtest; where nothing was chosen, the cash lies still."""
    there = [result for result in results if result is not None]
    if not there:
        return None
    cash, equity, trades = bench.settings.initial_cash, [], []
    for fold, result in zip(folds, results, strict=True):
        if result is None:
            equity.append(np.full(fold.end - fold.split, cash))
            continue
        moved = result.trades.copy()
        for name in ("entry_bar", "exit_bar"):
            moved[name] += fold.split - folds[0].split
        equity.append(result.equity)
        trades.append(moved)
        cash = result.final_equity
    bars = bench.bars.cut(folds[0].split, folds[-1].end)
    return Result(
        bars=(bars,),
        settings=bench.settings,
        time=bars.time,
        equity=sealed(np.concatenate(equity)),
        trades=sealed(np.concatenate(trades)),
        unfilled={},
        ambiguous_bars=sum(result.ambiguous_bars for result in there),
        resolved_bars=sum(result.resolved_bars for result in there),
        cut_entries=sum(result.cut_entries for result in there),
    )
