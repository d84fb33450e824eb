"""Who may use the desk, and what for: people with a role, and tokens of theirs with permits."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PERSON = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
LEAST_PASSWORD, LONGEST_PASSWORD = 12, 256


class Role(StrEnum):
    """What a person may do; each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """How far the role reaches."""
        return list(Role).index(self)

    def reaches(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        return self.rank >= other.rank


class Permit(StrEnum):
    """What a token may be used for; what only an admin may do, no token may."""

    READ = "read"
    ENTRY_CHECK = "entry-check"
    ACT = "act"


class Via(StrEnum):
    """How somebody came in."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may log in. `has_password` False: only the link they were given lets them in."""

    name: str
    role: Role
    has_password: bool
    created_at: datetime
    created_by: str
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody at the door, as the store knew them just now.

    `key`: the session's hash or the token's id; it opens nothing. `permits` None: a person, whom the role alone holds.
    """

    name: str
    role: Role
    via: Via
    key: str = ""
    address: str = ""
    permits: frozenset[Permit] | None = None

    @property
    def words(self) -> str:
        """How the audit log names them."""
        how = {Via.SESSION: "", Via.TOKEN: f" (token {self.key})", Via.TERMINAL: " (terminal)"}
        return self.name + how[self.via]

    def may(self, role: Role, permit: Permit | None) -> bool:
        """Whether they may do what asks for `role`; of tokens, with `permit`. None: no token may."""
        if self.permits is not None and (permit is None or permit not in self.permits):
            return False
        return self.role.reaches(role)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a person's, for a program. The token itself is known to nobody but who was shown it."""

    token_id: int
    name: str
    person: str
    permits: frozenset[Permit]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
