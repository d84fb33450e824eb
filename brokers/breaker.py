"""Keep calls away from a venue that does not answer: one breaker a way, known to every process through the store.

A call through a closed breaker costs no access to the store: what stands there is looked at every other second, for
all breakers at once, and calls that went well are only counted, until they are written down together.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from models.breaker import Breaker, BreakerKey, BreakerLimits, CallResult, CircuitState, Direction, address_of
from models.clock import Clock
from models.errors import NotAsked, StoreError, VenueError
from models.policy import Policy
from models.store.breakers import Calls, add_calls, change, look, remarkable
from models.store.engine import Store
from models.store.leases import Holder
from rules.breaker import Admission, ask, new_breaker, told

log = logging.getLogger(__name__)

LOOK_AGAIN_AFTER = timedelta(seconds=2)  # the longest that one process does not know what another one met
POLL = timedelta(milliseconds=50)  # while somebody else's probe is under way
COUNTED_AT_MOST = 500  # calls of a long run, before they are written down
_LONGER_THAN_A_CALL = 2  # a read may take several calls, and each may wait for its turn


@dataclass(slots=True)
class _Counted:
    """Calls not yet written down, and when the last one went well, on the clock that never jumps."""

    made: int = 0
    went_well_at: timedelta | None = None


class Breakers:
    """Every breaker of a process."""

    def __init__(self, store: Store, holder: Holder, clock: Clock, timeout_seconds: float) -> None:
        self.store = store
        self.holder = holder
        self.clock = clock
        self.timeout_seconds = timeout_seconds
        self._all: dict[BreakerKey, CircuitBreaker] = {}
        self._looking = asyncio.Lock()
        self._looked_at: timedelta | None = None
        self._seen: dict[BreakerKey, Breaker] = {}
        self._changed: dict[BreakerKey, timedelta] = {}
        self._counted: dict[BreakerKey, _Counted] = {}
        self._numbers = count(1)

    def of(self, venue: str, url: str | None, account: str, direction: Direction) -> "CircuitBreaker":
        """Return the breaker of one way; whoever goes it in this process gets the same."""
        key = BreakerKey(venue, address_of(url), account, direction)
        return self._all.setdefault(key, CircuitBreaker(self, key))

    async def known(self, key: BreakerKey) -> Breaker | None:
        """Return what was known two seconds ago at most; None: closed, without a fault. Raises: StoreError."""
        if self._is_old():
            async with self._looking:
                if self._is_old():
                    await self._look()
        return self._seen.get(key)

    def last_seen(self, key: BreakerKey) -> Breaker | None:
        """Return the same without a look."""
        return self._seen.get(key)

    def found(self, key: BreakerKey, breaker: Breaker) -> None:
        """Remember how a breaker stands, as this process has just found or made it."""
        self._seen[key] = breaker
        self._changed[key] = self.clock.elapsed()

    async def count(self, key: BreakerKey, *, went_well: bool) -> None:
        """Count a call that changed nothing."""
        counted = self._counted.setdefault(key, _Counted())
        counted.made += 1
        if went_well:
            counted.went_well_at = self.clock.elapsed()
        if counted.made >= COUNTED_AT_MOST:
            await self.write_down()

    async def write_down(self) -> None:
        """Add what was counted to the store; where that fails the counts are lost, and nothing else is."""
        counted, self._counted = self._counted, {}
        now = self.clock.elapsed()
        calls = {
            key: Calls(c.made, None if c.went_well_at is None else (now - c.went_well_at).total_seconds())
            for key, c in counted.items()
        }
        try:
            await add_calls(self.store, calls)
        except StoreError as error:
            log.warning("calls are not counted", extra={"code": error.code})

    def name_of_a_call(self) -> str:
        """Return a name that tells this process and one call of it."""
        return f"{self.holder.name}/{next(self._numbers)}"

    def is_dead(self, name: str | None) -> bool:
        """Whether the process that made a call is known to be gone."""
        return name is not None and self.holder.is_dead(name.rpartition("/")[0])

    def _is_old(self) -> bool:
        return self._looked_at is None or self.clock.elapsed() - self._looked_at >= LOOK_AGAIN_AFTER

    async def _look(self) -> None:
        began = self.clock.elapsed()
        seen, _ = await remarkable(self.store)
        # What this process has found meanwhile is newer.
        newer = {key: self._seen[key] for key, at in self._changed.items() if at >= began}
        self._seen, self._changed = seen | newer, {key: self._changed[key] for key in newer}
        self._looked_at = began


class CircuitBreaker:
    """One way to a venue."""

    def __init__(self, breakers: Breakers, key: BreakerKey) -> None:
        self._breakers = breakers
        self._key = key

    @asynccontextmanager
    async def calling(self, operation: str, policy: Policy, *, passes: bool = False) -> AsyncIterator[None]:
        """Make one call in the block, if the breaker lets it go, and tell the breaker what came of it.

        `passes`: it does not wait for a probe, and is kept back by an open breaker alone.
        Raises: NotAsked; StoreError where it is not known how the breaker stands.
        """
        probe = await self._admitted(operation, policy, passes=passes)
        try:
            yield
        except VenueError as error:
            result = CallResult.FAULT if error.is_transport else CallResult.NEITHER
            await self._tell(result, policy, probe, error.code)
            raise
        except BaseException:  # it was stopped half way: whoever probes next need not wait for that
            if probe is not None:
                await self._tell(CallResult.NEITHER, policy, probe)
            raise
        await self._tell(CallResult.SUCCESS, policy, probe)

    async def kept_back(self, operation: str) -> NotAsked | None:
        """Return how a call would be kept back now; None: it would go. Raises: StoreError."""
        if await self._is_closed():
            return None
        breaker, now = await look(self._breakers.store, self._key)
        if breaker is None or ask(breaker, now=now, by="", probe_seconds=0)[1] is not Admission.REFUSED:
            return None
        return self._refusal(operation, breaker, now)

    async def _admitted(self, operation: str, policy: Policy, *, passes: bool) -> str | None:
        """Wait until the call may go; return its name where its result decides. Raises: NotAsked, StoreError."""
        if await self._is_closed():
            return None
        name = self._breakers.name_of_a_call()

        def may_go(breaker: Breaker | None, now: float) -> tuple[Breaker, tuple[Admission, float]]:
            breaker = breaker or new_breaker(now)
            after, admission = ask(
                breaker,
                now=now,
                by=name,
                probe_seconds=self._longest_call_seconds(policy),
                passes=passes,
                probe_is_dead=self._breakers.is_dead(breaker.probe_by),
            )
            return after, (admission, now)

        while True:
            before, now = await look(self._breakers.store, self._key)
            breaker, (admission, now) = may_go(before, now)
            if admission is Admission.PROBE:  # nothing else is written
                breaker, (admission, now) = await change(self._breakers.store, self._key, may_go)
            self._breakers.found(self._key, breaker)
            if admission is Admission.REFUSED:
                raise self._refusal(operation, breaker, now)
            if admission is not Admission.WAIT:
                return name if admission is Admission.PROBE else None
            await self._breakers.clock.sleep(POLL)

    async def _is_closed(self) -> bool:
        known = await self._breakers.known(self._key)
        return known is None or known.state is CircuitState.CLOSED

    async def _tell(self, result: CallResult, policy: Policy, probe: str | None, code: str | None = None) -> None:
        known = self._breakers.last_seen(self._key)
        ends_a_row = result is CallResult.SUCCESS and known is not None and known.failures > 0
        if probe is None and result is not CallResult.FAULT and not ends_a_row:
            await self._breakers.count(self._key, went_well=result is CallResult.SUCCESS)
            return

        def after(breaker: Breaker | None, now: float) -> tuple[Breaker, None]:
            limits = BreakerLimits.of(policy)
            return told(breaker or new_breaker(now), result, now=now, limits=limits, probe=probe, code=code), None

        try:
            breaker, _ = await change(self._breakers.store, self._key, after)
        except StoreError as error:  # what came of the call is known all the same, and counts for more
            log.warning("a breaker is not told", extra={"venue": self._key.venue, "code": error.code})
            return
        self._breakers.found(self._key, breaker)
        if known is None or breaker.state is not known.state:
            log.info("breaker", extra={"venue": self._key.venue, "account": self._key.account, "state": breaker.state})

    def _refusal(self, operation: str, breaker: Breaker, now: float) -> NotAsked:
        key = self._key
        until: datetime = self._breakers.clock.now() + timedelta(seconds=(breaker.retry_at or now) - now)
        whose = "the venue's shared reads" if key.account == "*" else f"the {key.direction}s of {key.account}"
        why = f"the breaker of {whose} is open after {breaker.failures} faults, the last one {breaker.last_error_code}"
        return NotAsked("BREAKER_OPEN", key.venue, operation, why, until)

    def _longest_call_seconds(self, policy: Policy) -> float:
        tries = policy.balance_fetch_max_attempts
        pauses = sum(min(policy.balance_fetch_base_delay * 2.0**n, 30.0) for n in range(tries - 1))
        return _LONGER_THAN_A_CALL * (tries * self._breakers.timeout_seconds + pauses)


def calling(
    breaker: CircuitBreaker | None, operation: str, policy: Policy, *, passes: bool = False
) -> AbstractAsyncContextManager[None]:
    """Make one call through a breaker; without one nothing keeps it back."""
    return nullcontext() if breaker is None else breaker.calling(operation, policy, passes=passes)
