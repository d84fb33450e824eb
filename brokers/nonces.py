"""Nonces in order, for venues that refuse one below the last: one process at a time signs with a key, and sends.

Per key: stored, max(last + 1, now), in milliseconds, one call at a time from the draw to the answer.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from models.clock import Clock
from models.errors import StoreError
from models.store.engine import Store
from models.store.leases import Holder
from models.store.turns import Turn, end_turn, take_turn

TURN = timedelta(milliseconds=250)  # how long a key is kept while another process may want it
LINGER_SECONDS = 0.03  # between two calls of one account the turn is not given back
POLL = timedelta(milliseconds=10)
RESERVE = 2000  # nonces a turn, far more than the milliseconds it lasts


@dataclass(frozen=True, slots=True)
class Turns:
    """Takes turns for every key of this process."""

    store: Store
    holder: Holder
    clock: Clock
    call_seconds: float  # the longest a call may take
    cool_down: timedelta  # after a holder that vanished: what it sent last may still be under way
    _known: "dict[str, KeyTurn]" = field(default_factory=dict)

    def of(self, api_key: str) -> "KeyTurn":
        """Return the turn of one key: the same for all that use it in this process."""
        key_id = hashlib.sha256(api_key.encode()).hexdigest()[:32]
        return self._known.setdefault(key_id, KeyTurn(self, key_id))


class KeyTurn:
    """This process's use of one key."""

    def __init__(self, turns: Turns, key_id: str) -> None:
        self._turns = turns
        self.key_id = key_id
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._turn: Turn | None = None
        self._is_held = False  # in the store, for all this process knows: a canceled step may have got through
        self._taken_at = timedelta(0)
        self._last = 0
        self._lingering: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Hold the key for one call, from the signature to the answer. Raises: StoreError."""
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            if self._lingering is not None:
                self._lingering.cancel()
                self._lingering = None
            if self._turn is None or self._turns.clock.elapsed() - self._taken_at > TURN:
                await self._take()
            yield
        finally:
            self._lock.release()
            if not self._waiting and self._is_held:
                self._lingering = asyncio.create_task(self._give_back_soon())

    def draw(self) -> int:
        """Return the next nonce of the turn, in milliseconds. Raises: RuntimeError outside of a call."""
        if self._turn is None:
            raise RuntimeError("a nonce was drawn outside of a turn")
        self._last = max(self._last + 1, min(self._now_ms(), self._turn.last_nonce))
        return self._last

    async def close(self) -> None:
        """Give the turn back."""
        async with self._lock:
            if self._lingering is not None:  # not before: it may be at giving the turn back
                self._lingering.cancel()
            with suppress(StoreError):  # it runs out by itself
                await self._give_back()

    async def _take(self) -> None:
        if await self._give_back():
            await self._turns.clock.sleep(2 * POLL)  # long enough for whoever waits to see that it is free
        turns = self._turns
        seconds = turns.call_seconds + 2 * TURN.total_seconds()
        self._is_held = True
        while True:
            turn = await take_turn(
                turns.store,
                self.key_id,
                turns.holder,
                now_ms=self._now_ms(),
                reserve=RESERVE,
                seconds=seconds,
            )
            if turn is not None:
                break
            await turns.clock.sleep(POLL)
        self._turn, self._last, self._taken_at = turn, turn.first_nonce - 1, turns.clock.elapsed()
        if turn.after_a_death:
            await turns.clock.sleep(turns.cool_down)
            self._taken_at = turns.clock.elapsed()

    async def _give_back(self) -> bool:
        if not self._is_held:
            return False
        last, self._turn = None if self._turn is None else self._last, None
        is_wanted = await end_turn(self._turns.store, self.key_id, self._turns.holder, last)
        self._is_held = False
        return is_wanted

    async def _give_back_soon(self) -> None:
        await asyncio.sleep(LINGER_SECONDS)
        async with self._lock:
            with suppress(StoreError):
                await self._give_back()

    def _now_ms(self) -> int:
        return int(self._turns.clock.now().timestamp() * 1000)
