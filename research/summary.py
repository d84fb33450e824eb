"""What came of a search, put together from the combinations that it tried. Pure: trials in, a report's parts out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from models.history import utc
from models.search import Trial, TrialState
from models.search_report import FoldReport, Tried
from research.evaluate import Bench, figures, returns_of
from research.folds import Fold
from research.overfitting import Moments, moments_of
from research.result import Result
from research.sensitivity import heat_map, neighbours, sensitivity
from research.space import Space
from research.strategies.base import Strategy
from research.verdict import judge_search, judge_walk
from research.walk import walk

_TOP = 10
_POINTS = 300


def best_of(trials: Iterable[Trial]) -> Trial | None:
    """Return the combination with the highest score; of equal ones the first by name. None: none has a score."""
    scored = [trial for trial in trials if trial.state is TrialState.DONE and trial.score is not None]
    return min(scored, key=lambda trial: (-(trial.score or 0.0), trial.key), default=None)


def searched(bench: Bench, space: Space, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return what a search over the whole history found, by the names of its report."""
    best = best_of(trials)
    return {**_found(bench, space, trials, best), "verdict": judge_search(trials, best)}


def walked(bench: Bench, space: Space, folds: Sequence[Fold], trials: Mapping[int, Sequence[Trial]]) -> dict[str, Any]:
    """Return what a walk-forward found. `trials`: by fold; 0: over the whole history."""
    chosen = [best_of(trials.get(fold.number, ())) for fold in folds]
    made = walk(bench, folds, [_built(space, trial) for trial in chosen])
    whole = trials[0]
    every = [trial for of_fold in trials.values() for trial in of_fold]
    gains = [_number(figures_of.get("return_fraction")) for figures_of in made.folds]
    stitched = None if made.whole is None else _moments(made.whole)
    trades = 0 if made.whole is None else len(made.whole.trades)
    best = best_of(whole)
    return {
        **_found(bench, space, whole, best),
        "tried": len(every),
        "pruned": sum(trial.state is TrialState.PRUNED for trial in every),
        "verdict": judge_walk(whole, best, stitched, gains, trades=trades),
        "buy_and_hold": bench.buy_and_hold(folds[0].split),
        "folds": [_fold(bench, *parts) for parts in zip(folds, chosen, made.folds, strict=True)],
        "out_of_sample": {} if made.whole is None else figures(made.whole),
        "equity": [] if made.whole is None else thinned(made.whole),
    }


def thinned(result: Result) -> list[tuple[datetime, float]]:
    """Return some hundred points of the equity, its first and its last among them."""
    at = np.unique(np.linspace(0, len(result.time) - 1, min(_POINTS, len(result.time))).astype(np.int64))
    return [(utc(int(result.time[n])), float(result.equity[n])) for n in at]


def _found(bench: Bench, space: Space, trials: Sequence[Trial], best: Trial | None) -> dict[str, Any]:
    order = sensitivity(space, trials)
    scored = [trial for trial in trials if trial.score is not None and trial.state is TrialState.DONE]
    scored.sort(key=lambda trial: (-(trial.score or 0.0), trial.key))
    return {
        "bars": len(bench.bars),
        "gaps": bench.bars.gaps,
        "begins": utc(int(bench.bars.time[0])),
        "ends": utc(int(bench.bars.time[-1]) + bench.bars.step_seconds),
        "tried": len(trials),
        "pruned": sum(trial.state is TrialState.PRUNED for trial in trials),
        "best": None if best is None else _tried(best),
        "neighbours": None if best is None else neighbours(space, trials, best.parameters),
        "buy_and_hold": bench.buy_and_hold(),
        "top": [_tried(trial) for trial in scored[:_TOP]],
        "sensitivity": order,
        "heat_map": heat_map(space, trials, order),
    }


def _tried(trial: Trial) -> Tried:
    return Tried(parameters=dict(trial.parameters), score=trial.score, metrics=dict(trial.metrics))


def _fold(bench: Bench, fold: Fold, chosen: Trial | None, outside: Mapping[str, float | None]) -> FoldReport:
    time, step = bench.bars.time, bench.bars.step_seconds
    return FoldReport(
        fold=fold.number,
        in_sample_from=utc(int(time[fold.begin])),
        out_of_sample_from=utc(int(time[fold.split])),
        until=utc(int(time[fold.end - 1]) + step),
        chosen=None if chosen is None else dict(chosen.parameters),
        score=None if chosen is None else chosen.score,
        in_sample={} if chosen is None else dict(chosen.metrics),
        out_of_sample=dict(outside),
    )


def _built(space: Space, trial: Trial | None) -> Strategy | None:
    return None if trial is None else space.at(trial.parameters)


def _moments(result: Result) -> Moments:
    return moments_of(returns_of(result))


def _number(value: float | None) -> float:
    return 0.0 if value is None else value
