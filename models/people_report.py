"""What `nija desk people` and `nija desk tokens` say. Fields are kept and grow only by addition."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from models.people import Permit, Person, Role, Token


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class PersonLine(_Part):
    """One person. `has_password` False: only their one-time link lets them in."""

    name: str
    role: Role
    has_password: bool
    created_at: datetime
    created_by: str
    last_seen_at: datetime | None

    @classmethod
    def of(cls, person: Person) -> Self:
        """Tell of a person."""
        return cls(**{name: getattr(person, name) for name in cls.model_fields})


class PeopleList(_Part):
    """Everybody who may log in, by name."""

    people: list[PersonLine]


class TokenLine(_Part):
    """One token. The token itself is shown once, when it is made."""

    token_id: int
    name: str
    person: str
    permits: list[Permit]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: Token) -> Self:
        """Tell of a token."""
        told = {name: getattr(token, name) for name in cls.model_fields}
        return cls(**told | {"permits": sorted(token.permits)})


class TokenList(_Part):
    """All tokens, the newest first."""

    tokens: list[TokenLine]
