"""Processes that start in milliseconds: forked off one that all test processes share, and that has imported everything.

The first test process that needs it starts it; it ends itself once the last one is gone.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import IO, Any

ROOT = Path(__file__).parents[1]
_START_SECONDS = 90.0
# What an import reads off the environment is read when the process is warmed: as `nija normalize` would set it, but
# without a server.
_PREFECT = {
    "PREFECT_API_URL": "http://127.0.0.1:1/api",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


class Forked:
    """A process that was forked; like `subprocess.Popen`, with streams that the caller gives."""

    def __init__(
        self,
        call: str,
        arguments: Mapping[str, Any],
        *,
        env: Mapping[str, str],
        cwd: Path = ROOT,
        streams: Sequence[IO[Any] | int] = (),
        seconds: int = 90,
    ) -> None:
        """Call `module:function` with these arguments in a process of its own, which is killed after so many seconds.

        `streams`: its stdin, stdout and stderr; what it says on one that is not given goes to a log.
        """
        self.exitcode: int | None = None
        _here()
        self._connection = _connected()
        asked = {"call": call, "arguments": arguments, "env": dict(env), "cwd": str(cwd), "seconds": seconds}
        descriptors = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
        socket.send_fds(self._connection, [json.dumps(asked).encode() + b"\n"], descriptors)
        self._told = self._connection.makefile()
        self.pid: int = json.loads(self._told.readline())["pid"]

    def join(self, seconds: float) -> int:
        """Wait for its end and return its exit code, the negative signal where one killed it. Raises: TimeoutError."""
        if self.exitcode is None:
            self._connection.settimeout(seconds)
            self.exitcode = json.loads(self._told.readline())["code"]
            self._told.close()
            self._connection.close()
        return self.exitcode


def nija(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, streams: Sequence[IO[Any] | int], seconds: int = 90
) -> Forked:
    """Start the `nija` command; its streams are given."""
    return Forked(
        "tests.warm:command", {"arguments": list(arguments)}, env=env, cwd=cwd, streams=streams, seconds=seconds
    )


@cache
def _here() -> socket.socket:
    """Say that this test process is there, for as long as it lives; start the forking process where none is."""
    folder = _folder()
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _connected()
        except OSError:
            _start(folder)
            return _connected()


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(_folder() / "socket"))
    except OSError:
        connection.close()
        raise
    return connection


def _start(folder: Path) -> None:
    (folder / "socket").unlink(missing_ok=True)
    own = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"} or name.startswith("PYTHON")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(folder / "socket")],
            cwd=ROOT,
            env=own | _PREFECT | {"PREFECT_HOME": str(folder / "prefect")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # a Ctrl-C at the tests' terminal is not for it
        )
    assert process.stdout is not None
    assert process.stdout.readline() == b"warm\n", (folder / "log").read_text()
    process.stdout.close()


def _folder() -> Path:
    # A socket's path has little room: not below the folder of the tests.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    return Path(gettempdir()) / f"nija-warm-{run[:8]}"
