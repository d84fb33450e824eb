"""A process that has imported the command already, and forks itself for each run of it.

Run as `python -m tests.cli.warm`: one JSON request a line on stdin, one JSON answer a line on stdout.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class WarmCommand:
    """The forking process, as the tests see it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it; what an import reads off the environment is read now."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.warm"],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
    ) -> tuple[int, str, str]:
        """Run the command in a process of its own; return its exit code and its words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": list(arguments), "env": dict(environment), "cwd": str(folder), "seconds": seconds}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["out"], answer["err"]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), file=answers, flush=True)


def _run(asked: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become(asked, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        for file in (out, err):
            file.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return {"code": code, "out": out.read().decode(), "err": err.read().decode()}


def _become(asked: dict[str, Any], out: int, err: int) -> None:
    """Turn the forked process into a run of the command."""
    signal.alarm(int(asked["seconds"]))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the descriptor's
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["nija", *asked["arguments"]]
    code = 1
    try:
        main.run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    from cli import main

    # Everything that a command imports when it is run.
    import brokers.simulator.server  # isort: skip  # noqa: F401
    import flows.doctor  # isort: skip
    import flows.entry_check  # isort: skip
    import flows.normalize  # isort: skip
    import flows.order_desk  # isort: skip
    import flows.recover  # isort: skip  # noqa: F401

    _serve()
