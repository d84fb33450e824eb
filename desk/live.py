"""Tell open pages that something changed, within two seconds: one cheap look a desk, however many look on.

A page names the topics it shows (the tables), and is called when the figure of one of them changes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from models.clock import Clock
from models.errors import StoreError
from models.store.engine import Store

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=1)
Callback = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class Listener:
    """One open page. `stands`: asked each time whether there is still somebody there."""

    topics: frozenset[str]
    callback: Callback
    busy: bool = field(default=False, repr=False)
    again: bool = field(default=False, repr=False)


class Live:
    """The pages that are open, and the look at the store that they share."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._listeners: set[Listener] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, topics: Iterable[str], callback: Callback) -> Listener:
        """Call back whenever something of the topics changed, until `leave`. Never twice at once for one listener."""
        listener = Listener(frozenset(topics), callback)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.discard(listener)

    def tell(self, topics: Iterable[str]) -> None:
        """Call everybody who follows one of the topics."""
        changed = frozenset(topics)
        for listener in list(self._listeners):
            if listener.topics & changed:
                self._call(listener)

    def _call(self, listener: Listener) -> None:
        if listener.busy:
            listener.again = True
            return
        listener.busy = True
        task = asyncio.create_task(self._run(listener))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, listener: Listener) -> None:
        try:
            await listener.callback()
        except StoreError as error:
            log.warning("a page could not be brought up to date", extra={"code": error.code})
        finally:
            listener.busy = False
        if listener.again and listener in self._listeners:
            listener.again = False
            self._call(listener)

    async def close(self) -> None:
        """Let go of everybody."""
        self._listeners.clear()
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
