"""`nija up` brings the whole stack up, keeps it up whatever dies, and leaves nothing behind."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers.simulator.handle import RunningVenue
from cli.stack.processes import marked
from tests.cli.command import Nija, wait_until
from tests.cli.stack_up import COMES_UP_SECONDS, Stack, free_ports, machine, running

__all__ = ["machine"]

pytestmark = [pytest.mark.wire, pytest.mark.timeout(600)]


@pytest.fixture
def stack(machine: Nija, kraken: RunningVenue) -> Iterator[Stack]:
    machine.serves(kraken, "second")
    with running(machine) as stack:
        yield stack


def test_the_stack_comes_up_works_outlives_its_parts_and_goes_without_a_trace(stack: Stack) -> None:
    wait_until(stack.is_up, seconds=COMES_UP_SECONDS)
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
        "desk": "ready",
    }
    assert second.code == 1
    assert f"runs here already, as process {stack.process.pid}" in second.complaint
    assert code == 0, stack.words.read_text()
    assert marked(marker) == []
    assert not any(listens(port) for port in stack.ports)
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


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def readable_by_others(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.lstat().st_mode & 0o044 and not path.is_symlink()]
