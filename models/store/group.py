"""Commit the writes of many accounts together on SQLite: one thread, one connection, one trip to the disk a group."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
Work = Callable[[Connection], Any]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One piece of work, and whoever waits for its commit."""

    work: Work
    done: "asyncio.Future[Any]"


class GroupWriter:
    """Runs short pieces of writing work in the order they come, all that wait at the same moment in one transaction."""

    def __init__(self, engine: Engine, lock: asyncio.Lock) -> None:
        self._engine = engine
        self._lock = lock  # of this process's writers: two would only make each other wait at the file
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nija-store")
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` and return its result when it is committed.

        A statement of it that fails undoes itself alone. Raises: DBAPIError, of its own work or of the commit.
        """
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        result: T = await waiting.done
        return result

    def close(self) -> None:
        """Let go of thread and connection."""
        self._thread.shutdown(wait=True)
        self._engine.dispose()

    async def _run(self) -> None:
        while self._waiting:
            async with self._lock:
                group, self._waiting = self._waiting, []
                loop = asyncio.get_running_loop()
                results = await loop.run_in_executor(self._thread, self._commit, [w.work for w in group])
            for waiting, result in zip(group, results, strict=True):
                if waiting.done.done():
                    continue  # it was canceled; what it wrote stands
                if isinstance(result, Exception):
                    waiting.done.set_exception(result)
                else:
                    waiting.done.set_result(result)
        self._running = None

    def _commit(self, group: Sequence[Work]) -> list[Any]:
        """Run a group in one transaction; return each result, or the error in its place."""
        results: list[Any] = []
        try:
            with self._engine.begin() as connection:
                for work in group:
                    try:
                        results.append(work(connection))
                    except DBAPIError as error:
                        results.append(error)
        except Exception as error:  # noqa: BLE001 - the transaction failed: it belongs to everyone who waits for it
            return [error] * len(group)
        return results
