"""What the tests of the command share: a Prefect server that runs, a machine to type on, a venue with work to do."""

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

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from tests.cli.command import Nija, wait_until

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


@pytest.fixture
def nija(tmp_path: Path, prefect_api: str) -> Nija:
    """Return a machine whose commands find the Prefect server."""
    return Nija(tmp_path, prefect_api)


@pytest.fixture
def offline(tmp_path: Path) -> Nija:
    """Return a machine for commands that need no Prefect server, and must not look for one."""
    return Nija(tmp_path, "http://127.0.0.1:1/api")


@pytest.fixture
def kraken() -> Iterator[RunningVenue]:
    """Run a Kraken whose account has one of everything a plan can find."""
    with RunningVenue(a_full_world()) as venue:
        yield venue


def a_full_world() -> World:
    """Two positions to keep, one to trim, one too small, dust that sells and dust that does not, one unvalued."""
    return World.model_validate(
        {
            "venue": "kraken",
            "markets": [
                {"symbol": "BTC/USD", "price": "50000"},
                {"symbol": "ETH/USD", "price": "2500"},
                {"symbol": "SOL/USD", "price": "100"},
                {"symbol": "ADA/USD", "price": "1"},
                {"symbol": "LTC/USD", "price": "80", "min_quantity": "0.001", "min_notional": "0.05"},
                {"symbol": "DOGE/USD", "price": "0.08"},
                {"symbol": "AUT/USD"},
            ],
            "accounts": {
                "platform": {
                    "balances": {
                        "USD": "1000",
                        "BTC": "0.02",
                        "ETH": "0.2",
                        "SOL": "1.5",
                        "ADA": "6",
                        "LTC": "0.01",
                        "DOGE": "5",
                        "AUT": "5",
                    }
                },
                "second": {"balances": {"USD": "50", "ETH": "0.1"}},
            },
        }
    )


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
