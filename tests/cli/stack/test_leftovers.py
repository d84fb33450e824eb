"""What a `nija up` that was killed has left running is found by its marks, ended in its order, and nothing else is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.stack.leftovers import end_what_is_left
from cli.stack.processes import MARKER
from cli.stack.record import write_record
from models.stack import PartRecord, PartState, ProcessMark, StackRecord

SCRIPT = """
import os, signal, sys, time
def end(*_):
    open({order!r}, 'a').write({name!r} + ' ')
    os._exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print('there', flush=True)
time.sleep(60)
"""


class Leftovers:
    """Processes that somebody left running, and the record of who did."""

    def __init__(self, home: Path) -> None:
        self.home, self._order = home, home / "order"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def starts(self, name: str, marker: str = "mine") -> ProcessMark:
        """Start a process that writes down when it is told to end."""
        script = SCRIPT.format(order=str(self._order), name=name)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", script], env={MARKER: f"{marker}/{name}"}, stdout=subprocess.PIPE
        )
        self._running[name] = process
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        mark = ProcessMark.of(process.pid)
        assert mark is not None
        return mark

    def records(self, **parts: ProcessMark) -> None:
        now = datetime.now(UTC)
        record = StackRecord(
            supervisor=ProcessMark(pid=2**22 - 1, began=1),
            marker="mine",
            prefect_api_url="http://127.0.0.1:4200/api",
            database_url=SecretStr("postgresql://nija@127.0.0.1/nija"),
            own_postgres=True,
            holds_store=True,
            parts=tuple(
                PartRecord(name=name, state=PartState.READY, since=now, process=mark) for name, mark in parts.items()
            ),
        )
        write_record(self.home, record)

    @property
    def ended(self) -> list[str]:
        return self._order.read_text().split() if self._order.exists() else []

    def lives(self, name: str) -> bool:
        return self._running[name].poll() is None

    def go(self) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Leftovers]:
    left = Leftovers(tmp_path)
    yield left
    left.go()


async def test_what_is_left_is_ended_with_its_runs_and_the_database_last(left: Leftovers) -> None:
    marks = {name: left.starts(name) for name in ("postgres", "server", "worker")}
    left.starts("a-run")
    left.records(**marks)

    await end_what_is_left(left.home, lambda _: None)

    assert left.ended == ["worker", "server", "a-run", "postgres"]


async def test_a_process_of_another_stack_or_with_a_number_used_again_is_left_alone(left: Leftovers) -> None:
    reused = left.starts("reused", marker="another")
    left.starts("theirs", marker="another")
    left.records(worker=reused.model_copy(update={"began": reused.began - 60}))

    await end_what_is_left(left.home, lambda _: None)

    assert (left.lives("reused"), left.lives("theirs"), left.ended) == (True, True, [])


async def test_a_home_without_a_record_has_nothing_left(left: Leftovers) -> None:
    told: list[str] = []

    await end_what_is_left(left.home, told.append)

    assert told == []
