"""Verifications: what each came to, how the pass rate went, and every check of one of them."""

from desk.desk import Desk
from desk.listing import Column, Kind, Listing, Tone
from desk.pictures import Point
from models.errors import NotFound
from models.reasons import Verdict
from models.store.verifications import verifications
from models.verification import CheckResult, KeptVerification, VerificationReport, verification_history

MOST = 520  # ten years of weeks
_VERDICT = {Verdict.OK: Tone.GOOD, Verdict.WARN: Tone.WARN, Verdict.FAIL: Tone.BAD, Verdict.SKIPPED: Tone.PLAIN}
_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.OK, Verdict.SKIPPED)


async def history(desk: Desk) -> list[KeptVerification]:
    """Return the verifications that are kept, newest first, without the checks that passed. Raises: StoreError."""
    return verification_history(await verifications(desk.store, limit=MOST)).verifications


async def one(desk: Desk, run_id: str | None = None) -> VerificationReport | None:
    """Return one verification with every check; `run_id` None: the newest, None where there was none.

    Raises: NotFound, StoreError.
    """
    found = await verifications(desk.store, limit=1 if run_id is None else MOST)
    if run_id is None:
        return found[0] if found else None
    for report in found:
        if report.run_id == run_id:
            return report
    raise NotFound("verification", run_id)


def points(kept: list[KeptVerification]) -> list[Point]:
    """Return the pass rate over time, oldest first; a verification that checked nothing has none."""
    return [
        Point(
            at=one.started_at,
            value=one.pass_rate,
            words=f"{one.started_at:%Y-%m-%d %H:%M}: {one.pass_rate:.1%}, {one.failed} failed",
            is_bad=one.failed > 0,
        )
        for one in reversed(kept)
        if one.pass_rate is not None
    ]


def _rate(kept: KeptVerification) -> str:
    return "nothing was checked" if kept.pass_rate is None else f"{kept.pass_rate:.1%}"


VERIFICATIONS: Listing[KeptVerification] = Listing(
    "verifications",
    (
        Column("started_at", "At (UTC)", lambda v: v.started_at, Kind.TIME),
        Column(
            "pass_rate",
            "Pass rate",
            lambda v: v.pass_rate,
            Kind.NUMBER,
            shown=_rate,
            tone=lambda v: Tone.BAD if v.failed or v.pass_rate is None else Tone.GOOD,
        ),
        Column("passed", "Passed", lambda v: v.passed, Kind.NUMBER),
        Column("failed", "Failed", lambda v: v.failed, Kind.NUMBER),
        Column("skipped", "Skipped", lambda v: v.skipped, Kind.NUMBER),
        Column("failures", "What failed", lambda v: [check.title for check in v.failed_checks], Kind.LONG),
    ),
    key=lambda v: v.run_id,
)

CHECKS: Listing[CheckResult] = Listing(
    "checks",
    (
        Column(
            "verdict",
            "Verdict",
            lambda c: c.verdict.value,
            Kind.STATE,
            tone=lambda c: _VERDICT[c.verdict],
            order=lambda c: _WORST_FIRST.index(c.verdict),
        ),
        Column("part", "Part", lambda c: c.part.value),
        Column("name", "Check", lambda c: c.name.replace("_", " ")),
        Column("about", "About", lambda c: ", ".join(filter(None, (c.account, c.venue)))),
        Column("code", "Code", lambda c: c.code),
        Column("found", "What was found", lambda c: c.found, Kind.LONG),
        Column("seconds", "Seconds", lambda c: c.seconds, Kind.NUMBER, shown=lambda c: f"{c.seconds:.2f}"),
    ),
    key=lambda c: f"{c.part} {c.name} {c.account} {c.venue}",
)
