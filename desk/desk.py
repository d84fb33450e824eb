"""One desk: what everything in this room is handed. There may be several over one store."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastapi import Request

from brokers.venues import check_venues
from desk.live import Live
from desk.venues import FreshVenues
from desk.views.measured import Measured
from desk.views.once import Once
from models.clock import Clock
from models.errors import ConfigError, NotAllowed, NotFound, NotLoggedIn
from models.fleet import Account, Fleet, load_fleet
from models.history_report import CoverageReport, GapsReport
from models.people import Permit, Role, Via, Who
from models.settings import DeskSettings, Settings, policy_defaults
from models.store.engine import Store
from models.store.sessions import who_has
from models.store.tokens import who_sent
from tasks.runtime import Runtime


@dataclass
class Desk:
    """A runtime, the settings of the desk, and what tells its pages that something changed.

    `fleet_problem`: why the fleet file, as it is now, is not the one that is shown; empty: it is.
    """

    runtime: Runtime
    served: DeskSettings
    live: Live
    venues: FreshVenues = field(init=False, repr=False)
    measured: Once[Measured] = field(init=False, repr=False)
    covered: Once[CoverageReport] = field(init=False, repr=False)
    gapped: Once[GapsReport] = field(init=False, repr=False)
    comparing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)  # it takes every processor
    fleet_problem: str = ""
    _fleet_seen: tuple[int, int] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Have ways to the venues at hand that know the fleet as it is then."""
        self.venues = FreshVenues(self.runtime.settings, self.runtime.clock, lambda: self.runtime.fleet)
        self.measured = Once(self.runtime.clock)
        self.covered = Once(self.runtime.clock)
        self.gapped = Once(self.runtime.clock)

    @classmethod
    def of(cls, runtime: Runtime, served: DeskSettings) -> "Desk":
        """Set a desk up over a runtime."""
        desk = cls(runtime, served, Live(runtime.store, runtime.clock))
        desk._fleet_seen = _mark(runtime.fleet.path)
        return desk

    @property
    def store(self) -> Store:
        """The store."""
        return self.runtime.store

    @property
    def fleet(self) -> Fleet:
        """The fleet as it was last read; without a fleet file, one without accounts."""
        return self.runtime.fleet

    @property
    def clock(self) -> Clock:
        """The clock."""
        return self.runtime.clock

    @property
    def settings(self) -> Settings:
        """What the environment says."""
        return self.runtime.settings

    def account(self, account_id: str) -> Account:
        """Return an account of the fleet. Raises: NotFound."""
        for account in self.fleet.accounts:
            if account.id == account_id:
                return account
        raise NotFound("account", account_id)

    def read_fleet_again(self) -> bool:
        """Read the fleet file anew where it changed; return whether the fleet did. A broken one changes nothing."""
        mark = _mark(self.fleet.path)
        if mark == self._fleet_seen:
            return False
        self._fleet_seen = mark
        try:
            fleet = load_fleet(self.fleet.path, policy_defaults())
            check_venues(fleet)
        except ConfigError as error:
            self.fleet_problem = str(error)
            return False
        self.fleet_problem = ""
        self.runtime = replace(self.runtime, fleet=fleet)
        return True

    async def again(self, who: Who) -> Who:
        """Look up who is there once more: a page may be open for hours.

        Raises: NotLoggedIn where their session or token is over; StoreError.
        """
        if who.via is Via.TERMINAL:
            return who
        now = self.clock.now()
        if who.via is Via.SESSION:
            found = await who_has(self.store, who.key, now=now)
        else:
            found = await who_sent(self.store, int(who.key), address=who.address, now=now)
        if found is None:
            raise NotLoggedIn("this session is over: log in again")
        return replace(found, address=who.address)

    async def require(self, who: Who, role: Role, permit: Permit | None = None) -> Who:
        """Make sure that somebody may do what takes a role, as the store knows them now. Every action begins with it.

        `permit`: what a token needs besides; None: no token may. Raises: NotLoggedIn, NotAllowed, StoreError.
        """
        return allowed(await self.again(who), role, permit)


def allowed(who: Who, role: Role, permit: Permit | None) -> Who:
    """Return somebody who may. Raises: NotAllowed."""
    if not who.may(role, permit):
        needed = f"the role {role.value}" if who.role.rank < role.rank or permit is None else f"the permit {permit}"
        raise NotAllowed(who.words, needed)
    return who


def desk_of(request: Request) -> Desk:
    """Return the desk that a request came to; it is put there by the door."""
    desk: Desk = request.state.desk
    return desk


def who_of(request: Request) -> Who:
    """Return who made a request. Raises: NotLoggedIn where nobody is known."""
    who: Who | None = request.state.who
    if who is None:
        raise NotLoggedIn
    return who


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
