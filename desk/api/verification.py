"""Verifications."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from desk.api.export import FILE, Export
from desk.api.guard import TheDesk, Viewer
from desk.api.paging import Page, Paging
from desk.views import verification as views
from models.errors import NotFound
from models.verification import KeptVerification, VerificationReport

router = APIRouter(prefix="/api/verifications", tags=["verification"])
RunPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The verification's run, or `latest`.")]


@router.get("")
async def history(desk: TheDesk, _: Viewer, window: Paging) -> Page[KeptVerification]:
    """List verifications, newest first, with the checks that failed."""
    return window.of(await views.history(desk))


@router.get("/export", responses=FILE, response_class=Response)
async def export_history(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return verifications as CSV."""
    return wanted.csv(views.VERIFICATIONS, await views.history(desk))


@router.get("/{run_id}")
async def one(desk: TheDesk, _: Viewer, run_id: RunPath) -> VerificationReport:
    """Return one verification with every check."""
    return await _report(desk, run_id)


@router.get("/{run_id}/export", responses=FILE, response_class=Response)
async def export_one(desk: TheDesk, _: Viewer, wanted: Export, run_id: RunPath) -> Response:
    """Return every check of one verification as CSV."""
    return wanted.csv(views.CHECKS, (await _report(desk, run_id)).checks)


async def _report(desk: TheDesk, run_id: str) -> VerificationReport:
    report = await views.one(desk, None if run_id == "latest" else run_id)
    if report is None:
        raise NotFound("verification", run_id)
    return report
