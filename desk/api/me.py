"""Who one is, as the desk sees it: the beginning of every script."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from desk.api.guard import TheDesk, Viewer
from desk.people.headers import cookie_name
from desk.people.secrets import csrf_of
from models.people import Permit, Role, Via

router = APIRouter(tags=["me"])


class Me(BaseModel):
    """Who asks. `csrf`: what a browser's session sends as X-CSRF-Token with whatever changes something."""

    name: str
    role: Role
    via: Via
    permits: list[Permit] | None
    csrf: str | None


@router.get("/api/me")
async def me(request: Request, desk: TheDesk, who: Viewer) -> Me:
    """Say who asks, and what they may do."""
    session = request.cookies.get(cookie_name(desk.served))
    csrf = csrf_of(session) if session and who.via is Via.SESSION else None
    permits = None if who.permits is None else sorted(who.permits)
    return Me(name=who.name, role=who.role, via=who.via, permits=permits, csrf=csrf)
