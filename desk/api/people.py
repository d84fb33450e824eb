"""People, tokens, and the audit log."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from desk.actions import people as actions
from desk.actions.people import NewLink, NewToken
from desk.api.export import EXPORT, Export
from desk.api.guard import Admin, TheDesk, Viewer
from desk.api.kinds import Done, IdPath, Line
from desk.api.paging import MOST, Page, Paging
from desk.views.people import AuditView, audit_view, people_view, tokens_view
from desk.views.people_listings import AUDIT
from models.people import Permit, Role
from models.people_report import PersonLine, TokenLine

router = APIRouter(tags=["people"])
_NAME = r"^[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?$"
NamePath = Annotated[str, Path(pattern=_NAME)]
LineQuery = Annotated[str | None, Query(max_length=200, pattern=r"^[ -~]*$")]


class NewPerson(BaseModel):
    """Somebody who shall be able to log in."""

    name: Annotated[str, Field(pattern=_NAME)]
    role: Role


class NewRole(BaseModel):
    """Another role for somebody."""

    role: Role


class NewPassword(BaseModel):
    """One's own password, changed."""

    old: SecretStr = Field(max_length=300)
    new: SecretStr = Field(max_length=300)


class WantedToken(BaseModel):
    """A token for a program. `days`: how long it is good; without, until it is revoked."""

    name: Line
    person: Annotated[str, Field(pattern=_NAME)]
    permits: Annotated[list[Permit], Field(min_length=1, max_length=len(Permit))]
    days: Annotated[int, Field(ge=1, le=3650)] | None = 365


class AuditQuery:
    """Which lines of the audit log are asked for."""

    def __init__(self, who: LineQuery = None, action: LineQuery = None, subject: LineQuery = None) -> None:
        self.who, self.action, self.subject = who, action, subject


@router.get("/api/people")
async def list_people(desk: TheDesk, _: Admin, paging: Paging) -> Page[PersonLine]:
    """List everybody who may log in."""
    return paging.of(await people_view(desk))


@router.post("/api/people")
async def add(desk: TheDesk, who: Admin, person: NewPerson) -> NewLink:
    """Add somebody. The link that is returned is shown this once."""
    return await actions.add_person(desk, who, person.name, person.role)


@router.post("/api/people/{name}/role")
async def role(desk: TheDesk, who: Admin, name: NamePath, wanted: NewRole) -> Done:
    """Give somebody another role; their sessions end."""
    await actions.change_role(desk, who, name, wanted.role)
    return Done()


@router.post("/api/people/{name}/link")
async def link(desk: TheDesk, who: Admin, name: NamePath) -> NewLink:
    """Give somebody a new one-time link, shown this once."""
    return await actions.link_for(desk, who, name)


@router.post("/api/people/{name}/remove")
async def remove(desk: TheDesk, who: Admin, name: NamePath) -> Done:
    """Remove somebody with their sessions and tokens."""
    await actions.remove_person(desk, who, name)
    return Done()


@router.post("/api/me/password")
async def password(request: Request, desk: TheDesk, who: Viewer, wanted: NewPassword) -> Done:
    """Change one's own password; all sessions of one's own end."""
    old, new = wanted.old.get_secret_value(), wanted.new.get_secret_value()
    await actions.change_password(desk, request.app.state.passwords, who, old, new)
    return Done()


@router.get("/api/tokens")
async def list_tokens(desk: TheDesk, _: Admin, paging: Paging) -> Page[TokenLine]:
    """List the tokens; the tokens themselves nobody knows."""
    return paging.of(await tokens_view(desk))


@router.post("/api/tokens")
async def add_token(desk: TheDesk, who: Admin, wanted: WantedToken) -> NewToken:
    """Make a token, shown this once."""
    how = {"name": wanted.name, "person": wanted.person, "permits": set(wanted.permits), "days": wanted.days}
    return await actions.make_token(desk, who, **how)  # type: ignore[arg-type]


@router.post("/api/tokens/{token_id}/revoke")
async def revoke(desk: TheDesk, who: Admin, token_id: IdPath) -> Done:
    """Let a token open nothing any more."""
    await actions.revoke(desk, who, token_id)
    return Done()


@router.get("/api/audit/export", responses={200: EXPORT}, response_class=Response)
async def export_audit(desk: TheDesk, _: Admin, how: Export) -> Response:
    """Return the newest 1000 lines of the audit log as CSV."""
    return how.csv(AUDIT, await audit_view(desk, limit=MOST))


@router.get("/api/audit")
async def audit(desk: TheDesk, _: Admin, paging: Paging, wanted: Annotated[AuditQuery, Depends()]) -> Page[AuditView]:
    """List what was done, newest first: who, when, what, before and after."""
    narrowed = {"who": wanted.who, "action": wanted.action, "subject": wanted.subject}
    found = await audit_view(desk, **narrowed, offset=paging.offset, limit=paging.limit)
    return paging.cut(found)
