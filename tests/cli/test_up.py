"""`nija up` brings the whole stack up, keeps it up whatever dies, and leaves nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from cli.stack.processes import marked
from models.stack import PartRecord, StackRecord, read_record
from tests.cli.command import COMMAND, Nija, Ran, wait_until

pytestmark = [pytest.mark.wire, pytest.mark.timeout(600)]

_COMES_UP_SECONDS = 240


class Stack:
    """A `nija up` on a machine of its own, on ports of its own."""

    def __init__(self, machine: Nija) -> None:
        self.machine = machine
        self.port, self.postgres_port, self.metrics_port = free_ports(3)
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
        ports = {"--port": self.port, "--postgres-port": self.postgres_port, "--metrics-port": self.metrics_port}
        return ["up", *(str(word) for port in ports.items() for word in port)]

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
        wait_until(lambda: self.part(name).starts == 2 and self.is_up(), seconds=_COMES_UP_SECONDS)

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


@pytest.fixture
def machine() -> Iterator[Nija]:
    # PostgreSQL does not run as root: what root's tests are given to write in, another user cannot reach.
    folder = Path(mkdtemp(prefix="nija-up-"))
    yield Nija(folder, "")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack(machine: Nija, kraken: RunningVenue) -> Iterator[Stack]:
    machine.serves(kraken, "second")
    stack = Stack(machine)
    yield stack
    for _ in range(2):
        with suppress(ProcessLookupError):
            stack.process.send_signal(signal.SIGTERM)
    stack.process.wait(180)


def test_the_stack_comes_up_works_outlives_its_parts_and_goes_without_a_trace(stack: Stack) -> None:
    wait_until(stack.is_up, seconds=_COMES_UP_SECONDS)
    wait_until(lambda: "COMPLETED" in started_up(stack), seconds=120)

    status = stack.typed("status", "--json")
    second = stack.typed(*stack.arguments)
    stack.falls("server")
    stack.falls("postgres")
    marker = stack.record.marker if stack.record else ""
    stack.process.send_signal(signal.SIGINT)
    code = stack.process.wait(180)

    assert status.code == 0
    assert (status.report["stack"]["up"], status.report["accounts"][0]["last_run"]) == (True, "normalize")
    assert {p["part"]: p["state"] for p in status.report["stack"]["parts"]} == {
        "postgres": "ready",
        "server": "ready",
        "setup": "done",
        "worker": "ready",
        "metrics": "ready",
    }
    assert second.code == 1
    assert f"runs here already, as process {stack.process.pid}" in second.complaint
    assert code == 0, stack.words.read_text()
    assert marked(marker) == []
    assert not any(listens(port) for port in (stack.port, stack.postgres_port, stack.metrics_port))
    after = stack.typed("status")
    assert (after.code, "the PostgreSQL of `nija up`, which does not run" in after.err) == (1, True)
    assert not readable_by_others(stack.machine.home)


def test_a_taken_port_is_one_line_and_leaves_nothing_running(machine: Nija) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]

        ran = machine("up", "--port", str(taken), "--postgres-port", str(free_ports(1)[0]))

    assert ran.code == 1
    assert f"--port: port {taken} is taken by process {os.getpid()}" in ran.complaint
    assert not (machine.home / "postgres").exists()


def started_up(stack: Stack) -> str:
    return ",".join(run["state_type"] for run in stack.runs() if run["name"].startswith("start"))


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def readable_by_others(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.lstat().st_mode & 0o044 and not path.is_symlink()]
