"""Who may use the desk, their tokens, and what was done: for admins."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from desk.desk import Desk
from models.people import Permit, Role
from models.store.desk_audit import audit_entries
from models.store.people import people
from models.store.tokens import tokens

TOPICS = ("desk_people", "desk_audit")


class PersonView(BaseModel):
    """One person. `has_password` False: only their one-time link lets them in."""

    name: str
    role: Role
    has_password: bool
    created_at: datetime
    created_by: str
    last_seen_at: datetime | None


class TokenView(BaseModel):
    """One token. The token itself is shown once, when it is made."""

    token_id: int
    name: str
    person: str
    permits: list[Permit]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class AuditView(BaseModel):
    """One thing that somebody did. `via`: session, token or terminal."""

    model_config = ConfigDict(from_attributes=True)

    entry_id: int
    at: datetime
    who: str
    via: str
    address: str
    action: str
    subject: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def people_view(desk: Desk) -> list[PersonView]:
    """Return everybody, by name. Raises: StoreError."""
    return [
        PersonView(
            name=one.name,
            role=one.role,
            has_password=one.has_password,
            created_at=one.created_at,
            created_by=one.created_by,
            last_seen_at=one.last_seen_at,
        )
        for one in await people(desk.store)
    ]


async def tokens_view(desk: Desk, *, person: str | None = None) -> list[TokenView]:
    """Return all tokens, the newest first, or those of one person. Raises: StoreError."""
    return [
        TokenView(
            token_id=one.token_id,
            name=one.name,
            person=one.person,
            permits=sorted(one.permits),
            created_at=one.created_at,
            expires_at=one.expires_at,
            last_used_at=one.last_used_at,
            revoked_at=one.revoked_at,
        )
        for one in await tokens(desk.store, person=person)
    ]


async def audit_view(
    desk: Desk,
    *,
    who: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> list[AuditView]:
    """Return what was done, newest first. Raises: StoreError."""
    wanted = {"who": who, "action": action, "subject": subject, "offset": offset, "limit": limit}
    return [AuditView.model_validate(one) for one in await audit_entries(desk.store, **wanted)]  # type: ignore[arg-type]
