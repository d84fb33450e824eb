"""Have the questions answered by a process of its own, which knows no keys, no fleet and no store but its own."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from flows.verification.questions import QUESTIONS, VENUES
from models.reasons import Verdict
from models.verification import CheckResult, Part

LONGEST_SECONDS = 300.0  # of all questions together; they take about twenty
COUNT = len(QUESTIONS) * len(VENUES)

_ROOT = Path(__file__).resolve().parents[2]
# All that is handed on. What is left out is the point: keys, the fleet, the store, policies, proxies.
_HANDED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONDONTWRITEBYTECODE")


async def answers(longest_seconds: float = LONGEST_SECONDS) -> AsyncGenerator[CheckResult, None]:
    """Yield every question's result as it comes; one that is not answered has failed. Raises nothing of its own."""
    missing = {(question.name, venue.value) for question in QUESTIONS for venue in VENUES}
    why = "its process ended before"
    with TemporaryDirectory(prefix="nija-verification-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        try:
            process = await _start(Path(folder), log)
        except OSError as error:
            why, process = f"its process could not be started ({error.strerror})", None
        if process is not None:
            try:
                async with asyncio.timeout(longest_seconds):
                    async for result in _results(process):
                        missing.discard((result.name, result.venue))
                        yield result
            except TimeoutError:
                why = f"not within {longest_seconds:.0f} s"
            finally:
                await _end(process)
            if missing:
                why += _last_words(log)
    for name, venue in sorted(missing):
        yield _unanswered(name, venue, why)


async def _start(folder: Path, log: Path) -> Process:
    environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    environment |= {
        "HOME": str(folder),
        "NIJA_HOME": str(folder / "nija"),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Handed on, not read: it finds the same packages whatever folder it was started from.
        "PYTHONPATH": os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part),
    }
    command = (sys.executable, "-m", "flows.verification", str(folder))
    with log.open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=errors, env=environment, cwd=folder
        )


async def _results(process: Process) -> AsyncIterator[CheckResult]:
    """Yield what the process prints; what is no result is nobody's."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    async for line in process.stdout:
        try:
            yield CheckResult.model_validate_json(line)
        except ValidationError:
            continue


async def _end(process: Process) -> None:
    """Leave no process behind, however the waiting for it ended."""
    if process.returncode is None:
        try:
            async with asyncio.timeout(2):  # it has said all, or closes its venues now
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f": {lines[-1].strip()[:500]}" if lines else ""


def _unanswered(name: str, venue: str, why: str) -> CheckResult:
    found = f"not answered: {why}"
    verdict = Verdict.FAIL
    return CheckResult(
        part=Part.RULES, name=name, verdict=verdict, found=found, seconds=0, venue=venue, code="NO_ANSWER"
    )
