"""One search over several strategies: each on its own, one that cannot be searched never stopping another."""

from dataclasses import dataclass, field

from flows.research_data import Loaded, load_series
from flows.search_request import SearchRequest, WalkForwardRequest, spaces_of
from models.clock import Clock, SystemClock
from models.errors import NijaError, StoreError
from models.search_report import BatchReport, StrategySearch
from models.settings import load_settings
from models.store.engine import Store
from research.evaluate import check_objective
from research.registry import Registry, found
from research.space import Space
from tasks.search import WalkForward, Wanted, search
from tasks.search_kept import SearchProgress


async def search_all(
    request: SearchRequest,
    *,
    registry: Registry | None = None,
    progress: SearchProgress | None = None,
    clock: Clock | None = None,
) -> BatchReport:
    """Search every strategy that is meant; a walk-forward where it is asked for.

    Raises: ConfigError, BadBars; StoreError; where one strategy alone is meant, also what keeps it from being searched.
    """
    clock = clock or SystemClock()
    begun = clock.now()
    spaces = spaces_of(request, registry or found())
    check_objective(request.objective)
    async with await Store.open(load_settings().store_url) as store:
        prices = _Prices(store, request, clock)
        wanted = [await prices.wanted(space) for space in spaces]
        found_of = [await _searched(store, one, clock, progress, alone=len(wanted) == 1) for one in wanted]
    return BatchReport(started_at=begun, finished_at=clock.now(), strategies=found_of)


@dataclass
class _Prices:
    """The series of a request, read once for all strategies that read as many."""

    store: Store
    request: SearchRequest
    clock: Clock
    loaded: dict[int, Loaded] = field(default_factory=dict)

    async def wanted(self, space: Space) -> Wanted:
        """Return the search for one strategy. Raises: ConfigError, BadBars, StoreError."""
        request, count = self.request, space.strategy.series
        if count not in self.loaded:
            self.loaded[count] = await load_series(self.store, request.data, count, self.clock.now())
        there = self.loaded[count]
        return Wanted(
            space=space,
            series=there.series,
            data=there.name,
            settings=request.assumptions.settings(),
            objective=request.objective,
            method=request.method,
            trials=request.trials,
            seed=request.seed,
            walk=_walk(request),
        )


def _walk(request: SearchRequest) -> WalkForward | None:
    if not isinstance(request, WalkForwardRequest):
        return None
    return WalkForward(folds=request.folds, ratio=request.ratio, anchored=request.anchored)


async def _searched(
    store: Store, wanted: Wanted, clock: Clock, progress: SearchProgress | None, *, alone: bool
) -> StrategySearch:
    """Search for one strategy. Raises: StoreError; where it is alone, NijaError."""
    name = wanted.space.strategy.name
    try:
        return StrategySearch(strategy=name, report=await search(store, wanted, clock=clock, progress=progress))
    except StoreError:
        raise
    except NijaError as error:
        if alone:
            raise
        return StrategySearch(strategy=name, code=error.code, message=str(error))
