"""Passwords, as argon2id hashes. Whoever is unknown is answered as slowly as who is known."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from models.errors import ConfigError
from models.people import LEAST_PASSWORD, LONGEST_PASSWORD

# 64 MiB, 3 passes, 4 lanes: argon2-cffi's own, which are RFC 9106's second choice.
_HASHER = PasswordHasher()
_AT_ONCE = 2  # each takes 64 MiB and a core
_NOBODYS = _HASHER.hash("nobody's password")


class Passwords:
    """Hashes and checks passwords beside the loop, a few at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str, name: str = "") -> str:
        """Return a hash to keep. Raises: ConfigError for a password that would be guessed."""
        if len(password) < LEAST_PASSWORD or len(password) > LONGEST_PASSWORD:
            allowed = f"{LEAST_PASSWORD} to {LONGEST_PASSWORD} characters"
            raise ConfigError("password", "is too short" if len(password) < LEAST_PASSWORD else "is too long", allowed)
        if len(set(password)) < LEAST_PASSWORD // 3 or (name and password.lower().strip("0123456789") == name):
            raise ConfigError("password", "is easily guessed", "a few words that have nothing to do with each other")
        async with self._turn:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def check(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one of which `kept` is the hash. None: there is none, and it takes as long."""
        async with self._turn:
            good = await asyncio.to_thread(_matches, kept or _NOBODYS, password[: LONGEST_PASSWORD + 1])
        return good and kept is not None

    @staticmethod
    def is_old(kept: str) -> bool:
        """Whether a hash was made with weaker figures than those of today."""
        return _HASHER.check_needs_rehash(kept)


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
