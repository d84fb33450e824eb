"""One allowance of a venue, as this process spends it: who waits for it, in which order, and what is leased of it.

Emergencies have a lane of their own, so that they wait neither behind others nor for a store that answers late.
"""

import asyncio
import heapq
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from brokers.level_books import Book, OwnBook
from models.clock import Clock
from models.errors import StoreError
from models.store.throttles import Rule
from models.throttle import Level
from rules.throttle import Grant, Limit, backoff, close, due, give_back, lease_seconds, price, take

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 30.0  # for a venue that wants to be left alone; a call that would wait longer is kept back
ASK_AGAIN_SECONDS = 0.25  # others give back what they do not spend: it pays to ask before the time is over
STORE_PATIENCE_SECONDS = 1.0  # of an emergency; then it goes at this process's own rate
SLICE = 0.05  # of an allowance, what is leased at least where so much is left
AT_ONCE = 80  # calls under way to one address; the rest of the connections is for emergencies
_numbers = count()


class KeptBack(Exception):
    """The call was not made: it would have had to wait for longer than it may. `seconds`: until it may be tried."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(seconds, why)
        self.seconds, self.why = seconds, why


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants to call. `latest`: the end of the order's window on the process's own clock, in seconds."""

    priority: int
    is_emergency: bool
    latest: float | None = None


@dataclass(order=True, slots=True)
class _Waiter:
    due: float
    number: int
    price: float = field(compare=False)
    caller: Caller = field(compare=False)
    served: "asyncio.Future[None]" = field(compare=False)


@dataclass(slots=True)
class _Lane:
    """Those of one urgency who wait, and what is leased for them."""

    is_emergency: bool
    waiting: list[_Waiter] = field(default_factory=list)
    pump: "asyncio.Task[None] | None" = None
    units: float = 0.0
    spent: float = 0.0  # of the current lease
    expires: float = float("-inf")
    counts_until: float = 0.0


