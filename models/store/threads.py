"""SQLite in threads: reads beside each other, and the writes of many accounts committed together.

An async driver for SQLite sends every statement to a thread and back, a dozen trips a transaction. Here a transaction
is one trip, and the writes that wait at the same moment share one commit.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
Work = Callable[[Connection], Any]

_READERS = 4


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One piece of work, and whoever waits for its commit."""

    work: Work
    done: "asyncio.Future[Any]"


class SqliteThreads:
    """Runs short pieces of work on connections of their own, each piece whole or not at all."""

    def __init__(self, engine: Engine, lock: asyncio.Lock) -> None:
        self._engine = engine
        self._write_engine = engine.execution_options(writes=True)
        self._lock = lock  # of this process's writers: two would only make each other wait at the file
        self._readers = ThreadPoolExecutor(max_workers=_READERS, thread_name_prefix="nija-store-read")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nija-store-write")
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that only reads. Raises: DBAPIError."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` and return its result when it is committed. Raises: what it raises; DBAPIError of the commit."""
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        result: T = await waiting.done
        return result

    def close(self) -> None:
        """Let go of threads and connections."""
        self._readers.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        self._engine.dispose()

    async def _run(self) -> None:
        while self._waiting:
            async with self._lock:
                group, self._waiting = self._waiting, []
                loop = asyncio.get_running_loop()
                results = await loop.run_in_executor(self._writer, self._commit, [w.work for w in group])
            for waiting, result in zip(group, results, strict=True):
                if waiting.done.done():
                    continue  # it was canceled; what it wrote stands
                if isinstance(result, Exception):
                    waiting.done.set_exception(result)
                else:
                    waiting.done.set_result(result)
        self._running = None

    def _look(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return work(connection)

    def _commit(self, group: Sequence[Work]) -> list[Any]:
        """Run a group in one transaction; return each result, or the error in its place."""
        results: list[Any] = []
        try:
            with self._write_engine.begin() as connection:
                for work in group:
                    try:
                        with connection.begin_nested():
                            results.append(work(connection))
                    except Exception as error:  # noqa: BLE001 - it belongs to this one's waiter, not to the group
                        results.append(error)
        except DBAPIError as error:
            return [error] * len(group)  # the transaction failed, for everyone in it
        return results
