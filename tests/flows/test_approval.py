"""A normalisation with a person in between: what was shown is applied, or nothing is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

from flows.normalize import normalize_accounts
from models.reasons import AccountStatus
from models.report import RunReport
from models.store.decisions import decisions
from tests.drills.desk import Desk, codes, left, sold
from tests.flows.runs import Ended, answer, asked, executed, flow_run_of, question

pytestmark = pytest.mark.wire

HELD = {"BIG": 100, "MID": 50, "LOW": 20, "DUST": "0.5"}


def approving(desk: Desk, operator: Callable[[UUID], Awaitable[Any]], **fields: Any) -> tuple[Ended, Any]:
    """Run with mode approve beside an operator who has the flow run's id; return how it ended, and what they saw."""

    async def run() -> tuple[Ended, Any]:
        parameters = asked(desk, mode="approve", **{"answer_within_seconds": 20, **fields})
        flow_run = await flow_run_of(normalize_accounts, parameters)
        ended, seen = await asyncio.gather(executed(normalize_accounts, flow_run), operator(flow_run.id))
        return ended, seen

    return asyncio.run(run())


def report_of(ended: Ended) -> RunReport:
    assert ended.state.is_completed()
    assert ended.report is not None
    return ended.report


def test_an_approved_plan_is_applied_and_who_approved_it_is_kept(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    kraken = desk.worth(HELD)

    async def operator(run: UUID) -> tuple[dict[str, Any], int, str]:
        form = (await question(run)).schema
        with pytest.raises(RuntimeError):  # the server holds the answer to the form
            await answer(run, note="no decision")
        return form, kraken.calls("place"), await answer(run, decision="apply", note="as agreed")

    ended, (form, sent_before, question_asked) = approving(desk, operator)

    report = report_of(ended)
    assert form["required"] == ["decision"]
    assert "default" not in form["properties"]["decision"]
    assert form["properties"]["decision"]["enum"] == ["apply", "reject"]
    assert ("LOW/USD" in question_asked, "DUST/USD" in question_asked, sent_before) == (True, True, 0)
    assert (report.mode, report.accounts[0].status) == ("live", AccountStatus.COMPLIANT)
    assert sorted(sold(kraken)) == ["DUST", "LOW"]
    (decision,) = desk.in_store(decisions)
    assert (decision.account, decision.by, decision.reason) == ("platform", "the Prefect UI", "as agreed")
    assert decision.what == f"plan {report.accounts[0].plan_hash} approved"


def test_a_rejected_plan_sends_nothing_and_the_run_is_completed(desk: Desk) -> None:
    kraken = desk.worth(HELD)

    ended, _ = approving(desk, lambda run: answer(run, decision="reject", note="not today"))

    report = report_of(ended)
    assert (report.mode, report.accounts[0].status) == ("plan", AccountStatus.PENDING)
    assert codes(report.accounts[0]) == {"PLAN_REJECTED"}
    assert kraken.calls("place") == 0
    assert desk.in_store(decisions)[0].reason == "not today"


def test_a_plan_that_nobody_answers_for_sends_nothing_and_the_run_is_completed(desk: Desk) -> None:
    kraken = desk.worth(HELD)

    ended, _ = approving(desk, question, answer_within_seconds=1.5)

    assert codes(report_of(ended).accounts[0]) == {"APPROVAL_TIMEOUT"}
    assert kraken.calls("place") == 0
    assert desk.in_store(decisions) == ()


def test_a_plan_that_the_account_moved_away_from_is_refused_and_asked_about_again(desk: Desk) -> None:
    kraken = desk.worth(HELD)

    async def operator(run: UUID) -> list[str]:
        await question(run)
        kraken.set_balances("platform", DUST="1.5", LOW="0.01")
        return [await answer(run, decision="apply"), await answer(run, decision="apply")]

    ended, (first, second) = approving(desk, operator)

    report = report_of(ended)
    assert ("PLAN_CHANGED" in first, "platform (PLAN_CHANGED)" in second) == (False, True)
    assert ("LOW/USD" in first, "LOW/USD" in second) == (False, True)
    assert report.accounts[0].status is AccountStatus.COMPLIANT
    assert left(kraken) == {"BIG", "MID"}


def test_a_plan_that_is_always_too_old_is_asked_about_three_times_and_never_sent(desk: Desk) -> None:
    desk.policy["plan_ttl_seconds"] = 0
    kraken = desk.worth(HELD)

    async def operator(run: UUID) -> list[str]:
        return [await answer(run, decision="apply") for _ in range(3)]

    ended, questions = approving(desk, operator)

    (account,) = report_of(ended).accounts
    assert ["PLAN_EXPIRED" in words for words in questions] == [False, True, True]
    assert (account.status, codes(account)) == (AccountStatus.BLOCKED, {"PLAN_EXPIRED"})
    assert kraken.calls("place") == 0


def test_a_sale_that_was_not_shown_does_not_follow_from_one_that_was_refused(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    kraken = desk.worth({"BIG": 100, "MID": 50, "LOW": 20})
    kraken.set_faults({"operation": "place", "fault": "error", "code": "EOrder:Invalid order", "times": None})

    async def operator(run: UUID) -> str:
        await answer(run, decision="apply")
        return await answer(run, decision="reject")

    ended, again = approving(desk, operator)

    assert ("MID/USD" in again, "platform (PLAN_CHANGED)" in again) == (True, True)
    assert codes(report_of(ended).accounts[0]) >= {"PLAN_REJECTED"}
    assert {order.symbol for order in kraken.orders("platform")} <= {"LOW/USD"}
    assert left(kraken) == {"BIG", "MID", "LOW"}


def test_nobody_is_asked_about_accounts_that_need_nothing_or_cannot_be_read(desk: Desk) -> None:
    desk.worth({"BIG": 100}, account="well")
    kraken = desk.worth(HELD, account="ill")
    kraken.set_faults({"operation": "balance", "fault": "html", "times": None})

    async def nobody(_run: UUID) -> None:
        return None

    ended, _ = approving(desk, nobody)

    statuses = {a.account: a.status for a in report_of(ended).accounts}
    assert statuses == {"well": AccountStatus.COMPLIANT, "ill": AccountStatus.BLOCKED}


def test_the_whole_plan_is_an_artifact_before_the_question_is_answered(desk: Desk) -> None:
    desk.worth(HELD)

    async def operator(run: UUID) -> list[str]:
        await question(run)
        async with get_client() as client:
            of_run = {"artifacts": {"flow_run_id": {"any_": [str(run)]}}}
            found = (await client._client.post("/artifacts/filter", json=of_run)).json()
        await answer(run, decision="reject")
        return [artifact["key"] for artifact in found]

    _, keys = approving(desk, operator)

    assert set(keys) == {"nija-plan", "nija-plan-platform"}