class Allowance:
    """One allowance. `slots`: how many calls may be under way; None: it does not matter here."""

    def __init__(self, budget: str, limit: Limit, book: Book, clock: Clock, slots: int | None = None) -> None:
        self._budget = budget
        self._limit = limit
        self._book = book
        self._clock = clock
        self._own = OwnBook(clock)
        self._lanes = {urgent: _Lane(urgent) for urgent in (True, False)}
        self._slots = slots
        self._slot_free = asyncio.Event()
        self._refusals = 0
        self._closed_until, self._closed_for = float("-inf"), ""
        self._idle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, cost: float, caller: Caller) -> None:
        """Wait until `cost` may be spent; zero waits only while the allowance is closed.

        Raises: KeptBack; StoreError.
        """
        lane = self._lanes[caller.is_emergency]
        charged = price(self._limit, cost, is_emergency=caller.is_emergency)
        if not lane.waiting and self._spend(lane, charged):
            return
        served: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        at = due(caller.priority, self._now())
        heapq.heappush(lane.waiting, _Waiter(at, next(_numbers), charged, caller, served))
        if lane.pump is None:
            lane.pump = asyncio.create_task(self._pump(lane))
        try:
            await served
        except asyncio.CancelledError:
            if not served.cancelled() and served.exception() is None:
                self.is_over(caller)  # it was served at the same moment
            raise

    def is_over(self, caller: Caller) -> None:
        """Give a slot back."""
        if self._slots is not None and not caller.is_emergency:
            self._slots += 1
            self._slot_free.set()

    def went_well(self) -> None:
        """Forget earlier refusals: the venue answers."""
        self._refusals = 0

    async def refuse(self, told_seconds: float | None, why: str) -> None:
        """Close the allowance for as long as the venue said, or for longer each time it refuses.

        Calls that were under way at the same time are refused together: that is one refusal.
        """
        now = self._now()
        if now >= self._closed_until:
            self._refusals += 1
        seconds = backoff(self._refusals) if told_seconds is None else told_seconds
        self._closed_until, self._closed_for = max(self._closed_until, now + seconds), why
        for lane in self._lanes.values():
            lane.units, lane.expires = 0.0, float("-inf")  # what was leased stays counted
        try:
            await self._book.change(self._budget, lambda level, at: (close(level, at, seconds, why), None))
        except StoreError:  # this process keeps to it; what the venue said of the call matters more than the others
            log.warning("the others cannot be told that an allowance is closed", extra={"budget": self._budget})

    async def let_go(self) -> None:
        """Give back what was leased and not spent."""
        if self._idle is not None:
            self._idle.cancel()
        for lane in self._lanes.values():
            units, lane.units, lane.expires = lane.units, 0.0, float("-inf")
            if units > 0:
                with suppress(StoreError):  # it counts as spent for a while, and no more
                    await self._book.change(self._budget, self._returning(units, lane.counts_until))

    def _returning(self, units: float, counts_until: float) -> Rule[None]:
        return lambda level, now: (give_back(level, self._limit, now, units, counts_until), None)

    def _spend(self, lane: _Lane, charged: float) -> bool:
        if not lane.is_emergency and self._slots == 0:
            return False
        now = self._now()
        for leased in (lane, self._lanes[False]):
            if leased.expires > now and leased.units >= charged:
                leased.units -= charged
                leased.spent += charged
                if self._slots is not None and not lane.is_emergency:
                    self._slots -= 1
                return True
        return False

    async def _pump(self, lane: _Lane) -> None:
        """Serve those who wait, the first one first."""
        try:
            while lane.waiting:
                first = lane.waiting[0]
                if first.served.done() or self._spend(lane, first.price):
                    heapq.heappop(lane.waiting)
                    if not first.served.done():
                        first.served.set_result(None)
                elif not lane.is_emergency and (urgent := self._lanes[True].pump) is not None:
                    await asyncio.wait([urgent])  # what they cannot have, nobody else can
                elif self._slots == 0 and not lane.is_emergency:
                    self._slot_free.clear()
                    await self._slot_free.wait()
                else:
                    await self._lease(lane, first)
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait: a pump has no caller
            self._fail(lane, error)
        finally:
            lane.pump = None

    async def _lease(self, lane: _Lane, first: _Waiter) -> None:
        """Get the next slice, or wait a while. Raises: StoreError."""
        left, lane.units = lane.units, 0.0
        wanted = sum(waiter.price for waiter in lane.waiting) + lane.spent
        wanted = max(wanted, self._limit.capacity * SLICE) if wanted else 0.0
        asked_at = self._now()

        def rule(level: Level, now: float) -> tuple[Level, Grant]:
            level = give_back(level, self._limit, now, left, lane.counts_until) if left > 0 else level
            return take(level, self._limit, now, least=first.price, wanted=wanted, is_emergency=lane.is_emergency)

        if asked_at < self._closed_until:
            grant = Grant(wait=self._closed_until - asked_at, closed_for=self._closed_for)
        else:
            grant = await self._ask(lane, rule, only_looks=wanted == 0 and left == 0)
        if grant.wait == 0:
            lane.units, lane.counts_until, lane.spent = grant.units, grant.counts_until, 0.0
            lane.expires = asked_at + lease_seconds(self._limit)
            self._give_back_later()
            return
        self._keep_back(lane, grant)
        if lane.waiting:
            await self._clock.sleep(timedelta(seconds=min(grant.wait, ASK_AGAIN_SECONDS)))

    async def _ask(self, lane: _Lane, rule: Rule[Grant], *, only_looks: bool) -> Grant:
        if only_looks:
            asking = asyncio.ensure_future(self._book.look(self._budget, lambda level, now: rule(level, now)[1]))
        else:
            asking = asyncio.ensure_future(self._book.change(self._budget, rule))
        if not lane.is_emergency:
            return await asking
        try:
            return await asyncio.wait_for(asking, STORE_PATIENCE_SECONDS)
        except (TimeoutError, StoreError):
            # Others may be spending, too: half of what the venue allows, by this process's own count.
            half = self._limit.times(0.5)
            charged = min(lane.waiting[0].price, half.capacity)

            def own(level: Level, now: float) -> tuple[Level, Grant]:
                return take(level, half, now, least=charged, wanted=charged, is_emergency=True)

            grant = await self._own.change(self._budget, own)
            return Grant(lane.waiting[0].price, wait=grant.wait) if grant.wait == 0 else grant

    def _keep_back(self, lane: _Lane, grant: Grant) -> None:
        """Send those away who would have to wait for too long."""
        now = self._now()
        for waiter in lane.waiting:
            latest = waiter.caller.latest
            too_late = latest is not None and now + grant.wait > latest
            if too_late or (grant.closed_for and grant.wait > MAX_WAIT_SECONDS):
                _fail(waiter, KeptBack(grant.wait, grant.closed_for or "its allowance is used up"))
        lane.waiting = [waiter for waiter in lane.waiting if not waiter.served.done()]
        heapq.heapify(lane.waiting)

    def _fail(self, lane: _Lane, error: Exception) -> None:
        failed, lane.waiting = lane.waiting, []
        for waiter in failed:
            _fail(waiter, error)

    def _give_back_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        later = lease_seconds(self._limit)
        self._idle = asyncio.get_running_loop().call_later(later, self._start_giving_back)

    def _start_giving_back(self) -> None:
        if all(lane.pump is None and lane.expires <= self._now() for lane in self._lanes.values()):
            task = asyncio.create_task(self.let_go())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _now(self) -> float:
        return self._clock.elapsed().total_seconds()


def _fail(waiter: _Waiter, error: Exception) -> None:
    if not waiter.served.done():
        waiter.served.set_exception(error)
