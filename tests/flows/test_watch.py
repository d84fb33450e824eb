"""The watch and the start-up as a worker runs them: on Prefect, where a deployment is started again."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import IntervalSchedule

from flows.enforce_exits import enforce_exits
from flows.over_accounts import AccountsRequest
from flows.start_up import start_up
from flows.watch import WatchRequest, restart_deployment, watch
from models.store.heartbeats import heartbeats
from models.watch_report import StartUpReport, WatchReport
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


def test_a_start_up_and_the_watch_run_on_prefect_and_leave_a_sign_of_life(desk: Desk) -> None:
    kraken = desk.opens(prices={"ETH": 100, "SOL": 100}, holds={"platform": {"ETH": 2, "SOL": 2}})
    desk.write_fleet()

    async def run() -> tuple[Any, Any, list[Any]]:
        report = await start_up(AccountsRequest(fleet=str(desk.fleet)))
        async with get_client() as client:
            keys = {"artifacts": {"key": {"any_": ["nija-start-up"]}}}
            artifacts = (await client._client.post("/artifacts/filter", json=keys)).json()
        tables = [json.loads(artifact["data"]) for artifact in artifacts]  # others use the server, too
        return report, await watch(WatchRequest(fleet=str(desk.fleet))), tables

    started, watched, tables = asyncio.run(run())
    told = [[(row["code"], row["message"].split(".")[0]) for row in rows] for rows in tables]

    assert isinstance(started, StartUpReport)
    assert [(m.code, m.symbol) for m in started.matters] == [("ENTRY_UNKNOWN", s) for s in ("ETH/USD", "SOL/USD")]
    assert [("ENTRY_UNKNOWN", "2: ETH/USD, SOL/USD")] in told
    assert isinstance(watched, WatchReport)
    assert watched.matters == []
    assert {"start_up", "watch"} <= {b.pipeline for b in desk.in_store(heartbeats) if b.status == "ok"}
    assert kraken.calls("place") == 0


def test_a_deployment_is_started_once_for_a_key_and_never_where_its_schedule_is_off(desk: Desk) -> None:
    async def run() -> list[Any]:
        every = IntervalSchedule(interval=timedelta(days=300))
        async with get_client() as client:
            flow_id = await client.create_flow(enforce_exits)
            for name, active in (("on", True), ("off", False)):
                schedule = DeploymentScheduleCreate(schedule=every, active=active)
                await client.create_deployment(
                    flow_id, name=name, entrypoint="none", schedules=[schedule], enforce_parameter_schema=False
                )
            told = [await restart_deployment(f"enforce_exits/{name}", "a key") for name in ("on", "on", "off", "gone")]
            mine = {"flow_runs": {"idempotency_key": {"any_": ["a key"]}}}
            return [*told, (await client._client.post("/flow_runs/count", json=mine)).json()]

    *told, runs = asyncio.run(run())

    assert told == ["", "", "its schedule is switched off", "there is no such deployment"]
    assert runs == 1
