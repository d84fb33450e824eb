"""People, tokens and the audit log as lists."""

import json
from typing import Any

from desk.listing import Column, Kind, Listing, Tone
from desk.views.people import AuditView
from models.people import Role
from models.people_report import PersonLine, TokenLine

_ROLES = {Role.ADMIN: Tone.WARN, Role.OPERATOR: Tone.INFO, Role.VIEWER: Tone.PLAIN}


def _document(value: dict[str, Any] | None) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


PEOPLE: Listing[PersonLine] = Listing(
    "people",
    (
        Column("name", "Name", lambda p: p.name),
        Column(
            "role",
            "Role",
            lambda p: p.role.value,
            Kind.STATE,
            tone=lambda p: _ROLES[p.role],
            order=lambda p: p.role.rank,
        ),
        Column("password", "Password", lambda p: "set" if p.has_password else "not yet: needs a link"),
        Column("seen", "Last login (UTC)", lambda p: p.last_seen_at, Kind.TIME),
        Column("since", "Added (UTC)", lambda p: p.created_at, Kind.TIME),
        Column("by", "By", lambda p: p.created_by),
    ),
    key=lambda p: p.name,
)

TOKENS: Listing[TokenLine] = Listing(
    "tokens",
    (
        Column("name", "Name", lambda t: t.name),
        Column("person", "Of", lambda t: t.person),
        Column("permits", "May", lambda t: [permit.value for permit in t.permits]),
        Column(
            "state",
            "State",
            lambda t: "good" if t.revoked_at is None else "revoked",
            Kind.STATE,
            tone=lambda t: Tone.GOOD if t.revoked_at is None else Tone.PLAIN,
        ),
        Column("used", "Last used (UTC)", lambda t: t.last_used_at, Kind.TIME),
        Column("until", "Good until (UTC)", lambda t: t.expires_at, Kind.TIME),
        Column("since", "Made (UTC)", lambda t: t.created_at, Kind.TIME),
        Column("id", "Id", lambda t: t.token_id, Kind.NUMBER),
    ),
    key=lambda t: str(t.token_id),
)

AUDIT: Listing[AuditView] = Listing(
    "audit",
    (
        Column("at", "When (UTC)", lambda a: a.at, Kind.TIME),
        Column("who", "Who", lambda a: a.who),
        Column("action", "What", lambda a: a.action),
        Column("subject", "To what", lambda a: a.subject),
        Column("reason", "Why", lambda a: a.reason, Kind.LONG),
        Column("before", "Before", lambda a: _document(a.before), Kind.LONG),
        Column("after", "After", lambda a: _document(a.after), Kind.LONG),
        Column("address", "From", lambda a: a.address),
    ),
    key=lambda a: str(a.entry_id),
)
