"""`nija verify`: what a person reads of a verification."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.console import out
from cli.verify import show_verification
from models.reasons import Verdict
from models.store.engine import Store
from models.store.verifications import save_verification
from models.verification import CheckResult, Part, VerificationReport, verification_report
from tests.cli.command import Nija
from tests.cli.test_by_hand import Desk, desk

__all__ = ["desk"]

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


@pytest.fixture
def kept(desk: Desk) -> list[VerificationReport]:
    """Keep three weekly verifications, the oldest first; the second failed at one check."""
    failure = a_check("cap_keeps_the_largest", Verdict.FAIL, "left: [BTC]")
    weeks = [[a_check("equity")], [a_check("equity"), failure], [a_check("equity", Verdict.SKIPPED)]]
    reports = [
        verification_report(f"run-{n}", BEGAN + n * timedelta(weeks=1), BEGAN + n * timedelta(weeks=1), checks)
        for n, checks in enumerate(weeks)
    ]

    async def keep() -> None:
        async with await Store.open(desk.store_url) as store:
            for report in reports:
                await save_verification(store, report)

    asyncio.run(keep())
    return reports


def test_the_history_is_newest_first_with_pass_rates_and_what_failed(
    desk: Desk, kept: list[VerificationReport]
) -> None:
    every = json.loads(desk("verify", "history", "--json").stdout)["verifications"]
    last_two = json.loads(desk("verify", "history", "2", "--json").stdout)["verifications"]
    shown = desk("verify", "history").stdout

    assert [(v["run_id"], v["pass_rate"], v["failed"]) for v in every] == [
        ("run-2", None, 0),
        ("run-1", 0.5, 1),
        ("run-0", 1.0, 0),
    ]
    assert [[check["name"] for check in v["failed_checks"]] for v in every] == [[], ["cap_keeps_the_largest"], []]
    assert [v["run_id"] for v in last_two] == ["run-2", "run-1"]
    assert "2026-01-12 02:00" in shown
    assert "cap_keeps_the_largest (kraken): left: [BTC]" in shown


def test_a_history_of_nothing_says_how_to_begin(desk: Desk) -> None:
    assert "nija verify" in desk("verify", "history").stdout


def test_what_is_no_number_of_verifications_is_refused(offline: Nija) -> None:
    ran = offline("verify", "history", "0")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith("USAGE")
