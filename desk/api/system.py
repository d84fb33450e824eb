"""What the desk stands on."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from desk.actions import system as actions
from desk.api.export import FILE, Export
from desk.api.guard import Operator, TheDesk, Viewer
from desk.api.kinds import Because
from desk.api.paging import Page, Paging
from desk.views import system as views
from desk.views.system import BeatView, LeaseView, Versions, Way
from models.breaker import Direction
from models.stack_report import PartReport
from models.throttle import ThrottleReport

router = APIRouter(prefix="/api/system", tags=["system"])
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*-]{1,100}$")]


class BreakerReset(Because):
    """Which breakers are closed by hand; what is left out means all."""

    venue: Word
    account: Word | None = None
    direction: Direction | None = None


class WereReset(BaseModel):
    """How many breakers were closed."""

    closed: int


@router.get("/breakers")
async def breakers(desk: TheDesk, _: Viewer, window: Paging) -> Page[Way]:
    """List every way to a venue that was gone so far."""
    return window.of(await views.ways(desk))


@router.get("/breakers/export", responses=FILE, response_class=Response)
async def export_breakers(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return the ways to venues as CSV."""
    return wanted.csv(views.WAYS, await views.ways(desk))


@router.post("/breakers/reset")
async def reset(desk: TheDesk, who: Operator, wanted: BreakerReset) -> WereReset:
    """Close breakers at once, although nothing shows that the venue is back."""
    closed = await actions.reset(
        desk, who, wanted.venue, wanted.reason, account=wanted.account, direction=wanted.direction
    )
    return WereReset(closed=closed)


@router.get("/throttles")
async def throttles(desk: TheDesk, _: Viewer, window: Paging) -> Page[ThrottleReport]:
    """List every allowance that is in use, or closed."""
    return window.of(await views.throttles(desk))


@router.get("/throttles/export", responses=FILE, response_class=Response)
async def export_throttles(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return the allowances as CSV."""
    return wanted.csv(views.THROTTLES, await views.throttles(desk))


@router.get("/parts")
async def parts(desk: TheDesk, _: Viewer, window: Paging) -> Page[PartReport]:
    """List the parts of `nija up` on the desk's machine."""
    found = views.stack(desk)
    return window.of([] if found is None else found.parts)


@router.get("/parts/export", responses=FILE, response_class=Response)
async def export_parts(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return the parts of `nija up` as CSV."""
    found = views.stack(desk)
    return wanted.csv(views.PARTS, [] if found is None else found.parts)


@router.get("/leases")
async def leases(desk: TheDesk, _: Viewer, window: Paging) -> Page[LeaseView]:
    """List who may write to which account, and who keeps which watch."""
    return window.of(await views.leases(desk))


@router.get("/leases/export", responses=FILE, response_class=Response)
async def export_leases(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return the leases as CSV."""
    return wanted.csv(views.LEASES, await views.leases(desk))


@router.get("/heartbeats")
async def heartbeats(desk: TheDesk, _: Viewer, window: Paging) -> Page[BeatView]:
    """List when everything that runs again and again was last seen."""
    return window.of(await views.beats(desk))


@router.get("/heartbeats/export", responses=FILE, response_class=Response)
async def export_heartbeats(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return the heartbeats as CSV."""
    return wanted.csv(views.BEATS, await views.beats(desk))


@router.get("/versions")
async def versions(desk: TheDesk, _: Viewer) -> Versions:
    """Say what runs here."""
    return views.versions(desk)
