"""A `nija up` on a machine of its own, for the tests that want a whole stack."""

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from models.stack import PartRecord, StackRecord, read_record
from tests.cli.command import COMMAND, Nija, Ran, wait_until

COMES_UP_SECONDS = 240


class Stack:
    """A `nija up` on a machine of its own, on ports of its own."""

    def __init__(self, machine: Nija) -> None:
        self.machine = machine
        self.port, self.postgres_port, self.metrics_port, self.desk_port = free_ports(4)
        self.words = machine.folder / "up.out"
        # As in a terminal where nobody has set anything.
        self.environment = {k: v for k, v in machine.environment.items() if not k.startswith("PREFECT_")}
        with self.words.open("wb") as words:
            self.process = subprocess.Popen(
                [COMMAND, *self.arguments],
                cwd=machine.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )

    @property
    def arguments(self) -> list[str]:
        ports = {
            "--port": self.port,
            "--postgres-port": self.postgres_port,
            "--metrics-port": self.metrics_port,
            "--desk-port": self.desk_port,
        }
        return ["up", *(str(word) for port in ports.items() for word in port)]

    @property
    def ports(self) -> tuple[int, ...]:
        return self.port, self.postgres_port, self.metrics_port, self.desk_port

    @property
    def record(self) -> StackRecord | None:
        return read_record(self.machine.home)

    def part(self, name: str) -> PartRecord:
        assert self.record is not None
        found = self.record.part(name)
        assert found is not None
        return found

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.words.read_text()
        return self.record is not None and self.record.up

    def typed(self, *arguments: str) -> Ran:
        """Type a command in another terminal of the same home."""
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.machine.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def falls(self, name: str) -> None:
        """Kill a part, and wait until everything is well again."""
        process = self.part(name).process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: self.part(name).starts == 2 and self.is_up(), seconds=COMES_UP_SECONDS)

    def runs(self) -> list[dict[str, Any]]:
        """Return the flow runs that the server knows."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/flow_runs/filter",
            data=b"{}",
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server
            found: list[dict[str, Any]] = json.loads(answer.read())
        return found


@contextmanager
def running(machine: Nija) -> Iterator[Stack]:
    """Start a stack, and end it whatever comes."""
    stack = Stack(machine)
    try:
        yield stack
    finally:
        for _ in range(2):
            with suppress(ProcessLookupError):
                stack.process.send_signal(signal.SIGTERM)
        stack.process.wait(60)


@pytest.fixture
def machine() -> Iterator[Nija]:
    # PostgreSQL does not run as root: what root's tests are given to write in, another user cannot reach.
    folder = Path(mkdtemp(prefix="nija-up-"))
    yield Nija(folder, "")
    shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
