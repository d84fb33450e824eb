"""Run the real `nija` in a process of its own, as an operator or a script does, and keep what it said."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import yaml

from brokers.simulator.handle import RunningVenue
from tests.forked import Forked, nija

COMMAND = Path(sys.executable).with_name("nija")
PROMPT = "Apply this plan with real orders?"
# Nothing here is about waiting.
QUICK = {
    "settle_seconds": 0,
    "balance_fetch_base_delay": 0,
    "order_timeout_seconds": 1,
    "order_deadline_seconds": 2,
    "breaker_recovery_seconds": 0,  # it opens, and keeps nobody away from a venue that is well again
}
CLOSED_PORT = "http://127.0.0.1:1"
_LONGEST_SECONDS = 90


@dataclass(frozen=True)
class Ran:
    """What one command left: its exit code and its words."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON document of stdout; anything beside it fails here."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    def account(self, account: str = "platform") -> dict[str, Any]:
        """One account's part of the report."""
        (found,) = [a for a in self.report["accounts"] if a["account"] == account]
        return dict(found)

    @property
    def complaint(self) -> str:
        """The one line that says why the command could not run."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("nija: ")


@dataclass(frozen=True)
class Running:
    """A command that runs."""

    process: Forked
    out: IO[str]
    errors: IO[str]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)


class Nija:
    """One machine that `nija` runs on: a home, a fleet file and an environment."""

    def __init__(self, folder: Path, prefect_api: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.fleet_file = folder / "fleet.yaml"
        self._secrets: set[str] = set()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NIJA_HOME": str(self.home),
            "NIJA_LIMITS_FACTOR": "1000",  # the simulated venues do not count
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": prefect_api,
        }

    def knows(self, account: str, key: str, secret: str) -> None:
        """Put an account's keys into the environment; from here on no command may show them."""
        name = account.upper().replace("-", "_")
        self.environment |= {f"NIJA_{name}_API_KEY": key, f"NIJA_{name}_API_SECRET": secret}
        self._secrets |= {key, secret}

    def serves(self, venue: RunningVenue, *accounts: str, **policy: Any) -> None:
        """Write a fleet file of one venue's accounts, all of them under one policy, and know their keys."""
        kraken = venue.world.venue == "kraken"
        rows = [
            {
                "id": account,
                "kind": "platform",
                "venue": str(venue.world.venue),
                "policy": "all",
                "url": venue.url,
                "quote": "USD" if kraken else "USDT",
            }
            for account in accounts
        ]
        self.writes_fleet({"version": 1, "policies": {"all": QUICK | policy}, "accounts": rows})
        for account in accounts:
            self.knows(account, *venue.credentials(account)[:2])

    def writes_fleet(self, fleet: Any) -> None:
        """Write the fleet file; a text is written as it is."""
        self.fleet_file.write_text(fleet if isinstance(fleet, str) else yaml.safe_dump(fleet, sort_keys=False))

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, before: Callable[[], None] | None = None
    ) -> Ran:
        """Run a command without a terminal. `before` runs in the new process, ahead of the command.

        Most fork from a process that has imported everything. Flows read Prefect's settings while they are imported:
        with settings of its own a run of theirs starts from nothing.
        """
        environment = self.environment | dict(env or {})
        if before is None and "-v" not in arguments and not any(name.startswith("PREFECT_") for name in env or {}):
            return self.end_of(self.start(*arguments, env=env))
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
            preexec_fn=before,
        )
        return self._checked(Ran(done.returncode, done.stdout, done.stderr))

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> "Running":
        """Start a command and leave it running."""
        said, told = os.pipe()
        errors: IO[str] = TemporaryFile("w+")  # noqa: SIM115 - closed with the rest of what runs
        with Path(os.devnull).open() as nothing:
            streams = (nothing, told, errors)
            process = nija(arguments, env=self.environment | dict(env or {}), cwd=self.folder, streams=streams)
        os.close(told)
        return Running(process, os.fdopen(said), errors)

    def end_of(self, running: "Running") -> Ran:
        """Wait for a command that was started."""
        with running.out, running.errors:
            out = running.out.read()
            code = running.process.join(_LONGEST_SECONDS)
            running.errors.seek(0)
            return self._checked(Ran(code, out, running.errors.read()))

    def at_terminal(
        self, *arguments: str, answer: str, meanwhile: Callable[[], None] = lambda: None, prompt: str = PROMPT
    ) -> Ran:
        """Run a command whose stdin and stderr are a terminal; answer its prompt once `meanwhile` was done."""
        operator, terminal = pty.openpty()
        with TemporaryFile("w+") as out:
            environment = self.environment | {"TERM": "dumb"}
            process = nija(arguments, env=environment, cwd=self.folder, streams=(terminal, out, terminal))
            os.close(terminal)
            seen = self._answered(operator, prompt, answer, meanwhile)
            code = process.join(_LONGEST_SECONDS)
            out.seek(0)
            return self._checked(Ran(code, out.read(), seen))

    @staticmethod
    def _answered(operator: int, prompt: str, answer: str, meanwhile: Callable[[], None]) -> str:
        """Answer a prompt at a terminal; return everything that was seen there."""
        seen = _read_until(operator, prompt)
        if prompt in seen:
            meanwhile()
            os.write(operator, f"{answer}\n".encode())
            seen += _read_until(operator, None)
        os.close(operator)
        return seen

    def _checked(self, ran: Ran) -> Ran:
        assert "Traceback" not in ran.err, ran.err
        for secret in self._secrets:
            assert secret not in ran.out
            assert secret not in ran.err
            assert not any(secret.encode() in f.read_bytes() for f in self.home.rglob("*") if f.is_file())
        return ran


def _read_until(terminal: int, words: str | None) -> str:
    """Read a terminal until the words come, or to its end."""
    seen = b""
    while words is None or words.encode() not in seen:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        seen += chunk
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
