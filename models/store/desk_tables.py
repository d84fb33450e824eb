"""The tables of the desk: people, how they get in, what they did, and what they wrote down."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from models.store.columns import Instant


class PersonRow(SQLModel, table=True):
    """Somebody who may log in. `password` is an argon2 hash; NULL: none was set yet."""

    __tablename__ = "desk_people"

    name: str = Field(primary_key=True)
    role: str
    password: str | None = None
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    created_by: str
    last_seen_at: datetime | None = Field(sa_type=Instant, nullable=True)


class LinkRow(SQLModel, table=True):
    """A one-time link by which a person sets a password. Only its hash is kept; used, the row goes."""

    __tablename__ = "desk_links"

    link: str = Field(primary_key=True)
    person: str = Field(index=True)
    made_at: datetime = Field(sa_type=Instant, nullable=False)
    expires_at: datetime = Field(sa_type=Instant, nullable=False)


class SessionRow(SQLModel, table=True):
    """Somebody who is logged in. Only the hash of the cookie is kept; revoked, the row goes."""

    __tablename__ = "desk_sessions"

    session: str = Field(primary_key=True)
    person: str = Field(index=True)
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    last_seen_at: datetime = Field(sa_type=Instant, nullable=False)
    expires_at: datetime = Field(sa_type=Instant, nullable=False)
    address: str


class TokenRow(SQLModel, table=True):
    """A token of a person's, for a program: only its hash is kept."""

    __tablename__ = "desk_tokens"
    __table_args__ = {"sqlite_autoincrement": True}  # the audit log names an id: a deleted one's is not given again

    token_id: int | None = Field(default=None, primary_key=True)
    name: str
    token: str = Field(unique=True)
    person: str = Field(index=True)
    permits: str  # separated by spaces
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    expires_at: datetime | None = Field(sa_type=Instant, nullable=True)
    last_used_at: datetime | None = Field(sa_type=Instant, nullable=True)
    revoked_at: datetime | None = Field(sa_type=Instant, nullable=True)


class LoginRow(SQLModel, table=True):
    """How often somebody tried to log in of late, by name and by address (seconds by the store's own clock).

    `subject` is a hash: a password that was typed into the name's place stands nowhere.
    """

    __tablename__ = "desk_logins"

    subject: str = Field(primary_key=True)
    level: float
    updated_at: float


class AuditRow(SQLModel, table=True):
    """One thing that somebody did: what it was before, and after. Rows are only added."""

    __tablename__ = "desk_audit"
    __table_args__ = (Index("ix_desk_audit_subject", "subject", "entry_id"), {"sqlite_autoincrement": True})

    entry_id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Instant, nullable=False)
    who: str
    via: str
    address: str
    action: str
    subject: str
    reason: str
    before: dict[str, Any] | None = Field(sa_column=Column(JSON, nullable=True))
    after: dict[str, Any] | None = Field(sa_column=Column(JSON, nullable=True))


PEOPLE = SQLModel.metadata.tables["desk_people"]
LINKS = SQLModel.metadata.tables["desk_links"]
SESSIONS = SQLModel.metadata.tables["desk_sessions"]
TOKENS = SQLModel.metadata.tables["desk_tokens"]
LOGINS = SQLModel.metadata.tables["desk_logins"]
DESK_AUDIT = SQLModel.metadata.tables["desk_audit"]
