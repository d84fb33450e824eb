"""What an admin does about people and tokens; what anybody does about their own password and session."""

from collections.abc import Collection
from datetime import timedelta

from pydantic import BaseModel

from desk.desk import Desk
from desk.people.links import new_link
from desk.people.passwords import Passwords
from desk.people.secrets import hashed, new_token
from models.errors import ConfigError, NotAllowed, NotFound, TooManyTries
from models.people import PERSON, Permit, Role, Via, Who
from models.store import people as kept
from models.store.logins import Bucket, take_turns
from models.store.sessions import end_session
from models.store.tokens import add_token, revoke_token

_LONGEST_TOKEN = timedelta(days=3650)


class NewToken(BaseModel):
    """A token that was just made. `token` is shown this once."""

    token_id: int
    token: str


class NewLink(BaseModel):
    """A one-time link by which a person sets their password. `link` is shown this once; it goes after /welcome#."""

    name: str
    link: str


async def add_person(desk: Desk, who: Who, name: str, role: Role) -> NewLink:
    """Add somebody; they come in by the link that is returned. Raises: AccessRefused, ConfigError, StoreError."""
    who = await desk.require(who, Role.ADMIN)
    if not PERSON.fullmatch(name):
        raise ConfigError("name", f"{name!r} is no name", "up to 40 of a-z, 0-9, dot, dash and underscore")
    await kept.add_person(desk.store, name, role, by=who, now=desk.clock.now())
    return await link_for(desk, who, name)


async def link_for(desk: Desk, who: Who, name: str) -> NewLink:
    """Give somebody a one-time link, in the place of a forgotten password. Raises: AccessRefused, NotFound."""
    who = await desk.require(who, Role.ADMIN)
    return NewLink(name=name, link=await new_link(desk.store, name, by=who, now=desk.clock.now()))


async def remove_person(desk: Desk, who: Who, name: str) -> None:
    """Remove somebody, and what opens doors to them. Raises: AccessRefused, NotFound; ConfigError: the last admin."""
    who = await desk.require(who, Role.ADMIN)
    await kept.remove_person(desk.store, name, by=who, now=desk.clock.now())


async def change_role(desk: Desk, who: Who, name: str, role: Role) -> None:
    """Give somebody another role; their sessions end. Raises: AccessRefused, NotFound; ConfigError: the last admin."""
    who = await desk.require(who, Role.ADMIN)
    await kept.change_role(desk.store, name, role, by=who, now=desk.clock.now())


async def change_password(desk: Desk, passwords: Passwords, who: Who, old: str, new: str) -> None:
    """Give oneself another password; all sessions end. Raises: NotAllowed for a wrong old one; TooManyTries."""
    who = await desk.require(who, Role.VIEWER)
    if wait := await take_turns(desk.store, [Bucket(hashed(f"name {who.name}"), 5, 60.0)]):
        raise TooManyTries(wait)
    if who.via is not Via.SESSION or not await passwords.check(await kept.password_hash(desk.store, who.name), old):
        raise NotAllowed(who.name, "the old password")
    await kept.set_password(desk.store, who.name, await passwords.hash(new, who.name), by=who, now=desk.clock.now())


async def leave(desk: Desk, who: Who) -> None:
    """End one's session. Raises: StoreError."""
    await end_session(desk.store, who, now=desk.clock.now())


async def make_token(
    desk: Desk, who: Who, *, name: str, person: str, permits: Collection[Permit], days: int | None
) -> NewToken:
    """Make a token for a program of somebody's; it may never do more than they may themselves.

    `days`: how long it is good; None: until it is revoked. Raises: AccessRefused, NotFound, ConfigError, StoreError.
    """
    who, now = await desk.require(who, Role.ADMIN), desk.clock.now()
    if await kept.person_named(desk.store, person) is None:
        raise NotFound("person", person)
    if not permits or not name.strip():
        raise ConfigError("token", "has no name or no permit", ", ".join(Permit))
    expires_at = None if days is None else now + min(timedelta(days=days), _LONGEST_TOKEN)
    token = new_token()
    row = {"name": name.strip(), "person": person, "permits": permits, "expires_at": expires_at, "by": who, "now": now}
    return NewToken(token_id=await add_token(desk.store, hashed(token), **row), token=token)  # type: ignore[arg-type]


async def revoke(desk: Desk, who: Who, token_id: int) -> None:
    """Let a token open nothing any more. Raises: AccessRefused, NotFound, StoreError."""
    who = await desk.require(who, Role.ADMIN)
    await revoke_token(desk.store, token_id, by=who, now=desk.clock.now())
