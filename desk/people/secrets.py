"""What opens a door: random, kept as a hash alone. A hash of a random secret needs no salt and no stretching."""

import hashlib
import secrets

_BYTES = 32
TOKEN_PREFIX = "nija_"  # noqa: S105 - so that a leaked one is found by who searches for it


def new_secret() -> str:
    """Return a new secret, fit for a cookie and an address."""
    return secrets.token_urlsafe(_BYTES)


def new_token() -> str:
    """Return a new token for a program."""
    return TOKEN_PREFIX + new_secret()


def hashed(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(session: str) -> str:
    """Return what a request has to carry besides the cookie of this session: a page of another's cannot know it."""
    return hashlib.sha256(f"csrf {session}".encode()).hexdigest()[:32]
