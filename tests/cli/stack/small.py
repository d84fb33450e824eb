"""Small real processes to supervise, and what a test asks of them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.stack.parts import Part, Probe
from cli.stack.supervisor import Manners, Supervisor
from models.stack import PartState, ProcessMark

QUICK = Manners(pauses=(0.05, 0.1), tries=3, healed=60, look_starting=0.02, look_running=0.02, probe=1)
SLEEPS = "import time\ntime.sleep(60)"
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"


class Yard:
    """A folder where processes leave words, and the supervisor that runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.history: list[tuple[str, PartState]] = []
        self.supervisor: Supervisor | None = None

    def part(self, name: str, script: str = SLEEPS, well: Probe | None = None, **rest: Any) -> Part:
        """Return a part that says when it begins and ends, and is well once it has begun."""
        begun = self.folder / f"{name}.begun"
        told = f"import os\nopen({str(begun)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"

        async def has_begun(_: datetime) -> bool:
            return begun.exists()

        return Part(
            name=name,
            command=(sys.executable, "-I", "-S", "-c", told + script),
            log=self.folder / f"{name}.log",
            well=well or has_begun,
            **{"start_seconds": 10, "stop_seconds": 5} | rest,
        )

    def pids(self, name: str) -> list[int]:
        """Return the processes that a part has had so far, in their order."""
        begun = self.folder / f"{name}.begun"
        return [int(line) for line in begun.read_text().split()] if begun.exists() else []

    def supervise(self, *parts: Part, manners: Manners = QUICK) -> Supervisor:
        """Return a supervisor of these parts, not started."""
        self.supervisor = Supervisor(
            parts, marker=self.folder.name, manners=manners, changed=self._changed, noted=self.notes.append
        )
        return self.supervisor

    @asynccontextmanager
    async def up(self, *parts: Part, manners: Manners = QUICK) -> AsyncIterator[Supervisor]:
        """Run the parts, wait until they are up, and end them with the block."""
        supervisor = self.supervise(*parts, manners=manners)
        running = asyncio.create_task(supervisor.run())
        try:
            await until(lambda: supervisor.up or running.done())
            yield supervisor
        finally:
            supervisor.stop()
            await running

    def order(self, state: PartState) -> list[str]:
        """Return which parts came to a state, in their order."""
        return [name for name, reached in self.history if reached is state]

    def _changed(self) -> None:
        assert self.supervisor is not None
        for name, life in self.supervisor.lives.items():
            if [s for n, s in self.history if n == name][-1:] != [life.state]:
                self.history.append((name, life.state))


def lives(pid: int) -> bool:
    """Whether a process runs; one that waits to be buried does not."""
    mark = ProcessMark.of(pid)
    return mark is not None and mark.process() is not None


def kill(pid: int) -> None:
    """Kill a process that the test started."""
    os.kill(pid, signal.SIGKILL)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that a process does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it waits for is in another process
            await asyncio.sleep(0.01)
