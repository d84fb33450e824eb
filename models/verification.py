"""A verification, as the outside reads it: what each check found. Fields are kept and grow only by addition."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from models.reasons import Verdict


class Part(StrEnum):
    """Where a check looks."""

    RULES = "rules"  # the deployed code at a simulated venue of its own
    STORE = "store"
    ACCOUNT = "account"  # a real account, read only


class CheckResult(BaseModel):
    """One check. `name` is stable; `account` empty: it is about no single one. `code`: what is wrong, if anything.

    A check that is skipped could not be made because of another one, or asks what does not apply.
    """

    model_config = ConfigDict(frozen=True)

    part: Part
    name: str
    verdict: Verdict
    found: str
    seconds: float
    account: str = ""
    venue: str = ""
    code: str = ""

    @property
    def title(self) -> str:
        """The check's name with what it is about."""
        about = ", ".join(filter(None, (self.account, self.venue)))
        return f"{self.name} ({about})" if about else self.name


class VerificationReport(BaseModel):
    """One verification of the deployed code and of a fleet. No order left this machine for it."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    started_at: datetime
    finished_at: datetime
    passed: int  # a warning passes
    failed: int
    skipped: int
    pass_rate: float | None  # a fraction of what was not skipped; None: nothing was checked
    checks: list[CheckResult]

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """What failed, in the order of the report."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAIL)

    @property
    def exit_code(self) -> int:
        """0 nothing failed; 3 something did, or nothing could be checked at all."""
        return 3 if self.failed or not self.passed else 0

    @property
    def sentence(self) -> str:
        """The result in one line."""
        rate = "nothing was checked" if self.pass_rate is None else f"{self.pass_rate:.1%} passed"
        took = (self.finished_at - self.started_at).total_seconds()
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped; {rate}, {took:.1f} s"


class KeptVerification(BaseModel):
    """One verification of before: what it came to, and which of its checks failed. `pass_rate` as in the report."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    started_at: datetime
    finished_at: datetime
    passed: int
    failed: int
    skipped: int
    pass_rate: float | None
    failed_checks: list[CheckResult]


class VerificationHistory(BaseModel):
    """The verifications that are kept, newest first."""

    model_config = ConfigDict(frozen=True)

    verifications: list[KeptVerification]


def verification_history(reports: Iterable[VerificationReport]) -> VerificationHistory:
    """Return reports as their history is read: without the checks that passed."""
    kept = (
        KeptVerification(**report.model_dump(exclude={"checks"}), failed_checks=list(report.failures))
        for report in reports
    )
    return VerificationHistory(verifications=list(kept))


def verification_report(
    run_id: str, started_at: datetime, finished_at: datetime, checks: Iterable[CheckResult]
) -> VerificationReport:
    """Add the checks up."""
    made = list(checks)
    failed = sum(check.verdict is Verdict.FAIL for check in made)
    skipped = sum(check.verdict is Verdict.SKIPPED for check in made)
    passed = len(made) - failed - skipped
    return VerificationReport(
        run_id=run_id,
        started_at=started_at,
        finished_at=finished_at,
        passed=passed,
        failed=failed,
        skipped=skipped,
        pass_rate=round(passed / (passed + failed), 4) if passed + failed else None,
        checks=made,
    )
