"""Workers: two processes that execute flow runs one after the other, killed when told to, and then followed by others.

Prefect's own worker starts a process for each flow run. Here a process goes on to the next one, which saves the half
second that it takes to get warm; what a run shares with the one before it is imported code, and nothing else.
"""

import json
import os
import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.drills.week.timetable import Deployment
from tests.forked import ROOT, Forked

AT_ONCE = 2
LONGEST_SECONDS = 7200  # a process of theirs lives no longer; a week takes minutes
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Start:
    """One flow run that is to be executed; `planned` None: on demand."""

    deployment: Deployment
    request: dict[str, Any]
    planned: datetime | None = None
    attempt: int = 1
    flow_run: str = field(default_factory=lambda: str(uuid.uuid4()))

    def again(self) -> "Start":
        """Return the same flow run, delivered once more."""
        return replace(self, attempt=self.attempt + 1)

    def arguments(self, ahead: timedelta, *, is_quick: bool) -> dict[str, Any]:
        """Return what `working.execute` is to be told."""
        every = self.deployment.every if self.planned is not None else None
        return {
            "flow": self.deployment.flow,
            "request": self.request,
            "flow_run": self.flow_run,
            "attempt": self.attempt,
            "planned": None if self.planned is None else self.planned.isoformat(),
            "every_seconds": None if every is None else every.total_seconds(),
            "ahead_seconds": ahead.total_seconds(),
            "is_quick": is_quick,
        }


@dataclass(frozen=True)
class End:
    """What came of it: Completed, Skipped, StoodBack, Failed, Cancelled, or Killed."""

    start: Start
    state: str
    told: dict[str, Any]


class Workers:
    """Executes flow runs, and waits for them."""

    def __init__(self, home: Path, environment: dict[str, str], *, is_quick: bool) -> None:
        self.errors = home / "errors.log"
        self._environment, self._is_quick = environment, is_quick
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._running: dict[int, str] = {}  # deployments by process

    def __enter__(self) -> Self:
        self._idle = [self._new() for _ in range(AT_ONCE)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._idle:
            worker.dismiss()

    def kill(self, flow: str | None = None) -> int:
        """Kill the processes that are at work now, on one flow or whatever; return how many."""
        with self._lock:
            pids = [pid for pid, name in self._running.items() if flow in {None, name.split("/", maxsplit=1)[0]}]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            return len(pids)

    def execute(self, starts: Sequence[Start], ahead: timedelta) -> list[End]:
        """Execute them, the first first; one that meets a run of its deployment is cancelled where it is declared so.

        `ahead`: how much later it is there than on this machine.
        """
        waiting = deque(starts)
        ends: list[End] = []

        def work() -> None:
            while (end := self._next(waiting, ahead)) is not None:
                ends.append(end)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(work) for _ in range(min(AT_ONCE, len(starts)))]:
                done.result()
        return ends

    def at_once(self, *calls: dict[str, Any]) -> list[dict[str, Any]]:
        """Make calls beside each other, no more than there are workers; return what came of each."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda call: self._with_a_worker("", lambda one: one.do(call))[1], calls))

    def _next(self, waiting: deque[Start], ahead: timedelta) -> End | None:
        with self._lock:
            if not waiting:
                return None
            start = waiting.popleft()
            name = start.deployment.name
            if start.deployment.is_alone and name in self._running.values():
                return End(start, "Cancelled", {})
            worker = self._idle.pop()
            self._running[worker.pid] = name
        call = {"execute": start.arguments(ahead, is_quick=self._is_quick)}
        state, told = self._done(worker, lambda one: one.do(call))
        return End(start, state, told)

    def _with_a_worker(self, name: str, act: "_Act") -> tuple[str, dict[str, Any]]:
        with self._lock:
            worker = self._idle.pop()
            self._running[worker.pid] = name
        return self._done(worker, act)

    def _done(self, worker: "_Worker", act: "_Act") -> tuple[str, dict[str, Any]]:
        told = act(worker)
        code = None if told is not None else worker.ended()
        with self._lock:
            del self._running[worker.pid]
            self._idle.append(worker if told is not None else self._new())
        if told is None:
            return ("Killed" if code == -signal.SIGKILL else f"exit {code}"), {}
        return str(told.get("state", "")), told

    def _new(self) -> "_Worker":
        return _Worker(self._environment, self.errors)


class _Worker:
    """One process, asked by lines of JSON."""

    def __init__(self, environment: dict[str, str], errors: Path) -> None:
        its_input, asked = os.pipe()
        said, its_output = os.pipe()
        with errors.open("ab") as log:
            self._process = Forked(
                "tests.drills.week.working:serve",
                {},
                env=environment,
                cwd=ROOT,
                streams=(its_input, its_output, log),
                seconds=LONGEST_SECONDS,
            )
        os.close(its_input)
        os.close(its_output)
        self._asked, self._said = os.fdopen(asked, "w"), os.fdopen(said)
        self.pid = self._process.pid

    def do(self, call: dict[str, Any]) -> dict[str, Any] | None:
        """Let it do something and return what it says; None: it was killed at it."""
        try:
            self._asked.write(json.dumps(call) + "\n")
            self._asked.flush()
            line = self._said.readline()
            return dict(json.loads(line)) if line else None
        except (BrokenPipeError, ValueError):  # it was killed before, or in the middle of what it said
            return None

    def ended(self) -> int:
        """Wait for the end of one that says nothing any more; return its exit code."""
        self._close()
        return self._process.join(_END_SECONDS)

    def dismiss(self) -> None:
        """Let it end: nothing more is asked of it."""
        self._close()
        with suppress(TimeoutError):
            self._process.join(_END_SECONDS)

    def _close(self) -> None:
        for stream in (self._asked, self._said):
            with suppress(OSError):
                stream.close()


_Act = Callable[[_Worker], dict[str, Any] | None]
