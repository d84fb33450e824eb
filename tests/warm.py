"""A process that has imported everything, and forks itself for whoever asks: milliseconds instead of seconds.

Run as `python -m tests.warm SOCKET`. Each connection may ask for one process and is told its id, then its exit code;
a connection that asks for nothing says that somebody is there. Once nobody is, the process ends. `tests.forked` asks.
"""

import gc
import importlib
import json
import os
import pkgutil
import selectors
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_RUNS_A_FLOW = frozenset({"normalize", "cleanup-dust", "enforce-cap", "exits", "start-up"})
_LONGEST_REQUEST = 1 << 16
_IN_OUT_ERR = 3


class _Server:
    """Forks and reaps, on one thread: a process with threads must not be forked."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._wake, self._woken = socket.socketpair()
        self._wake.settimeout(0)
        self._woken.settimeout(0)
        self._selector = selectors.DefaultSelector()
        self._connections: set[socket.socket] = set()
        self._running: dict[int, socket.socket] = {}
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Serve until the last connection is gone."""
        self._act()
        while self._connections:
            self._act()

    def _act(self) -> None:
        for key, _ in self._selector.select():
            key.data()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._connections.add(connection)
        self._selector.register(connection, selectors.EVENT_READ, partial(self._read, connection))

    def _read(self, connection: socket.socket) -> None:
        asked, descriptors, _, _ = socket.recv_fds(connection, _LONGEST_REQUEST, _IN_OUT_ERR)
        while asked and not asked.endswith(b"\n"):
            asked += connection.recv(_LONGEST_REQUEST)
        if not asked:
            for child in [c for c, asker in self._running.items() if asker is connection]:
                os.kill(child, signal.SIGKILL)  # who asked for it is gone, and it may stand still
            self._selector.unregister(connection)
            self._connections.discard(connection)
            connection.close()
            return
        child = os.fork()
        if child == 0:
            self._let_go()
            _become(json.loads(asked), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._running[child] = connection
        _tell(connection, {"pid": child})

    def _reap(self) -> None:
        self._wake.recv(4096)
        for child in list(self._running):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                _tell(self._running.pop(child), {"code": os.waitstatus_to_exitcode(status)})

    def _let_go(self) -> None:
        """Leave what is the server's alone, in a process that it forked."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for held in (self._listener, self._wake, self._woken, *self._connections):
            held.close()


def _tell(connection: socket.socket, fact: dict[str, int]) -> None:
    with suppress(OSError):  # who asked is gone
        connection.sendall(json.dumps(fact).encode() + b"\n")


def _become(asked: dict[str, Any], descriptors: list[int]) -> None:
    """Turn the forked process into what was asked for."""
    code = 1
    try:
        signal.alarm(asked["seconds"])
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # tests in the background ignore Ctrl-C, and so would it
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the descriptor's
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        module, name = asked["call"].split(":")
        act: Callable[..., None] = getattr(importlib.import_module(module), name)
        act(**asked["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - it ends here either way, and is told
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def command(arguments: list[str]) -> None:
    """Run `nija` with these arguments, as in a process that begins with this environment."""
    from prefect.context import refresh_global_settings_context  # noqa: PLC0415 - read when this process was warmed

    from cli import main  # noqa: PLC0415

    if _RUNS_A_FLOW & {*arguments[:1]}:  # the others have no use for Prefect, and none of its servers here
        refresh_global_settings_context()
    sys.argv = ["nija", *arguments]
    main.run()


def _warm_up() -> None:
    """Import what commands and drills import, and do once what is slow at its first time: one whole run of an account.

    No thread may be left of it.
    """
    import flows  # noqa: PLC0415 - not in the process that asks
    import tests.drills.crash.dying  # noqa: F401, PLC0415
    from tests.drills.plain import plain_desk  # noqa: PLC0415

    for module in pkgutil.iter_modules(flows.__path__):
        importlib.import_module(f"flows.{module.name}")
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        plain_desk(Path(folder), f"sqlite:///{folder}/nija.db", patch) as desk,
    ):
        desk.worth({"BTC": 1000, "DUST": "0.5"})
        assert desk.run().status == "compliant"
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()  # what is shared with the forked stays shared: no collection writes to it


if __name__ == "__main__":
    _warm_up()
    server = _Server(Path(sys.argv[1]))
    os.write(1, b"warm\n")  # to who started it
    os.dup2(2, 1)
    server.serve()
    shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)
