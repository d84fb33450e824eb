"""Check the store that everything rests on: its schema, and its file where it is one."""

from collections.abc import Awaitable

from models.clock import Clock
from models.errors import StoreError
from models.reasons import Verdict
from models.store.engine import Store
from models.store.soundness import file_faults, schema_faults
from models.verification import CheckResult, Part


async def verify_store(store: Store, clock: Clock) -> list[CheckResult]:
    """Make both checks. Raises nothing of its own."""
    return [
        await _check(clock, "schema", schema_faults(store), "every table and column is there"),
        await _check(clock, "integrity", file_faults(store), "SQLite finds its file sound"),
    ]


async def _check(clock: Clock, name: str, look: Awaitable[tuple[str, ...] | None], words: str) -> CheckResult:
    began = clock.elapsed()
    try:
        faults, code = await look, "STORE_DAMAGED"
    except StoreError as error:
        faults, code = (str(error),), error.code
    verdict = Verdict.SKIPPED if faults is None else Verdict.FAIL if faults else Verdict.OK
    if faults is None:
        words = "a server's database: its own tools check it"
    return CheckResult(
        part=Part.STORE,
        name=name,
        verdict=verdict,
        found="; ".join(faults) if faults else words,
        seconds=round((clock.elapsed() - began).total_seconds(), 3),
        code=code if faults else "",
    )
