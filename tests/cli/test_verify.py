"""`nija verify`: what a person reads of a verification."""

from datetime import UTC, datetime, timedelta

from cli.console import out
from cli.verify import show_verification
from models.reasons import Verdict
from models.verification import CheckResult, Part, verification_report

BEGAN = datetime(2026, 1, 5, 2, tzinfo=UTC)


def a_check(name: str, verdict: Verdict = Verdict.OK, found: str = "as it should be") -> CheckResult:
    return CheckResult(part=Part.RULES, name=name, verdict=verdict, found=found, seconds=0.5, venue="kraken")


def test_the_table_names_what_failed_and_the_last_line_counts_it() -> None:
    checks = [
        a_check("exits_fire"),
        a_check("cap_keeps_the_largest", Verdict.FAIL, "left: [BTC]"),
        a_check("equity", Verdict.SKIPPED),
    ]
    report = verification_report("run", BEGAN, BEGAN + timedelta(seconds=12), checks)

    with out.capture() as shown:
        show_verification(report)

    assert "left: [BTC]" in shown.get()
    assert "1 passed, 1 failed, 1 skipped; 50.0% passed, 12.0 s" in shown.get()


def test_a_verification_that_checked_nothing_has_not_passed() -> None:
    report = verification_report("run", BEGAN, BEGAN, [a_check("equity", Verdict.SKIPPED)])

    assert (report.pass_rate, report.exit_code) == (None, 3)
