"""One Prefect server for all test processes: the first that needs it starts it, the last one ends it."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import (
    PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
    PREFECT_API_URL,
    PREFECT_HOME,
    temporary_settings,
)

from tests.cli.command import wait_until

_START_SECONDS = 90


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the Prefect server of these tests keeps what it is told, the same for all test processes."""
    folder = tmp_path_factory.getbasetemp()
    home = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "prefect-server"
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture(scope="session")
def prefect_api(prefect_home: Path) -> Iterator[str]:
    """Return the address of a `prefect server start`: the first test process starts it, the last one ends it."""
    desk = prefect_home / "users.json"
    with _locked(prefect_home):
        server = json.loads(desk.read_text()) if desk.exists() else {"users": 0}
        if not server["users"]:
            server |= _start(prefect_home)
        desk.write_text(json.dumps(server | {"users": server["users"] + 1}))
    yield server["api"]
    with _locked(prefect_home):
        server = json.loads(desk.read_text())
        desk.write_text(json.dumps(server | {"users": server["users"] - 1}))
        if server["users"] == 1:
            os.kill(server["pid"], signal.SIGTERM)


@pytest.fixture(scope="session")
def prefect_server(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the flows of this test process on the server."""
    private = {
        PREFECT_API_URL: prefect_api,
        PREFECT_HOME: tmp_path_factory.mktemp("prefect"),
        PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True,  # it speaks plain HTTP; loading certificates takes 70 ms a run
    }
    with temporary_settings(private):
        yield


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(home: Path) -> dict[str, Any]:
    """Start the server on a free port and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    api = f"http://127.0.0.1:{port}/api"
    wait_until(lambda: _answers(api), seconds=_START_SECONDS)
    return {"api": api, "pid": server.pid}


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=2) as answer:  # noqa: S310 - our own server
            return bool(answer.read().strip() == b"true")
    except (urllib.error.URLError, OSError):
        return False
