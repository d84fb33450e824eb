"""What every pipeline shares: late starts are skipped, one process acts for a flow run, some accounts want a person."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import AwaitingRetry, Scheduled
from sqlalchemy import select

from flows.cleanup_dust import CLEANUP_DUST, cleanup_dust
from flows.enforce_cap import enforce_cap
from flows.pipeline import Pipeline, recorded
from models.reasons import AccountStatus
from models.store.heartbeats import PIPELINE, Heartbeat, heartbeats
from models.store.tables import RUNS
from tasks.runtime import Runtime
from tests.cli.command import wait_until
from tests.drills.desk import Desk, codes, left, sold
from tests.flows.runs import Ended, asked, executed, flow_run_of, state_of
from tests.flows.twice import STOOD_BACK, execute

pytestmark = pytest.mark.wire

HELD = {"BIG": 100, "MID": 50, "LOW": 20}


def ago(**span: float) -> Scheduled:
    return Scheduled(scheduled_time=datetime.now(UTC) - timedelta(**span))


def scheduled(desk: Desk, flow: Any, planned: Any, *, deployed: bool = True) -> FlowRun:
    """Make a live flow run that was planned for some time."""
    return asyncio.run(flow_run_of(flow, asked(desk, live=True), planned, deployed=deployed))


def run(flow: Any, flow_run: FlowRun) -> Ended:
    return asyncio.run(executed(flow, flow_run))


def beats(desk: Desk) -> dict[str, Heartbeat]:
    return {beat.account: beat for beat in desk.in_store(heartbeats)}


def runs_of(desk: Desk) -> list[Any]:
    return list(desk.in_store(lambda store: store.rows(select(RUNS))))


@pytest.fixture
def over(desk: Desk) -> Desk:
    desk.policy["max_positions"] = 2
    desk.worth(HELD)
    return desk


def test_a_run_that_begins_after_the_next_one_was_planned_is_skipped_and_says_why(over: Desk) -> None:
    ended = run(enforce_cap, scheduled(over, enforce_cap, ago(minutes=6)))

    assert ended.state.is_completed()
    assert ended.state.name == "Skipped"
    assert "TOO_LATE" in (ended.state.message or "")
    assert over.venues[0].calls("balance") == 0
    assert (beats(over)[PIPELINE].status, beats(over)[PIPELINE].detail) == ("skipped", ended.state.message)
    assert runs_of(over) == []


def test_a_run_that_is_late_by_less_than_its_interval_acts(over: Desk) -> None:
    ended = run(enforce_cap, scheduled(over, enforce_cap, ago(minutes=3)))

    assert ended.state.name == "Completed"
    assert sold(over.venues[0]) == ["LOW"]
    assert beats(over)["platform"].status == "compliant"
    (row,) = runs_of(over)
    assert (row.pipeline, row.flow_run_id is not None, row.finished_at is not None) == ("enforce_cap", True, True)


def test_a_retry_of_a_run_that_was_too_late_is_planned_anew_and_acts(over: Desk) -> None:
    flow_run = scheduled(over, enforce_cap, ago(minutes=30))
    assert run(enforce_cap, flow_run).state.name == "Skipped"

    ended = run(enforce_cap, retried(flow_run))

    assert ended.state.name == "Completed"
    assert sold(over.venues[0]) == ["LOW"]


def test_a_daily_pipeline_is_not_begun_in_the_afternoon() -> None:
    assert CLEANUP_DUST.late_after == timedelta(hours=6)
    assert Pipeline("by hand").late_after is None


def test_a_flow_run_that_two_processes_execute_is_done_by_one(over: Desk, prefect_api: str) -> None:
    kraken = over.venues[0]
    flow_run = scheduled(over, enforce_cap, None)

    first = execute("flows.enforce_cap.enforce_cap", str(flow_run.id), environment(prefect_api))
    wait_until(lambda: kraken.calls("balance") > 0)
    os.kill(first.pid, signal.SIGSTOP)  # however slow this machine is, the first is in the middle of it
    second = execute("flows.enforce_cap.enforce_cap", str(flow_run.id), environment(prefect_api)).join(60)
    os.kill(first.pid, signal.SIGCONT)

    assert (second, first.join(60)) == (STOOD_BACK, 0)
    assert sold(kraken) == ["LOW"]
    assert len(runs_of(over)) == 1
    assert asyncio.run(state_of(flow_run.id)).name == "Completed"


def test_a_flow_run_that_is_delivered_again_after_its_end_is_not_done_again(over: Desk) -> None:
    flow_run = scheduled(over, enforce_cap, None)
    run(enforce_cap, flow_run)
    calls = over.venues[0].calls("balance")

    again = run(enforce_cap, flow_run)
    retry = run(enforce_cap, retried(flow_run))

    assert again.state.is_completed()
    assert "another process did this flow run" in (again.state.message or "")
    assert retry.report is not None
    assert len(runs_of(over)) == 2
    assert calls < over.venues[0].calls("balance")


def test_a_flow_run_whose_process_was_killed_is_taken_over(over: Desk, prefect_api: str) -> None:
    kraken = over.venues[0]
    kraken.set_faults({"operation": "place", "fault": "hang"})
    flow_run = scheduled(over, enforce_cap, None)
    first = execute("flows.enforce_cap.enforce_cap", str(flow_run.id), environment(prefect_api))
    wait_until(lambda: len(kraken.applied_faults()) > 0)
    os.kill(first.pid, signal.SIGKILL)
    first.join(60)

    ended = run(enforce_cap, flow_run)

    assert ended.report is not None
    assert left(kraken) == {"BIG", "MID"}
    assert all(row.finished_at is not None for row in runs_of(over))


def test_a_worker_only_plans_for_an_account_whose_policy_wants_a_person(over: Desk) -> None:
    over.policy["may_apply_unattended"] = False

    by_a_worker = run(enforce_cap, scheduled(over, enforce_cap, None))
    by_hand = run(enforce_cap, scheduled(over, enforce_cap, None, deployed=False))

    assert by_a_worker.report is not None
    assert by_hand.report is not None
    assert (by_a_worker.report.accounts[0].status, codes(by_a_worker.report.accounts[0])) == (
        AccountStatus.PENDING,
        {"NEEDS_APPROVAL"},
    )
    assert by_hand.report.accounts[0].status is AccountStatus.COMPLIANT
    assert sold(over.venues[0]) == ["LOW"]


def test_a_dust_cleanup_runs_as_a_flow(desk: Desk) -> None:
    kraken = desk.worth({**HELD, "DUST": "0.5"})

    ended = run(cleanup_dust, scheduled(desk, cleanup_dust, ago(hours=1)))

    assert ended.report is not None
    assert sold(kraken) == ["DUST"]
    assert beats(desk)[PIPELINE].pipeline == "cleanup_dust"


def test_a_run_that_breaks_is_ended_and_seen_as_failed(desk: Desk, tmp_path: Path) -> None:
    desk.worth(HELD)

    async def broken(runtime: Runtime) -> None:
        async with recorded(runtime, Pipeline("broken"), mode="live"):
            raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space"):
        desk.at_runtime(broken)

    (row,) = runs_of(desk)
    assert row.finished_at is not None
    assert (beats(desk)[PIPELINE].status, beats(desk)[PIPELINE].detail) == ("failed", "OSError")


def retried(flow_run: FlowRun) -> FlowRun:
    """Do what the UI's Retry does; return the flow run as a worker reads it then."""

    async def retry() -> FlowRun:
        async with get_client() as client:
            await client.set_flow_run_state(flow_run.id, AwaitingRetry(scheduled_time=datetime.now(UTC)), force=True)
            return await client.read_flow_run(flow_run.id)

    return asyncio.run(retry())


def environment(prefect_api: str) -> dict[str, str]:
    return {"PREFECT_API_URL": prefect_api}
