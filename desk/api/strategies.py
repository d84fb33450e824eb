"""Strategies, what was tested, and several of them side by side."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from desk.actions import strategies as actions
from desk.actions.strategies import CompareAsked
from desk.api.export import FILE, Export
from desk.api.guard import Operator, TheDesk, Viewer
from desk.api.kinds import LARGEST_ID, SearchText
from desk.api.paging import Page, Paging
from desk.views import strategies as views
from desk.views.strategies import Comparison, ResultView, StrategyView

router = APIRouter(prefix="/api/strategies", tags=["strategies"])
OfStrategy = Annotated[SearchText | None, Query(description="Only of this strategy.")]
Ids = Annotated[
    list[Annotated[int, Query(ge=1, le=LARGEST_ID)]],
    Query(min_length=2, max_length=4, description="Numbers of two to four kept backtests."),
]


@router.get("/list")
async def list_strategies(_: Viewer, window: Paging) -> Page[StrategyView]:
    """List the strategies there are, with their parameters."""
    return window.of(views.strategies())


@router.get("/results")
async def list_results(desk: TheDesk, _: Viewer, window: Paging, strategy: OfStrategy = None) -> Page[ResultView]:
    """List the backtests that are kept, newest first."""
    return window.of(await views.results(desk, strategy=strategy))


@router.get("/results/export", responses=FILE, response_class=Response)
async def export_results(desk: TheDesk, _: Viewer, wanted: Export, strategy: OfStrategy = None) -> Response:
    """Return the backtests that are kept, as CSV."""
    return wanted.csv(views.RESULTS, await views.results(desk, strategy=strategy))


@router.get("/compare")
async def compare_kept(desk: TheDesk, _: Viewer, ids: Ids) -> Comparison:
    """Put kept backtests side by side, the best of each figure marked."""
    return await views.comparison(desk, ids)


@router.get("/compare/export", responses=FILE, response_class=Response)
async def export_comparison(desk: TheDesk, _: Viewer, wanted: Export, ids: Ids) -> Response:
    """Return the figures of kept backtests side by side, as CSV."""
    compared = await views.comparison(desk, ids)
    return wanted.csv(views.side_by_side(compared), compared.rows)


@router.post("/compare")
async def compare(desk: TheDesk, who: Operator, asked: CompareAsked) -> Comparison:
    """Test two to four strategies on the same stored prices, keep the results, and put them side by side."""
    return await actions.compare(desk, who, asked)
