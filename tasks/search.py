"""Search for a strategy's parameters: evaluate what is not kept yet, keep it as it comes, and say what came of it.

What is kept is committed about once a second, so a search that is killed loses a second's work at most, and the next
run of the same search goes on where it stood.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.clock import Clock
from models.errors import LooksAhead
from models.search import SearchMethod, Study, StudyKind
from models.search_report import SearchReport
from models.store.engine import Store
from models.store.studies import begin_study, finish_study
from research.bars import Bars
from research.evaluate import Bench, Window
from research.folds import Fold, folds_of
from research.identity import asked_for, study_id
from research.lookahead import peeks
from research.settings import BacktestSettings
from research.space import Space
from research.strategies.base import Strategy
from research.summary import searched, walked
from tasks.search_grid import by_grid
from tasks.search_kept import Kept, SearchProgress, Silent
from tasks.search_tpe import by_tpe

_WHOLE = 0


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How a history is cut for a walk-forward. `ratio`: the length of a sample by that of what it is tried on."""

    folds: int = 5
    ratio: float = 3.0
    anchored: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search for one strategy. `data`: where the series came from, in words; `walk` None: over the whole history.

    `trials`, `seed`: of a search that proposes; a grid has no use for them.
    """

    space: Space
    series: tuple[Bars, ...]
    data: str
    settings: BacktestSettings
    objective: str
    method: SearchMethod = SearchMethod.GRID
    trials: int = 200
    seed: int = 0
    walk: WalkForward | None = None


async def search(store: Store, wanted: Wanted, *, clock: Clock, progress: SearchProgress | None = None) -> SearchReport:
    """Search, or go on with the same search; keep and return what came of it.

    Raises: ConfigError where the strategy fails or the history is too short; LooksAhead; StoreError.
    """
    begun = clock.now()
    if wanted.method is SearchMethod.GRID:
        wanted.space.check_grid()
    first = wanted.space.first() or wanted.space.strategy()
    await asyncio.to_thread(_refuse_peeks, first, wanted.series)
    bench = Bench(first.traded(wanted.series), first.assumed(wanted.settings), wanted.objective)
    folds = _folds(wanted, len(bench.bars))
    study = await asyncio.to_thread(_study, wanted, begun)
    await begin_study(store, study)
    kept = await Kept.of(store, study.study_id, progress or Silent())
    windows = [Window(_WHOLE, 0, len(bench.bars)), *(Window(fold.number, fold.begin, fold.split) for fold in folds)]
    if wanted.method is SearchMethod.GRID:
        await by_grid(kept, bench, wanted.space, windows, clock)
    else:
        await by_tpe(kept, bench, wanted.space, windows, trials=wanted.trials, seed=wanted.seed)
    parts = await asyncio.to_thread(_parts, wanted, bench, folds, kept)
    best = parts["best"]
    if best is not None and (chosen := wanted.space.at(best.parameters)) is not None:
        await asyncio.to_thread(_refuse_peeks, chosen, wanted.series)  # others of its parameters may look ahead
    report = _report(wanted, study, parts, kept=kept.before, seconds=(clock.now() - begun).total_seconds())
    await finish_study(store, study.study_id, report.model_dump(mode="json"), now=clock.now())
    return report


def _refuse_peeks(strategy: Strategy, series: Sequence[Bars]) -> None:
    """Raise LooksAhead where a strategy knows the future."""
    if found := peeks(strategy, series):
        raise LooksAhead(strategy.name, str(found[0]))


def _folds(wanted: Wanted, bars: int) -> tuple[Fold, ...]:
    walk = wanted.walk
    return () if walk is None else folds_of(bars, walk.folds, walk.ratio, anchored=walk.anchored)


def _study(wanted: Wanted, now: datetime) -> Study:
    kind = StudyKind.OPTIMIZE if wanted.walk is None else StudyKind.WALK_FORWARD
    more: dict[str, Any] = {}
    if wanted.method is SearchMethod.TPE:
        more |= {"trials": wanted.trials, "seed": wanted.seed}
    if wanted.walk is not None:
        more |= {"folds": wanted.walk.folds, "ratio": wanted.walk.ratio, "anchored": wanted.walk.anchored}
    document = asked_for(
        wanted.space, wanted.settings, wanted.objective, kind=kind.value, method=wanted.method.value, **more
    )
    identity = study_id(document, wanted.series, wanted.space.strategy)
    return Study(identity, kind, wanted.space.strategy.name, wanted.data, now, document)


def _parts(wanted: Wanted, bench: Bench, folds: Sequence[Fold], kept: Kept) -> dict[str, Any]:
    if wanted.walk is None:
        return searched(bench, wanted.space, kept.of_fold(_WHOLE))
    trials = {number: kept.of_fold(number) for number in (_WHOLE, *(fold.number for fold in folds))}
    return walked(bench, wanted.space, folds, trials)


def _report(wanted: Wanted, study: Study, parts: dict[str, Any], *, kept: int, seconds: float) -> SearchReport:
    return SearchReport(
        study_id=study.study_id,
        kind=study.kind.value,
        strategy=study.strategy,
        data=study.data,
        objective=wanted.objective,
        method=wanted.method.value,
        space={axis.name: list(axis.values or (axis.low, axis.high)) for axis in wanted.space.axes},
        planned=wanted.space.size,
        kept_before=kept,
        seconds=round(seconds, 3),
        **parts,
    )
