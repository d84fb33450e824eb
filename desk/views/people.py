"""Who may use the desk, their tokens, and what was done: for admins."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from desk.desk import Desk
from models.people_report import PersonLine, TokenLine
from models.store.desk_audit import audit_entries
from models.store.people import people
from models.store.tokens import tokens

TOPICS = ("desk_people", "desk_audit")


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


async def people_view(desk: Desk) -> list[PersonLine]:
    """Return everybody, by name. Raises: StoreError."""
    return [PersonLine.of(one) for one in await people(desk.store)]


async def tokens_view(desk: Desk) -> list[TokenLine]:
    """Return all tokens, the newest first. Raises: StoreError."""
    return [TokenLine.of(one) for one in await tokens(desk.store)]


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
