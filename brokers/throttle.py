"""Stay within what a venue allows, together with all processes of the store: what is urgent goes first.

A call waits here before it is signed. A venue that refuses it for its rate closes the allowance it speaks of, for every
process, until the instant that the venue named.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from brokers.allowance import AT_ONCE, MAX_WAIT_SECONDS, Allowance, Caller, KeptBack
from brokers.errors import Answer
from brokers.level_books import Book, OwnBook, SharedBook
from brokers.limits import Allowed, Limits, Request, limits_of
from models.clock import Clock
from models.errors import NotAsked, SignAgain
from models.store.engine import Store
from rules.throttle import LEASE_SECONDS, Priority

REQUEUES = 3  # a call that is refused for its rate so many times fails
_BANNED = 418  # Binance: this address, whatever was called
_NAMED_INSTANT = re.compile(r"banned until (\d{13})")

_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.NORMAL)


@contextmanager
def priority(wanted: Priority) -> Iterator[None]:
    """Make what the block calls as urgent as this."""
    token = _priority.set(wanted)
    try:
        yield
    finally:
        _priority.reset(token)


@dataclass(frozen=True, slots=True)
class Throttle:
    """Every allowance that this process spends of. `factor`: how much more the venues grant than the least.

    `trusts_this_machine`: calls to an address on this machine go at once until one is refused for its rate there. It is
    a simulator, which has no limits as a rule, or a proxy, whose first refusal tells.
    """

    store: Store
    clock: Clock
    factor: float = 1.0
    trusts_this_machine: bool = True
    _known: dict[str, Allowance] = field(default_factory=dict)
    _spared: set[str] = field(default_factory=set)
    _refused_at: set[str] = field(default_factory=set)

    def spare(self, url: str) -> None:
        """Let all calls to a simulated venue go at once that does not count them."""
        self._spared.add(url)

    def gate(self, venue: str, url: str | None, api_key: str | None, limits: Limits | None = None) -> "Gate | None":
        """Return where the calls of one client pass; None: nowhere. The key tells clients apart, and is not kept.

        `limits` None: those known of the venue.
        """
        if url in self._spared:
            return None
        key_id = "" if api_key is None else hashlib.sha256(api_key.encode()).hexdigest()[:32]
        return Gate(self, venue, url or "", key_id, limits or limits_of(venue))

    def is_counting(self, address: str) -> bool:
        """Whether the venue at an address is taken to count its calls."""
        return not (self.trusts_this_machine and is_on_this_machine(address)) or address in self._refused_at

    def refused(self, address: str) -> None:
        """Learn that the venue at an address counts its calls."""
        self._refused_at.add(address)

    def allowance(self, budget: str, allowed: Allowed, *, slots: int | None) -> Allowance:
        """Return one allowance: the same for all that spend of it in this process."""
        if budget not in self._known:
            book: Book = SharedBook(self.store) if allowed.is_shared else OwnBook(self.clock)
            limit = allowed.limit.times(self.factor)
            self._known[budget] = Allowance(budget, limit, book, self.clock, slots)
        return self._known[budget]

    async def close(self) -> None:
        """Give back what was not spent."""
        await asyncio.gather(*(allowance.let_go() for allowance in self._known.values()))


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the calls of one client pass."""

    throttle: Throttle
    venue: str
    address: str
    key_id: str
    limits: Limits

    @asynccontextmanager
    async def passing(self, request: Request, order_seconds: float | None) -> AsyncIterator[None]:
        """Let one call through when its turn has come. `order_seconds`: how long an order may wait; None: no order.

        Raises: NotAsked; SignAgain for an order whose time was over before its turn came; StoreError. Nothing was sent.
        """
        if not self.throttle.is_counting(self.address):
            yield
            return
        now = self._now()
        urgency = Priority.EMERGENCY if order_seconds is not None else _priority.get()
        latest = None if order_seconds is None else now + order_seconds
        caller = Caller(urgency, urgency <= Priority.EMERGENCY, latest)
        places = self._places(request)
        slot = next(iter(places))
        try:
            await self._pass(places, caller)
        except KeptBack as kept:
            raise await self._kept_back(kept, request, is_order=order_seconds is not None) from None
        try:
            yield
            for allowance in places:
                allowance.went_well()
        finally:
            slot.is_over(caller)

    async def refused(self, request: Request, answer: Answer, at_venue: datetime) -> None:
        """Close the allowance that a refusal speaks of."""
        self.throttle.refused(self.address)
        counted = [allowed for allowed in self.limits.all if allowed.cost(request) > 0 and self._counts(allowed)]
        first = self.limits.all[0]
        words = answer.venue_code or ""
        named = next((name for text, name in self.limits.refusals.items() if words.startswith(text)), "")
        if answer.status == _BANNED:
            spoken_of = first
        else:
            names = (named, self.limits.usually)
            known = [allowed for name in names for allowed in (first, *counted) if allowed.name == name]
            spoken_of = (known or [*reversed(counted), first])[0]
        why = f"HTTP {answer.status}" if answer.status in {429, _BANNED} else "refused for its rate"
        await self._allowance(spoken_of, request).refuse(_told_seconds(answer, at_venue), why)

    async def _pass(self, places: dict[Allowance, float], caller: Caller) -> None:
        """Take from every allowance, the address's last; what was taken long before the last one is taken anew."""
        first, *others = places
        taken: dict[Allowance, float] = {}
        try:
            while True:
                stale = [
                    place for place in others if taken.get(place, -LEASE_SECONDS * 2) + LEASE_SECONDS < self._now()
                ]
                if not stale and first in taken:
                    break
                for place in stale:
                    await place.take(places[place], caller)
                    taken[place] = self._now()
                if first not in taken:
                    await first.take(places[first], caller)
                    taken[first] = self._now()
            if caller.latest is not None and self._now() > caller.latest:
                raise KeptBack(0, "its allowance is used up")  # noqa: TRY301 - one way to give the slot back
        except BaseException:
            if first in taken:
                first.is_over(caller)
            raise

    def _places(self, request: Request) -> dict[Allowance, float]:
        """Return what counts a call, and how much; the address counts every call, and be it for nothing."""
        found = {self._allowance(self.limits.all[0], request): self.limits.all[0].cost(request)}
        for allowed in self.limits.all[1:]:
            cost = allowed.cost(request)
            if cost > 0 and self._counts(allowed):
                found[self._allowance(allowed, request)] = cost
        return found

    def _counts(self, allowed: Allowed) -> bool:
        return bool(self.key_id) or not allowed.by_key

    def _allowance(self, allowed: Allowed, request: Request) -> Allowance:
        parts = [self.venue, self.address, allowed.name]
        parts += [allowed.each(request)] if allowed.each is not None else []
        parts += [self.key_id] if allowed.by_key else []
        slots = AT_ONCE if allowed is self.limits.all[0] else None
        return self.throttle.allowance("|".join(parts), allowed, slots=slots)

    async def _kept_back(self, kept: KeptBack, request: Request, *, is_order: bool) -> NotAsked | SignAgain:
        if is_order and kept.seconds <= MAX_WAIT_SECONDS:
            await self.throttle.clock.sleep(timedelta(seconds=kept.seconds))
            return SignAgain("RATE_LIMITED", self.venue, "place", f"not sent: {kept.why}, and its time was over")
        until = self.throttle.clock.now() + timedelta(seconds=kept.seconds)
        return NotAsked("RATE_LIMITED", self.venue, request.path, f"not asked: {kept.why}", until)

    def _now(self) -> float:
        return self.throttle.clock.elapsed().total_seconds()


def _told_seconds(answer: Answer, at_venue: datetime) -> float | None:
    """Return for how long the venue wants to be left alone; None: it does not say."""
    named = _NAMED_INSTANT.search(answer.body or "")
    if named is not None:
        return max(0.0, int(named.group(1)) / 1000 - at_venue.timestamp())
    told = (answer.retry_after or "").strip()
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - at_venue).total_seconds())
    except (ValueError, TypeError):
        return None


def is_on_this_machine(address: str) -> bool:
    """Whether an address is of the loopback interface."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
