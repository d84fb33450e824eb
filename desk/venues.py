"""Ways to the venues for as long as a desk is open: opened anew now and then, for what venues list changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from models.clock import Clock
from models.fleet import Fleet
from models.settings import Settings
from tasks.runtime import Runtime, open_runtime

GOOD_FOR = timedelta(minutes=10)  # a market's steps and minimums, and whether it trades


@dataclass
class _Kept:
    runtime: Runtime
    stack: AsyncExitStack
    opened_at: timedelta
    users: int = 0
    is_old: bool = False


class FreshVenues:
    """One runtime that is kept at hand, replaced when it is old; the old one ends with its last user."""

    def __init__(self, settings: Settings, clock: Clock, fleet: Callable[[], Fleet]) -> None:
        self._settings, self._clock, self._fleet = settings, clock, fleet
        self._kept: _Kept | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Runtime]:
        """Yield a runtime with the fleet as it is now. Raises: StoreError."""
        kept = await self._take()
        try:
            yield replace(kept.runtime, fleet=self._fleet())
        finally:
            kept.users -= 1
            await self._end_if_unused(kept)

    async def drop(self) -> None:
        """Have the next one opened anew: keys have changed."""
        async with self._turn:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept.is_old = True
            await self._end_if_unused(kept)

    async def _take(self) -> _Kept:
        async with self._turn:
            old = self._kept
            if old is None or self._clock.elapsed() - old.opened_at >= GOOD_FOR:
                async with AsyncExitStack() as stack:
                    runtime = await stack.enter_async_context(open_runtime(self._settings, self._fleet(), self._clock))
                    self._kept = _Kept(runtime, stack.pop_all(), self._clock.elapsed())
                if old is not None:
                    old.is_old = True
                    await self._end_if_unused(old)
            kept = self._kept
            if kept is None:  # it was just made
                raise RuntimeError("no runtime")
            kept.users += 1
            return kept

    @staticmethod
    async def _end_if_unused(kept: _Kept) -> None:
        if kept.is_old and not kept.users:
            await kept.stack.aclose()
