"""History: coverage, gaps, quarantine, audit."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from desk.actions import data as actions
from desk.actions.data import RowsDecided
from desk.api.export import FILE, Export
from desk.api.guard import Operator, TheDesk, Viewer
from desk.api.kinds import LARGEST_ID, Because
from desk.api.paging import Page, Paging
from desk.views import data as views
from desk.views.data import DataAudit
from models.history_report import GapReport, QuarantinedRow, SeriesCoverage

router = APIRouter(prefix="/api/data", tags=["data"])
Explained = Annotated[bool, Query(alias="all", description="What is explained or decided, too.")]


class Rows(Because):
    """Rows of the quarantine, and why they are decided about so."""

    rows: Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_ID)]], Field(min_length=1, max_length=1000)]


@router.get("/coverage")
async def coverage(desk: TheDesk, _: Viewer, window: Paging) -> Page[SeriesCoverage]:
    """Say how much of each series is there, by UTC day."""
    return window.of((await views.coverage(desk)).series)


@router.get("/coverage/export", responses=FILE, response_class=Response)
async def export_coverage(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return how much of each series is there, as CSV."""
    return wanted.csv(views.SERIES, (await views.coverage(desk)).series)


@router.get("/gaps")
async def gaps(desk: TheDesk, _: Viewer, window: Paging, *, everything: Explained = False) -> Page[GapReport]:
    """List contiguous times without a candle."""
    return window.of((await views.gaps(desk, everything=everything)).gaps)


@router.get("/gaps/export", responses=FILE, response_class=Response)
async def export_gaps(desk: TheDesk, _: Viewer, wanted: Export, *, everything: Explained = False) -> Response:
    """Return contiguous times without a candle, as CSV."""
    return wanted.csv(views.GAPS, (await views.gaps(desk, everything=everything)).gaps)


@router.get("/quarantine")
async def quarantine(
    desk: TheDesk, _: Viewer, window: Paging, *, everything: Explained = False
) -> Page[QuarantinedRow]:
    """List rows that broke their contract, newest first."""
    return window.of(await views.quarantine(desk, everything=everything))


@router.get("/quarantine/export", responses=FILE, response_class=Response)
async def export_quarantine(desk: TheDesk, _: Viewer, wanted: Export, *, everything: Explained = False) -> Response:
    """Return rows that broke their contract, as CSV."""
    return wanted.csv(views.QUARANTINE, await views.quarantine(desk, everything=everything))


@router.post("/quarantine/release")
async def release(desk: TheDesk, who: Operator, rows: Rows) -> RowsDecided:
    """Let rows into the history after all."""
    return await actions.release(desk, who, rows.rows, rows.reason)


@router.post("/quarantine/drop")
async def drop(desk: TheDesk, who: Operator, rows: Rows) -> RowsDecided:
    """Let rows go."""
    return await actions.drop(desk, who, rows.rows, rows.reason)


@router.get("/audit")
async def audit(desk: TheDesk, _: Viewer) -> DataAudit:
    """Return what the newest audit of the history found."""
    return await views.audit(desk)


@router.get("/audit/export", responses=FILE, response_class=Response)
async def export_audit(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return what the newest audit of the history found, as CSV."""
    return wanted.csv(views.AUDIT, (await views.audit(desk)).lines)
