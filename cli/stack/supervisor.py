"""Keep the parts of a stack running: start each when what it stands on is well, start again what ended, end all.

Plain asyncio over processes; it knows of no database and no server. One task keeps one part. On the way down a part
waits for those that stand on it, and is watched until its turn comes, but not started again.
"""

import asyncio
import logging
import os
import pwd
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.stack.parts import Life, Part, PartFailed
from cli.stack.processes import MARKER, end, in_session, marked
from models.stack import PartState, ProcessMark

log = logging.getLogger(__name__)

_TAIL_BYTES = 4000
_GRACE_SECONDS = 5.0  # for what an ended part has left running


@dataclass(frozen=True, slots=True)
class Manners:
    """How patient a supervisor is, in seconds.

    `pauses`: before a part is started again, the last one for ever; the first again after it was well for `healed`.
    `tries`: how often a part may end before it was ever well; then the stack does not come up.
    """

    pauses: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 60)
    tries: int = 3
    healed: float = 60
    look_starting: float = 0.2
    look_running: float = 1
    probe: float = 5


class Supervisor:
    """Runs parts until it is told to stop. `changed` is called after every change, `noted` with what a person may read.

    `marker` stands in every process's environment, with the part's name.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        marker: str,
        manners: Manners | None = None,
        changed: Callable[[], None] = lambda: None,
        noted: Callable[[str], None] = lambda _: None,
    ) -> None:
        now = datetime.now(UTC)
        self.lives = {part.name: Life(part, PartState.WAITING, now) for part in parts}
        for part in parts:
            if unknown := set(part.needs) - self.lives.keys():
                raise ValueError(f"{part.name} stands on parts that are not there: {sorted(unknown)}")
        self._stands_on_it = {
            name: [life for life in self.lives.values() if name in life.part.needs] for name in self.lives
        }
        self._marker = marker
        self._manners = manners or Manners()
        self._changed, self._noted = changed, noted
        self._was_up = False
        self.stopping = False
        self.hurried = False

    @property
    def up(self) -> bool:
        """Whether every part is well or done."""
        return all(life.holds for life in self.lives.values())

    def stop(self) -> None:
        """End everything in its order; asked again, without giving anybody time."""
        self.hurried, self.stopping = self.stopping, True
        self._wake_all()

    async def run(self) -> None:
        """Run everything until `stop`. Nothing runs when it returns or raises.

        Raises: PartFailed for a part that was never well; what a part's `prepare` raises.
        """
        tasks = [asyncio.create_task(self._keep(life)) for life in self.lives.values()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            if not self.stopping:
                self.stop()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            await end(marked(self._marker), signal.SIGTERM, 0 if self.hurried else _GRACE_SECONDS)
        for task in done:
            task.result()
        for result in ended:
            if isinstance(result, BaseException):
                raise result

    async def _keep(self, life: Life) -> None:
        try:
            while await self._needs_hold(life):
                why = await self._live(life)
                if life.state is PartState.DONE or self.stopping:
                    break
                life.falls += 1
                if not self._was_up and life.falls >= self._manners.tries:
                    raise PartFailed(life.part.name, why, life.part.log, _tail(life.part.log))
                await self._pause(life, why)
        finally:
            life.process = None
            if life.state is not PartState.DONE:
                self._set(life, PartState.STOPPED)

    async def _needs_hold(self, life: Life) -> bool:
        """Wait for the parts that this one stands on; False where it is to stop first."""
        while not self.stopping and not self._stands(life):
            life.wake.clear()
            if life.state is not PartState.WAITING:
                self._set(life, PartState.WAITING)
            await self._sleep(life, self._manners.look_running)
        return not self.stopping

    async def _pause(self, life: Life, why: str) -> None:
        pauses = self._manners.pauses
        seconds = pauses[min(life.falls, len(pauses)) - 1]
        self._noted(f"{life.part.name} {why}; it is started again in {seconds:g} s")
        self._set(life, PartState.PAUSING, why)
        ends = _now() + seconds
        while not self.stopping and _now() < ends:
            await self._sleep(life, ends - _now())

    async def _live(self, life: Life) -> str:
        """Start the part and watch it to its end; return how it ended."""
        process = await self._start(life)
        over = asyncio.create_task(process.wait())
        try:
            why = await self._watch(life, over)
            return why or self._ended(life, over.result())
        finally:
            if not over.done():
                await self._end(life, over)
            await self._tidy(life)

    async def _watch(self, life: Life, over: "asyncio.Task[int]") -> str:
        """Watch a process until it ends, or is ended: then say why."""
        part, began, well_since = life.part, datetime.now(UTC), None
        patient_until = _now() + part.start_seconds
        while not over.done():
            life.wake.clear()
            if self._its_turn(life):
                return await self._end(life, over)
            if part.once or not await self._asked(life, began, over):
                if life.state is PartState.READY:
                    self._set(life, PartState.UNWELL)
                if well_since is not None and not self._stands(life):
                    patient_until = _now() + part.unwell_seconds  # the fault is not its own
            elif not over.done():
                well_since = well_since or _now()
                patient_until = _now() + part.unwell_seconds
                await self._is_well(life, well_since)
            if _now() > patient_until:
                await self._end(life, over)
                return "did not come up in time" if well_since is None else "did not answer any more"
            starting = life.state is PartState.STARTING
            await self._sleep(life, self._manners.look_starting if starting else self._manners.look_running, over)
        return ""

    async def _start(self, life: Life) -> asyncio.subprocess.Process:
        part = life.part
        part.log.parent.mkdir(parents=True, exist_ok=True)
        whose = f"{self._marker}/{part.name}"
        with part.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **part.environment, MARKER: whose},
                cwd=part.folder,
                start_new_session=True,  # a Ctrl-C at the terminal is for us, who end them in their order
                user=part.user,
                group=None if part.user is None else pwd.getpwnam(part.user).pw_gid,
                extra_groups=None if part.user is None else [],
            )
        life.process = ProcessMark.of(process.pid) or ProcessMark(pid=process.pid, began=0)
        life.starts += 1
        self._set(life, PartState.STARTING)
        return process

    async def _asked(self, life: Life, began: datetime, over: "asyncio.Task[int]") -> bool:
        """Ask the part whether it is well, as long as it lives."""
        asked = asyncio.ensure_future(life.part.well(began))
        await asyncio.wait({asked, over}, timeout=self._manners.probe, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            asked.cancel()
            await asyncio.wait({asked})
            return False
        try:
            return asked.result()
        except Exception as error:  # noqa: BLE001 - whatever a probe meets, it is not a yes
            log.debug("probe failed", extra={"part": life.part.name, "error": f"{type(error).__name__}: {error}"})
            return False

    async def _is_well(self, life: Life, since: float) -> None:
        if _now() - since >= self._manners.healed:
            life.falls = 0
        if life.state is PartState.READY or self.stopping:
            return
        if life.state is PartState.STARTING and life.part.prepare is not None:
            await life.part.prepare()
        if life.starts > 1:
            self._noted(f"{life.part.name} is well again")
        self._set(life, PartState.READY)

    def _ended(self, life: Life, code: int) -> str:
        if life.part.once and code == 0:
            self._set(life, PartState.DONE)
            return ""
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def _end(self, life: Life, over: "asyncio.Task[int]") -> str:
        """End the part's process, with the time it is given for that."""
        self._set(life, PartState.STOPPING)
        part, told_to_hurry = life.part, self.hurried
        ends = _now() + part.stop_seconds
        _send(life.process, part.hurry_signal if told_to_hurry else part.stop_signal)
        while not over.done() and _now() < ends:
            life.wake.clear()
            if self.hurried and not told_to_hurry:
                told_to_hurry = True
                _send(life.process, part.hurry_signal)
                ends = min(ends, _now() + _GRACE_SECONDS)
            await self._sleep(life, ends - _now(), over)
        if not over.done():
            _send(life.process, signal.SIGKILL)
        await over
        return "was ended"

    async def _tidy(self, life: Life) -> None:
        """End what an ended process has left in its session."""
        if life.process is not None:
            await end(in_session(life.process), signal.SIGTERM, 0 if self.hurried else _GRACE_SECONDS)

    def _its_turn(self, life: Life) -> bool:
        return self.stopping and all(other.over for other in self._stands_on_it[life.part.name])

    def _stands(self, life: Life) -> bool:
        return all(self.lives[name].holds for name in life.part.needs)

    def _set(self, life: Life, state: PartState, note: str = "") -> None:
        life.state, life.since, life.note = state, datetime.now(UTC), note
        self._was_up = self._was_up or self.up
        self._wake_all()
        self._changed()

    def _wake_all(self) -> None:
        for life in self.lives.values():
            life.wake.set()

    async def _sleep(self, life: Life, seconds: float, over: "asyncio.Task[int] | None" = None) -> None:
        """Sleep until something changes, the process ends, or the time is over."""
        awake = asyncio.create_task(life.wake.wait())
        until: set[asyncio.Task[Any]] = {awake} if over is None else {awake, over}
        await asyncio.wait(until, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        awake.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _send(leader: ProcessMark | None, number: signal.Signals) -> None:
    """Send a signal to a child of ours: its number is its own until it is waited for."""
    if leader is not None:
        with suppress(ProcessLookupError):
            os.kill(leader.pid, number)


def _tail(log: Path) -> str:
    """Return the last words of a log, in one line."""
    try:
        lines = [line.strip() for line in log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").splitlines()]
    except OSError:
        return ""
    return " | ".join([line for line in lines if line][-3:])[-400:]
