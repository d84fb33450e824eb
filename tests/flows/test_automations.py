"""The automations on a real Prefect server: how they get there, and what they start."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.events.actions import DoNothing
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.states import Crashed, Running

from flows.automations import OURS, Change, SyncReport, sync_automations
from flows.enforce_cap import enforce_cap
from flows.report_trouble import RUN_CRASHED, WATCH_SILENT, TroubleRequest, raise_trouble, report_trouble
from flows.watch import WatchRequest, watch_fleet
from models.clock import SystemClock
from models.errors import ConfigError
from models.store.alerts import alerts
from models.store.heartbeats import PIPELINE, beat
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire

T = TypeVar("T")
UNSENT = {"id", "owner_resource"}


def on_server(act: Callable[[PrefectClient], Awaitable[T]]) -> T:
    async def run() -> T:
        async with get_client() as client:
            return await act(client)

    return asyncio.run(run())


async def with_reporter(client: PrefectClient) -> UUID:
    """Deploy what the automations start; return its id."""
    flow_id = await client.create_flow(report_trouble)
    return await client.create_deployment(flow_id, name="on-trouble", entrypoint="none")


async def removed(client: PrefectClient) -> None:
    for automation in await client.read_automations():
        await client.delete_automation(automation.id)


@pytest.fixture(autouse=True)
def on_a_clean_server(prefect_server: None) -> Any:
    on_server(removed)
    yield
    on_server(removed)


def changes(report: SyncReport) -> list[Change]:
    return [one.change for one in report.automations]


def test_they_are_created_once_and_left_alone_after_that() -> None:
    async def twice(client: PrefectClient) -> tuple[SyncReport, SyncReport, int]:
        await with_reporter(client)
        first, second = await sync_automations(client), await sync_automations(client)
        return first, second, len(await client.read_automations())

    first, second, there = on_server(twice)

    assert set(changes(first)) == {Change.CREATED}
    assert set(changes(second)) == {Change.UNCHANGED}
    assert there == len(first.automations)


def test_one_that_was_changed_is_corrected_and_one_that_was_switched_off_stays_off() -> None:
    async def tampered(client: PrefectClient) -> SyncReport:
        await with_reporter(client)
        await sync_automations(client)
        first, second, *_ = sorted(await client.read_automations(), key=lambda a: a.name)
        weaker = AutomationCore.model_validate({**first.model_dump(exclude=UNSENT), "description": "weaker"})
        await client.update_automation(first.id, weaker)
        await client.pause_automation(second.id)
        return await sync_automations(client)

    report = on_server(tampered)

    by_name = sorted(report.automations, key=lambda one: one.name)
    assert [one.change for one in by_name[:2]] == [Change.UPDATED, Change.UNCHANGED]
    assert [one.enabled for one in by_name[:2]] == [True, False]


def test_what_is_no_longer_declared_goes_and_what_others_made_stays() -> None:
    async def others(client: PrefectClient) -> tuple[SyncReport, set[str]]:
        await with_reporter(client)
        for name in (f"{OURS}an old one", "somebody else's"):
            trigger = EventTrigger(expect={"never"}, posture=Posture.Reactive, threshold=1)
            await client.create_automation(AutomationCore(name=name, trigger=trigger, actions=[DoNothing()]))
        report = await sync_automations(client)
        return report, {a.name for a in await client.read_automations()}

    report, there = on_server(others)

    assert [one.name for one in report.automations if one.change is Change.REMOVED] == [f"{OURS}an old one"]
    assert "somebody else's" in there
    assert f"{OURS}an old one" not in there


def test_without_the_deployment_that_they_start_nothing_is_made() -> None:
    async def alone(client: PrefectClient) -> int:
        await client.delete_deployment(await with_reporter(client))
        with pytest.raises(ConfigError, match="not deployed"):
            await sync_automations(client)
        return len(await client.read_automations())

    assert on_server(alone) == 0


def test_a_run_that_crashes_is_reported_with_its_name() -> None:
    async def crash(client: PrefectClient) -> FlowRun:
        reporter = await with_reporter(client)
        await sync_automations(client)
        run = await client.create_flow_run(enforce_cap, name="doomed", tags=["nija"])
        stranger = await client.create_flow_run(enforce_cap, name="not ours")
        for one in (stranger, run):
            await client.set_flow_run_state(one.id, Running(), force=True)
            await client.set_flow_run_state(one.id, Crashed(message="killed"), force=True)
        chosen = DeploymentFilter(id=DeploymentFilterId(any_=[reporter]))
        async with asyncio.timeout(60):
            while not (started := await client.read_flow_runs(deployment_filter=chosen)):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.2)
        (reported,) = started
        return reported

    reported = on_server(crash)

    request = TroubleRequest.model_validate(reported.parameters["request"])
    assert (request.what, request.pipeline, request.run) == ("ended badly", "enforce_cap", "doomed")
    assert request.event == "prefect.flow-run.Crashed"


def test_a_trouble_stands_as_one_alert_until_its_pipeline_has_ended_well(desk: Desk) -> None:
    desk.worth({"BTC": 100})
    desk.write_fleet()
    crashed = TroubleRequest(what="ended badly", pipeline="enforce_cap", run="a run")
    silent = TroubleRequest(what="watch silent", pipeline="watch")

    async def run() -> tuple[list[bool], set[str], set[str]]:
        new = [await raise_trouble(request) for request in (crashed, crashed, silent)]
        await watch_fleet(WatchRequest())
        return new, set(), set()

    new, *_ = asyncio.run(run())
    standing = {one.alert.code for one in desk.in_store(alerts)}
    desk.in_store(lambda store: beat(store, "enforce_cap", {PIPELINE: "ok"}, now=SystemClock().now()))
    asyncio.run(watch_fleet(WatchRequest()))
    later = {one.alert.code for one in desk.in_store(alerts)}

    assert new == [True, False, True]
    assert RUN_CRASHED in standing
    assert WATCH_SILENT not in standing
    assert RUN_CRASHED not in later
