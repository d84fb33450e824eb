"""What a part of a stack is: a process with what it stands on, how it is asked whether it is well, how it is ended."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from models.stack import PartRecord, PartState, ProcessMark

# Says whether the part is well; it is told when the process that is asked about was started. It may take a while, and
# whatever it raises means no.
Probe = Callable[[datetime], Awaitable[bool]]
Work = Callable[[], Awaitable[None]]


async def at_once(_started: datetime) -> bool:
    """Take a part for well as soon as it runs."""
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack.

    `needs`: parts that are well before this one is started, and that end after it. `once`: it ends by itself with exit
    code 0, and is then done. `prepare` runs after the part answers for the first time and before anything may stand on
    it; what it raises ends the stack. `environment` is added to the supervisor's own. What the process says goes to
    `log`.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    well: Probe = at_once
    needs: tuple[str, ...] = ()
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    user: str | None = None  # only root can become somebody else
    once: bool = False
    prepare: Work | None = None
    start_seconds: float = 60
    unwell_seconds: float = 60
    stop_signal: signal.Signals = signal.SIGTERM
    hurry_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 10


@dataclass(slots=True)
class Life:
    """A part as it is now. `falls`: how often it ended by itself since it was last well for a while."""

    part: Part
    state: PartState
    since: datetime
    process: ProcessMark | None = None
    starts: int = 0
    falls: int = 0
    note: str = ""
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def holds(self) -> bool:
        """Whether other parts may stand on it."""
        return self.state in {PartState.READY, PartState.DONE}

    @property
    def over(self) -> bool:
        """Whether nothing of it runs, nor will."""
        return self.state in {PartState.STOPPED, PartState.DONE}

    def record(self) -> PartRecord:
        """Return what others may know of it."""
        return PartRecord(
            name=self.part.name,
            state=self.state,
            since=self.since,
            address=self.part.address,
            process=self.process,
            starts=self.starts,
            note=self.note,
        )


class PartFailed(Exception):
    """A part that the stack cannot come up without does not come up. `tail`: the last lines of what it said."""

    def __init__(self, name: str, why: str, log: Path, tail: str) -> None:
        super().__init__(name, why, log, tail)
        self.name, self.why, self.log, self.tail = name, why, log, tail

    def __str__(self) -> str:
        said = f"; its last words: {self.tail}" if self.tail else ""
        return f"{self.name} does not come up: it {self.why}{said} ({self.log})"
