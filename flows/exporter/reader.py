"""Read for all that ask: one look at the store at a time, kept for some seconds, and never longer than a scrape waits.

The look runs in a thread of its own: whatever the store does to it, the endpoint answers.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from flows.exporter.board import Board
from flows.exporter.look import look_at
from flows.exporter.samples import add_samples
from models.clock import Clock
from models.errors import NijaError
from models.fleet import Fleet, load_fleet
from models.settings import Settings, policy_defaults
from models.store.engine import Store
from models.store.history import History
from models.store.migrate import HEAD

KEPT = timedelta(seconds=5)
KEPT_FAULT = timedelta(seconds=1)  # what is mended should be seen soon
PATIENCE = timedelta(seconds=8)  # Prometheus gives a scrape ten seconds
_PAST_SHARE = 20  # what reads whole tables is read anew no sooner than this many times what it took

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)  # a registry keeps it by what it is
class Reading(Collector):
    """What there is to say at one instant; `fault` and `problem` where store or fleet file could not be read."""

    at: datetime
    families: tuple[Metric, ...]
    fault: str | None = None
    problem: str = ""
    texts: dict[str, bytes] = field(default_factory=dict)  # as it was written out already, by form

    def collect(self) -> Iterator[Metric]:
        """Yield the families, as Prometheus' library asks for them."""
        yield from self.families

    @property
    def registry(self) -> CollectorRegistry:
        """Return what Prometheus' writers take."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry

    def describe(self) -> list[Metric]:
        """Name no metric beforehand: there is one collector, and no name can be taken."""
        return []


class Reader:
    """Reads fleet file and store when asked."""

    def __init__(self, settings: Settings, fleet: Path, clock: Clock) -> None:
        self._settings = settings
        self._path = fleet
        self._clock = clock
        self._fleet: tuple[tuple[int, int, int], Fleet] | None = None
        self._past: tuple[timedelta, History] | None = None  # until when it is good enough
        self._kept: tuple[timedelta, Reading] | None = None  # until when
        self._running: asyncio.Future[Reading] | None = None

    async def read(self) -> Reading:
        """Return what is known now, or was some seconds ago; a look that takes too long is a fault as well."""
        if self._kept is not None and self._clock.elapsed() < self._kept[0]:
            return self._kept[1]
        if self._running is None:
            self._running = asyncio.ensure_future(asyncio.to_thread(asyncio.run, self.read_now()))
            self._running.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(self._running), PATIENCE.total_seconds())
        except TimeoutError:
            problem = f"the store does not answer within {PATIENCE.total_seconds():g} s"
            return self._reading(Board(), self._clock.elapsed(), "STORE_SLOW", problem)

    async def read_now(self) -> Reading:
        """Look at the store. Never raises: what goes wrong is in the reading."""
        board, began = Board(), self._clock.elapsed()
        try:
            fleet = self._load_fleet()
            async with await Store.look_at(self._settings.store_url) as store:
                await self._look(board, store, fleet)
        except NijaError as error:
            return self._reading(Board(), began, error.code, str(error))
        except Exception as error:
            log.exception("metrics cannot be read")
            return self._reading(Board(), began, "INTERNAL_ERROR", f"{type(error).__name__}, see the log")
        return self._reading(board, began)

    async def _look(self, board: Board, store: Store, fleet: Fleet) -> None:
        began = self._clock.elapsed()
        past = self._past[1] if self._past is not None and began < self._past[0] else None
        factor = self._settings.limits_factor
        look = await look_at(store, fleet, self._clock.now(), limits_factor=factor, past=past)
        if past is None:
            now = self._clock.elapsed()
            self._past = (now + (now - began) * _PAST_SHARE, look.past)
        add_samples(board, look)

    def _load_fleet(self) -> Fleet:
        """Return the fleet, read anew where its file has changed. Raises: ConfigError."""
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            stamp = (0, 0, 0)
        if self._fleet is None or self._fleet[0] != stamp:
            self._fleet = (stamp, load_fleet(self._path, policy_defaults()))
        return self._fleet[1]

    def _reading(self, board: Board, began: timedelta, fault: str | None = None, problem: str = "") -> Reading:
        at = self._clock.now()
        board.add("nija_up", fault is None)
        if fault is not None:
            board.add("nija_fault", 1, code=fault)
        board.add("nija_build_info", 1, version=version("nija"), schema=HEAD)
        board.add("nija_read_timestamp_seconds", at)
        board.add("nija_scrape_duration_seconds", (self._clock.elapsed() - began).total_seconds())
        return Reading(at, board.families, fault, problem)

    def _done(self, running: "asyncio.Future[Reading]") -> None:
        self._running = None
        if not running.cancelled() and running.exception() is None:
            reading = running.result()
            self._kept = (self._clock.elapsed() + (KEPT if reading.fault is None else KEPT_FAULT), reading)
