"""How somebody gets in: by name and password, or by a one-time link that sets the password."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Network, ip_address

from desk.desk import Desk
from desk.people.passwords import Passwords
from desk.people.secrets import hashed, new_secret
from models.errors import NotLoggedIn, TooManyTries
from models.people import PERSON
from models.store.logins import Bucket, give_back, take_turns
from models.store.people import password_hash, rehash, use_link
from models.store.sessions import start_session

_WRONG = "the name or the password is wrong"
_VOID = "this link is used up or too old: ask for a new one (nija desk people link NAME)"


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody came in. `session` goes into their cookie, and nowhere else."""

    name: str
    session: str

    def __repr__(self) -> str:
        return f"Entered({self.name})"


async def log_in(desk: Desk, passwords: Passwords, name: str, password: str, *, address: str) -> Entered:
    """Let somebody in by name and password; whatever session they had is not this one.

    Raises: TooManyTries; NotLoggedIn, which is the same for a wrong name and for a wrong password; StoreError.
    """
    name = name.strip().lower()
    buckets = buckets_of(name, address)
    if wait := await take_turns(desk.store, buckets):
        raise TooManyTries(wait)
    kept = await password_hash(desk.store, name) if PERSON.fullmatch(name) else None
    if not await passwords.check(kept, password) or kept is None:
        raise NotLoggedIn(_WRONG)
    await give_back(desk.store, buckets)
    if passwords.is_old(kept):
        await rehash(desk.store, name, kept, await passwords.hash(password))
    return await _enter(desk, name, address)


async def come_in_by_link(desk: Desk, passwords: Passwords, link: str, password: str, *, address: str) -> Entered:
    """Let somebody in by their one-time link, and keep the password that they chose.

    Raises: TooManyTries; NotLoggedIn for a link that is void; ConfigError for a password that would be guessed.
    """
    if wait := await take_turns(desk.store, buckets_of("", address)[1:]):
        raise TooManyTries(wait)
    kept = await passwords.hash(password)
    name = await use_link(desk.store, hashed(link), kept, address=address, now=desk.clock.now())
    if name is None:
        raise NotLoggedIn(_VOID)
    await give_back(desk.store, buckets_of("", address)[1:])
    return await _enter(desk, name, address)


async def _enter(desk: Desk, name: str, address: str) -> Entered:
    session = new_secret()
    await start_session(desk.store, hashed(session), name, address=address, now=desk.clock.now())
    return Entered(name, session)


def buckets_of(name: str, address: str) -> list[Bucket]:
    """Return what an attempt is counted by: 5 at once and 1 a minute by name, 20 and 1 in 10 seconds by address."""
    return [Bucket(hashed(f"name {name}"), 5, 60.0), Bucket(hashed(f"address {_whose(address)}"), 20, 10.0)]


def _whose(address: str) -> str:
    """Return what one line to the network has: of IPv6 a whole /64, in which each attempt could have its own."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))
