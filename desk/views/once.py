"""One answer for many who ask at once: made once, good for a moment, its fault shared by those who waited."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from models.clock import Clock

T = TypeVar("T")
GOOD_FOR = timedelta(seconds=1)


class Once(Generic[T]):
    """Keeps the last answer for a second."""

    def __init__(self, clock: Clock, good_for: timedelta = GOOD_FOR) -> None:
        self._clock, self._good_for = clock, good_for
        self._making: asyncio.Task[T] | None = None
        self._made: tuple[timedelta, T] | None = None

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return the answer, made now where there is none that is good. Raises: what `make` raises."""
        made = self._made
        if made is not None and self._clock.elapsed() - made[0] < self._good_for:
            return made[1]
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make(make))
        return await asyncio.shield(self._making)

    def forget(self) -> None:
        """Have the next one made anew: somebody changed something, and wishes to see it."""
        self._made = self._making = None

    async def _make(self, make: Callable[[], Awaitable[T]]) -> T:
        began = self._clock.elapsed()
        answer = await make()
        if self._making is asyncio.current_task():  # else it was forgotten meanwhile, and may not show what changed
            self._made = (began, answer)
        return answer
