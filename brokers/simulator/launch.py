"""Make sure a world is being served: find the process that serves it, or start one of its own."""

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brokers.simulator.world import World, load_world

_START_SECONDS = 20.0
_PROBE_SECONDS = 2.0
_POLL_SECONDS = 0.02
_ROOT = Path(__file__).resolve().parents[2]
# The venue is on loopback: a proxy set for the internet must not stand between.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LaunchError(RuntimeError):
    """The simulated venue did not come up; the text names its log."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """Files of one served world."""

    folder: Path

    @property
    def server(self) -> Path:
        return self.folder / "server.json"

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"


@dataclass(frozen=True, slots=True)
class Served:
    """A world that is being served, and where."""

    url: str
    world: World


def ensure_running(world_path: Path, home: Path, *, idle_seconds: float = 300) -> Served:
    """Return the venue that serves this world, starting it where none does.

    A server of an earlier version of the file is asked to stop first; the state stays.
    Raises: WorldError, LaunchError.
    """
    world = load_world(world_path)
    path_hash = hashlib.sha256(str(world_path.resolve()).encode()).hexdigest()[:12]
    desk = _Desk(home / "simulator" / f"{world.venue}-{path_hash}")
    desk.folder.mkdir(parents=True, exist_ok=True)
    with _locked(desk.lock):
        known = _read(desk.server)
        if known is not None:
            url = str(known["url"])
            health = _health(url)
            if health is not None and health.get("pid") == known["pid"]:
                if health.get("fingerprint") == world.fingerprint:
                    return Served(url, world)
                _stop(url)
        port = int(str(known["port"])) if known is not None else 0
        return Served(_start(world, world_path, desk, port, idle_seconds), world)


def _start(world: World, world_path: Path, desk: _Desk, port: int, idle_seconds: float) -> str:
    """Start the process and wait until it answers. The earlier port is taken again where it is free."""
    desk.server.unlink(missing_ok=True)
    command = [sys.executable, "-m", "brokers.simulator", str(world_path.resolve()), str(desk.state)]
    command += [str(desk.server), str(port), str(idle_seconds)]
    # Handed on, not read: the child finds the same packages whatever folder it was started from.
    path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part)
    with desk.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        known = _read(desk.server)
        if known is not None:
            health = _health(str(known["url"]))
            if health is not None and health.get("fingerprint") == world.fingerprint:
                return str(known["url"])
        time.sleep(_POLL_SECONDS)
    process.kill()
    raise LaunchError(f"the simulated venue for {world_path} did not start, see {desk.log}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it with the process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, object] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None  # not there, or being written at this moment
    return document if isinstance(document, dict) else None


def _health(url: str) -> dict[str, object] | None:
    """Ask who serves there; None where nobody does."""
    try:
        with _DIRECT.open(f"{url}/_sim/health", timeout=_PROBE_SECONDS) as answer:
            document = json.load(answer)
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _stop(url: str) -> None:
    """Ask a server to end, and wait until it has let go of its state."""
    asked = urllib.request.Request(f"{url}/_sim/stop", method="POST")  # noqa: S310  http only
    with contextlib.suppress(OSError), _DIRECT.open(asked, timeout=_PROBE_SECONDS):
        pass
    end = time.monotonic() + _START_SECONDS
    while _health(url) is not None and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
