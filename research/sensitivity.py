"""How much each parameter decides, and how the scores lie over two of them. Pure: trials in, figures out."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from models.search import Trial, TrialState
from models.search_report import HeatMap, Sensitivity, ValueScore
from research.space import Axis, Space

_MOST_VALUES = 24  # beyond it values are taken together
_BINS = 10


def sensitivity(space: Space, trials: Sequence[Trial]) -> list[Sensitivity]:
    """Return every moving parameter, the one that decides most first; none where nothing was traded.

    The share is the part of the scores' variance that lies between the means of its values: eta squared, the main
    effect of an analysis of variance. What is left is spread within them, the doing of other parameters and of how they
    act together.
    """
    scored = _scored(trials)
    if not scored:
        return []
    found = [_of_axis(axis, scored) for axis in space.moving]
    return sorted(found, key=lambda one: -1.0 if one.share is None else -one.share - 1)


def heat_map(space: Space, trials: Sequence[Trial], order: Sequence[Sensitivity]) -> HeatMap | None:
    """Return the mean scores over the two parameters that decide most; None where fewer than two move."""
    if len(order) < 2:  # noqa: PLR2004 - a map has two sides
        return None
    axes = {axis.name: axis for axis in space.axes}
    chosen = sorted((order[0].parameter, order[1].parameter), key=list(axes).index)
    scored = _scored(trials)
    columns, rows = (_places(axes[name], [trial.parameters[name] for trial in scored]) for name in chosen)
    sums: dict[tuple[int, int], list[float]] = {}
    for trial, column, row in zip(scored, columns[1], rows[1], strict=True):
        sums.setdefault((row, column), []).append(_score(trial))
    scores = [[_mean(sums.get((row, column), [])) for column in range(len(columns[0]))] for row in range(len(rows[0]))]
    return HeatMap(x=chosen[0], y=chosen[1], xs=columns[0], ys=rows[0], scores=scores)


def neighbours(space: Space, trials: Sequence[Trial], best: Mapping[str, float]) -> float | None:
    """Return the mean score of the combinations one step beside the best in one parameter; None: there are none."""
    beside = []
    for axis in space.moving:
        if best[axis.name] not in axis.values:
            continue
        at = axis.values.index(best[axis.name])
        near = {axis.values[n] for n in (at - 1, at + 1) if 0 <= n < len(axis.values)}
        beside += [
            _score(trial)
            for trial in _scored(trials)
            if trial.parameters[axis.name] in near
            and all(trial.parameters[name] == value for name, value in best.items() if name != axis.name)
        ]
    return _mean(beside)


def _of_axis(axis: Axis, scored: Sequence[Trial]) -> Sensitivity:
    middles, places = _places(axis, [trial.parameters[axis.name] for trial in scored])
    groups: list[list[float]] = [[] for _ in middles]
    for place, trial in zip(places, scored, strict=True):
        groups[place].append(_score(trial))
    values = [
        ValueScore(value=middle, combinations=len(group), mean=math.fsum(group) / len(group), best=max(group))
        for middle, group in zip(middles, groups, strict=True)
        if group
    ]
    return Sensitivity(parameter=axis.name, share=_share([group for group in groups if group]), values=values)


def _share(groups: Sequence[Sequence[float]]) -> float | None:
    scores = np.array([score for group in groups for score in group])
    if len(scores) < 2 or scores.var() == 0:  # noqa: PLR2004 - one score does not vary
        return None
    between = sum(len(group) * (np.mean(group) - scores.mean()) ** 2 for group in groups)
    return float(min(1.0, between / (len(scores) * scores.var())))


def _places(axis: Axis, values: Sequence[float]) -> tuple[list[int | float], list[int]]:
    """Return the values of an axis, taken together where they are many, and at which of them each one stands."""
    there = sorted(axis.values) if axis.values else sorted(set(values))
    if len(there) <= _MOST_VALUES:
        index = {value: at for at, value in enumerate(there)}
        return list(there), [index[value] for value in values]
    edges = np.linspace(axis.low, axis.high, _BINS + 1)
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, _BINS - 1)
    return [float(middle) for middle in (edges[:-1] + edges[1:]) / 2], [int(place) for place in places]


def _scored(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state is TrialState.DONE and trial.score is not None]


def _score(trial: Trial) -> float:
    return math.nan if trial.score is None else trial.score


def _mean(scores: Sequence[float]) -> float | None:
    return math.fsum(scores) / len(scores) if scores else None
