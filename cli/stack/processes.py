"""Processes that others started: whether they live, what is left of them, and how they are ended without a doubt.

What a part of the stack starts may leave its group and its parent: each flow run has a session of its own, and outlives
a worker that is killed. A word in the environment, which every process inherits, finds them.
"""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

from models.stack import ProcessMark

MARKER = "NIJA_STACK"  # in the environment of every process of a stack: the stack's marker, and the part's name
_LOOK_SECONDS = 0.05


def marked(marker: str, *, but: str = "") -> list[ProcessMark]:
    """Return the processes of a stack; those of the part `but`, and ourselves, apart."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            whose, _, part = process.environ().get(MARKER, "").partition("/")
            if whose == marker and part != but and process.pid != os.getpid():
                found.append(ProcessMark(pid=process.pid, began=process.create_time()))
    return [mark for mark in found if mark.process() is not None]


def in_session(leader: ProcessMark) -> list[ProcessMark]:
    """Return the other processes of the session that a process leads or led."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != leader.pid and os.getsid(process.pid) == leader.pid:
                found.append(ProcessMark(pid=process.pid, began=process.create_time()))
    # The number of a session is given to no other process while one of it lives: what began before is not of it.
    return [mark for mark in found if mark.began >= leader.began - 1 and mark.process() is not None]


def tell(mark: ProcessMark, number: signal.Signals) -> None:
    """Send a signal to the very process, if it still lives."""
    process = mark.process()
    if process is not None:
        with suppress(psutil.Error, OSError):
            process.send_signal(number)


async def end(marks: Iterable[ProcessMark], number: signal.Signals, seconds: float) -> None:
    """Send a signal to every process, and kill what still lives after so many seconds."""
    left = list(marks)
    for mark in left:
        tell(mark, number)
    left = await gone(left, seconds)
    for mark in left:
        tell(mark, signal.SIGKILL)
    await gone(left, seconds=5)


async def gone(marks: Iterable[ProcessMark], seconds: float) -> list[ProcessMark]:
    """Wait until none of them lives, so many seconds at most; return those that do."""
    left = [mark for mark in marks if mark.process() is not None]
    ends = asyncio.get_running_loop().time() + seconds
    while left and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(_LOOK_SECONDS)
        left = [mark for mark in left if mark.process() is not None]
    return left
