"""What is due of one account, and when each of it may be tried: at once at first, then after ever longer rests."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta

from models.clock import Clock
from models.exits import ExitSignal
from rules.exit_watch import retry_seconds

SOON_AGAIN = timedelta(seconds=1)  # another run has the account, or a breaker of ours is open
LONGEST_REST = timedelta(seconds=30)  # while a breaker is open, whatever it says: another process may close it


class DueExits:
    """Exits that are due, by symbol, with how often each has failed."""

    def __init__(self, clock: Clock) -> None:
        self.signals: dict[str, ExitSignal] = {}
        self._clock = clock
        self._failed: dict[str, int] = {}
        self._retry_at: dict[str, timedelta] = {}
        self._changed = asyncio.Event()

    def crossed(self, symbol: str, signal: ExitSignal) -> None:
        """Note that an exit is due; whoever waits is woken."""
        self.signals[symbol] = signal
        self._changed.set()

    def forget(self, symbol: str) -> None:
        """Note that it is not due any more: it was made, its price came back, or its position is gone."""
        self.signals.pop(symbol, None)
        self._failed.pop(symbol, None)
        self._retry_at.pop(symbol, None)

    def keep_only(self, symbols: Collection[str]) -> None:
        """Forget all others."""
        for symbol in self.signals.keys() - set(symbols):
            self.forget(symbol)

    def times_failed(self, symbol: str) -> int:
        """Return how often an exit failed in a row."""
        return self._failed.get(symbol, 0)

    def failed(
        self, symbol: str, *, is_urgent: bool = True, is_soon: bool = False, kept_until: datetime | None = None
    ) -> None:
        """Let an exit rest that has failed.

        `is_soon`: what kept it back may be over at any moment. `kept_until`: nobody was asked, and till then nobody
        will be.
        """
        self._failed[symbol] = self.times_failed(symbol) + 1
        rest = timedelta(seconds=retry_seconds(self._failed[symbol], is_urgent=is_urgent))
        if is_soon:
            rest = min(rest, SOON_AGAIN)
        if kept_until is not None:
            first = timedelta(seconds=retry_seconds(1, is_urgent=is_urgent))
            rest = min(max(kept_until - self._clock.now(), first), LONGEST_REST)
        self._retry_at[symbol] = self._clock.elapsed() + rest

    def ready(self) -> list[str]:
        """Return what may be tried now."""
        now = self._clock.elapsed()
        return [symbol for symbol in self.signals if self._retry_at.get(symbol, now) <= now]

    async def until_ready(self) -> None:
        """Wait until something may be tried, or something else has crossed."""
        self._changed.clear()
        if self.ready():
            return
        later = [at for symbol, at in self._retry_at.items() if symbol in self.signals]
        wait = max((min(later) - self._clock.elapsed()).total_seconds(), 0.01) if later else None
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), wait)
