"""The hour at a venue: ours, and how far the venue's is from it. Requests are signed and windows are set by it."""

import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime, timedelta

import ccxt.async_support as ccxt

from brokers.errors import MALFORMED
from models.clock import Clock
from models.errors import NotAsked

log = logging.getLogger(__name__)

# Some venues tell whole seconds: a smaller offset is noise.
NOISE = timedelta(seconds=1)

_sent_at: ContextVar[tuple[datetime, timedelta]] = ContextVar("sent_at")  # the last request of this task


class VenueClock:
    """One venue's clock. Without a measurement it is taken to agree with ours."""

    def __init__(self, venue: str, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """Return the instant by the venue's clock."""
        return self._clock.now() + self.offset

    def here(self, at_venue: datetime) -> datetime:
        """Return an instant of the venue by our clock."""
        return at_venue - self.offset

    def sending(self) -> None:
        """Note that a request leaves now: it may have waited long for its turn, which is no way to the venue."""
        _sent_at.set((self._clock.now(), self._clock.elapsed()))

    async def measure(self, read: Callable[[], Awaitable[datetime | None]]) -> None:
        """Compare the venue's hour with ours, at the middle of the call; a call that fails changes nothing.

        The venue itself refuses what is signed with a wrong hour, so one that is not known does no harm.
        """
        self.sending()
        try:
            there = await read()
        except (ccxt.BaseError, TimeoutError, NotAsked, *MALFORMED):
            log.warning("the venue's hour cannot be read", extra={"venue": self._venue})
            return
        if there is None:
            return
        began, elapsed = _sent_at.get()
        half_way = (self._clock.elapsed() - elapsed) / 2
        offset = there - (began + half_way)
        noise = NOISE + half_way  # the venue may have looked at its clock at any moment of the call
        offset = timedelta(0) if abs(offset) <= noise else offset
        if abs(offset - self.offset) > noise:
            log.warning("clocks differ", extra={"venue": self._venue, "seconds": round(offset.total_seconds(), 1)})
        self.offset = offset
