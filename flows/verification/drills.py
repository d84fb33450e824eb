"""Put the questions to the code of this process, a few at a time, each at a bench of its own."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from brokers.simulator.manners import VenueName
from flows.verification.bench import Bench, empty_store
from flows.verification.question import Question
from flows.verification.questions import QUESTIONS, VENUES
from models.reasons import Verdict
from models.verification import CheckResult, Part

LONGEST_SECONDS = 60.0  # of one question; the slowest takes two or three
_AT_ONCE = 4  # they wait for the disk and for each other's venues, little for the processor

log = logging.getLogger(__name__)


async def asked(
    folder: Path, questions: Sequence[Question] = QUESTIONS, venues: Sequence[VenueName] = VENUES
) -> AsyncIterator[CheckResult]:
    """Yield each question's result at each venue as it comes. `folder`: left to the caller.

    A question that cannot be answered has failed. Raises: StoreError where no store can be made in the folder.
    """
    store = await empty_store(folder)
    bound = asyncio.Semaphore(_AT_ONCE)

    async def one(question: Question, venue: VenueName) -> CheckResult:
        async with bound:
            return await _ask(question, Bench(venue, folder, store))

    for result in asyncio.as_completed([one(question, venue) for question in questions for venue in venues]):
        yield await result


async def _ask(question: Question, bench: Bench) -> CheckResult:
    began = time.monotonic()
    verdict, code = Verdict.FAIL, "RULE_BROKEN"
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer = await question.ask(bench)
        found = answer.found
        if answer.holds:
            verdict, code = Verdict.OK, ""
    except TimeoutError:
        found, code = f"no answer within {LONGEST_SECONDS:.0f} s", "NO_ANSWER"
    except Exception as error:  # whatever is broken, the other questions are still put
        log.exception("question failed", extra={"question": question.name, "venue": bench.venue_name})
        found, code = f"{type(error).__name__}: {error}", "INTERNAL_ERROR"
    seconds = round(time.monotonic() - began, 3)
    return CheckResult(
        part=Part.RULES,
        name=question.name,
        verdict=verdict,
        found=found,
        seconds=seconds,
        venue=bench.venue_name,
        code=code,
    )
