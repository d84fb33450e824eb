"""Tell open pages that something changed, within two seconds: one cheap look a desk, however many look on.

A page names the topics it shows (the tables; see `desk.figures`), and is called when the figure of one of them changes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from desk.figures import TOPICS, figures
from models.clock import Clock
from models.errors import StoreError
from models.store.engine import Store
from models.store.sessions import standing_sessions

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=1)
Callback = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class Listener:
    """One open page. `session`: whose it is; `ended` is called once, when that session is over."""

    topics: frozenset[str]
    callback: Callback
    session: str | None = None
    ended: Callback | None = None
    busy: bool = field(default=False, repr=False)
    again: bool = field(default=False, repr=False)


class Live:
    """The pages that are open, and the look at the store that they share. Nobody there: nobody looks."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._listeners: set[Listener] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: dict[str, str] | None = None

    def follow(
        self,
        topics: Iterable[str],
        callback: Callback,
        *,
        session: str | None = None,
        ended: Callback | None = None,
    ) -> Listener:
        """Call back whenever something of the topics changed, until `leave`. Never twice at once for one listener.

        Raises: ValueError for a topic that nobody looks at.
        """
        wanted = frozenset(topics)
        if unknown := wanted - TOPICS:
            raise ValueError(f"unknown topics: {', '.join(sorted(unknown))}")
        listener = Listener(wanted, callback, session, ended)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.discard(listener)

    def tell(self, topics: Collection[str]) -> None:
        """Call everybody who follows one of the topics."""
        for listener in list(self._listeners):
            if not listener.topics.isdisjoint(topics):
                self._call(listener)

    async def look(self) -> frozenset[str]:
        """Look once, tell who follows what changed, and end the pages whose session is over; return what changed."""
        if not self._listeners:
            self._known = None
            return frozenset()
        found = await figures(self._store, self._clock.now())
        known, self._known = self._known, found
        changed = frozenset() if known is None else frozenset(t for t in found if found[t] != known.get(t))
        self.tell(changed)
        await self._end_sessions()
        return changed

    async def run(self) -> None:
        """Look each second, until it is canceled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("the desk cannot look at the store", extra={"code": error.code})
            await self._clock.sleep(EVERY)

    async def close(self) -> None:
        """Let go of everybody."""
        self._listeners.clear()
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _end_sessions(self) -> None:
        held = [listener for listener in self._listeners if listener.session is not None]
        if not held:
            return
        standing = await standing_sessions(self._store, now=self._clock.now())
        for listener in held:
            if listener.session not in standing:
                self.leave(listener)
                if listener.ended is not None:
                    self._start(listener.ended())

    def _call(self, listener: Listener) -> None:
        if listener.busy:
            listener.again = True
            return
        listener.busy = True
        self._start(self._run(listener))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
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
