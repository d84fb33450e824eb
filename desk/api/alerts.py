"""Alerts: what stands, what people made, what fired, who was told."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from desk.actions import alerts as actions
from desk.actions.alerts import NewAlert
from desk.api.export import FILE, Export
from desk.api.guard import Operator, TheDesk, Viewer
from desk.api.kinds import LARGEST_ID, Because, IdPath
from desk.api.paging import Page, Paging
from desk.views import alerts as views
from models.alert_report import ChannelReport, DeliveryReport, FiringReport, SentList, UserAlertReport
from models.watch_report import AlertReport

router = APIRouter(prefix="/api/alerts", tags=["alerts"])
All = Annotated[bool, Query(alias="all", description="What is over, too.")]
AlertQuery = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Only those of this alert.")]


class Switch(BaseModel):
    """Which way an alert is switched; left out, the other way than it is."""

    enabled: bool | None = None


class Deleted(BaseModel):
    """What is gone."""

    alert_id: int


@router.get("/list")
async def list_alerts(desk: TheDesk, _: Viewer, window: Paging) -> Page[UserAlertReport]:
    """List the alerts that people made."""
    return window.of(await views.mine(desk))


@router.get("/list/export", responses=FILE, response_class=Response)
async def export_alerts(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return the alerts that people made, as CSV."""
    return wanted.csv(views.MINE, await views.mine(desk))


@router.get("/operational")
async def list_operational(desk: TheDesk, _: Viewer, window: Paging, *, everything: All = False) -> Page[AlertReport]:
    """List the alerts that the fleet itself raised, newest first."""
    return window.of(await views.operational(desk, everything=everything))


@router.get("/operational/export", responses=FILE, response_class=Response)
async def export_operational(desk: TheDesk, _: Viewer, wanted: Export, *, everything: All = False) -> Response:
    """Return the alerts that the fleet itself raised, as CSV."""
    return wanted.csv(views.OPERATIONAL, await views.operational(desk, everything=everything))


@router.get("/history")
async def list_history(desk: TheDesk, _: Viewer, window: Paging, alert: AlertQuery = None) -> Page[FiringReport]:
    """List what fired, newest first."""
    return window.of(await views.history(desk, alert))


@router.get("/history/export", responses=FILE, response_class=Response)
async def export_history(desk: TheDesk, _: Viewer, wanted: Export, alert: AlertQuery = None) -> Response:
    """Return what fired, as CSV."""
    return wanted.csv(views.FIRINGS, await views.history(desk, alert))


@router.get("/deliveries")
async def list_deliveries(desk: TheDesk, _: Viewer, window: Paging) -> Page[DeliveryReport]:
    """List what was sent to whom, newest first."""
    return window.of(await views.told(desk))


@router.get("/deliveries/export", responses=FILE, response_class=Response)
async def export_deliveries(desk: TheDesk, _: Viewer, wanted: Export) -> Response:
    """Return what was sent to whom, as CSV."""
    return wanted.csv(views.DELIVERIES, await views.told(desk))


@router.get("/channels")
async def list_channels(desk: TheDesk, _: Viewer, window: Paging) -> Page[ChannelReport]:
    """List how people are told; an address is a secret, and none is among these."""
    return window.of(await views.who_is_told(desk))


@router.post("/create", status_code=201)
async def create_alert(desk: TheDesk, who: Operator, new: NewAlert) -> UserAlertReport:
    """Make an alert."""
    return await actions.create(desk, who, new)


@router.post("/{alert_id}/toggle")
async def toggle_alert(desk: TheDesk, who: Operator, alert_id: IdPath, wanted: Switch | None = None) -> UserAlertReport:
    """Switch an alert on or off."""
    return await actions.switch(desk, who, alert_id, enabled=None if wanted is None else wanted.enabled)


@router.post("/{alert_id}/delete")
async def delete_alert(desk: TheDesk, who: Operator, alert_id: IdPath) -> Deleted:
    """Delete an alert."""
    await actions.delete(desk, who, alert_id)
    return Deleted(alert_id=alert_id)


@router.post("/{alert_id}/test")
async def try_alert(desk: TheDesk, who: Operator, alert_id: IdPath) -> SentList:
    """Send a sample of an alert to every channel that would be told."""
    return await actions.sample(desk, who, alert_id)


@router.post("/operational/{alert_id}/acknowledge")
async def acknowledge(desk: TheDesk, who: Operator, alert_id: IdPath, why: Because) -> AlertReport:
    """Say that one knows of an alert."""
    return await actions.acknowledge(desk, who, alert_id, why.reason)
