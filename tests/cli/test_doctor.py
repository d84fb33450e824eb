"""`nija doctor`: one document or a table, an exit code that says whether something is broken, no secret anywhere."""

from datetime import UTC, datetime
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from cli.console import out
from cli.doctor import show_examination
from models.reasons import Check, Verdict
from models.report import CheckReport, DoctorReport, ExaminedAccount
from tests.cli.command import Nija
from tests.cli.test_normalize import Is, check_fields, is_any, is_instant, is_text, list_of, maybe

EXAMINATION: dict[str, Is] = {"started_at": is_instant, "finished_at": is_instant, "accounts": list_of(is_any)}
ACCOUNT: dict[str, Is] = {"account": is_text, "venue": is_text, "verdict": is_text, "checks": list_of(is_any)}
CHECK: dict[str, Is] = {
    "check": is_text,
    "verdict": is_text,
    "code": maybe(is_text),
    "found": is_text,
    "next_step": lambda value: isinstance(value, str),
}


def checks(account: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["check"]: line for line in account["checks"]}


@pytest.mark.wire
def test_one_document_says_what_is_wrong_with_one_account_and_that_the_other_is_well(
    offline: Nija, kraken: RunningVenue
) -> None:
    offline.serves(kraken, "platform", "second")
    kraken.set_faults({"operation": "any", "account": "platform", "fault": "auth_revoked", "times": None})

    ran = offline("doctor", "--json")

    assert ran.code == 3
    check_fields(ran.report, EXAMINATION)
    for name in ("platform", "second"):
        check_fields(ran.account(name), ACCOUNT)
        for line in ran.account(name)["checks"]:
            check_fields(line, CHECK)
    assert [ran.account(name)["verdict"] for name in ("platform", "second")] == ["fail", "ok"]
    assert checks(ran.account())["keys"]["code"] == "AUTHENTICATION"
    assert kraken.calls("place") == 0


@pytest.mark.wire
def test_a_person_sees_a_table_of_the_account_named_with_what_to_do(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform", "second")
    del offline.environment["NIJA_PLATFORM_API_KEY"]

    ran = offline("doctor", "--account", "platform")

    assert ran.code == 3
    assert "platform at kraken: fail" in ran.out
    assert "CREDENTIALS_MISSING" in ran.out
    assert "nija keys add" in ran.out
    assert "second" not in ran.out


def test_a_finding_is_shown_as_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    line = CheckReport(check=Check.KEYS, verdict=Verdict.FAIL, code="X", found="said [bold]no[/]", next_step="[ask]")
    examined = ExaminedAccount(account="alice", venue="kraken", verdict=Verdict.FAIL, checks=[line])
    now = datetime(2026, 1, 1, tzinfo=UTC)

    with out.capture() as shown:
        show_examination(DoctorReport(started_at=now, finished_at=now, accounts=[examined]))

    assert "X said [bold]no[/]" in shown.get()
    assert "[ask]" in shown.get()
    assert "1 fail" in shown.get()


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [([Verdict.OK], 0), ([Verdict.OK, Verdict.WARN], 0), ([Verdict.FAIL, Verdict.OK], 3)],
)
def test_only_a_failure_is_an_exit_code(verdicts: list[Verdict], code: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    accounts = [ExaminedAccount(account=f"a{n}", venue="kraken", verdict=v, checks=[]) for n, v in enumerate(verdicts)]

    assert DoctorReport(started_at=now, finished_at=now, accounts=accounts).exit_code == code
