"""prefect.yaml drops what it does not know in silence, so every line of it is held to the code here."""

import importlib
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.utilities.callables import parameter_schema

from flows.pipeline import Pipeline
from models.watch import RESTARTABLE, WatchLimits

FILE = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())
SCHEDULED = [d for d in FILE["deployments"] if "schedules" in d]
KEYS = {"name", "description", "entrypoint", "tags", "parameters", "work_pool", "concurrency_limit", "schedules"}


@pytest.fixture(params=FILE["deployments"], ids=lambda d: d["name"])
def deployment(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    module, name = deployment["entrypoint"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def test_a_deployment_has_only_keys_that_prefect_reads(deployment: dict[str, Any]) -> None:
    assert set(FILE) == {"name", "prefect-version", "pull", "deployments"}
    assert set(deployment) <= KEYS


def test_an_entrypoint_is_a_module_path_to_a_flow(deployment: dict[str, Any]) -> None:
    assert isinstance(flow_of(deployment), Flow)


def test_the_parameters_are_the_flows_own(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)

    validated = flow.validate_parameters(deployment["parameters"])

    assert set(validated) == set(deployment["parameters"])
    fields = type(validated["request"]).model_fields
    assert set(deployment["parameters"]["request"]) <= set(fields)


def test_every_field_of_the_form_is_described(deployment: dict[str, Any]) -> None:
    schema = parameter_schema(flow_of(deployment))

    for model in schema.definitions.values():
        for name, field in model.get("properties", {}).items():  # a choice has none
            assert field.get("description"), name


@pytest.fixture(params=SCHEDULED, ids=lambda d: d["name"])
def scheduled(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def test_a_schedule_has_only_keys_that_prefect_reads_and_says_its_time_zone(scheduled: dict[str, Any]) -> None:
    for schedule in scheduled["schedules"]:
        assert set(schedule) <= {"cron", "interval", "anchor_date", "timezone", "slug", "active"}
        assert schedule["slug"]
        assert "interval" in schedule or schedule["timezone"] == "UTC"


async def test_a_pipeline_knows_how_often_its_schedule_starts_it(scheduled: dict[str, Any]) -> None:
    """It is late by that, and silent by that."""
    module = module_of(scheduled)
    if hasattr(module, "pipeline_of"):  # one that is scheduled in several ways is told by its request which it is
        pipeline = module.pipeline_of(flow_of(scheduled).validate_parameters(scheduled["parameters"])["request"])
    else:
        (pipeline,) = {p for p in vars(module).values() if isinstance(p, Pipeline) and p.every is not None}

    assert pipeline.name == flow_of(scheduled).name
    for schedule in scheduled["schedules"]:
        first, second = await times_of(schedule)
        is_monthly = timedelta(days=28) <= second - first <= timedelta(days=31) == pipeline.every
        assert second - first == pipeline.every or is_monthly


def test_what_may_send_orders_by_itself_waits_to_be_switched_on(scheduled: dict[str, Any]) -> None:
    if scheduled["parameters"]["request"].get("live"):
        assert [schedule["active"] for schedule in scheduled["schedules"]] == [False]


def test_dust_goes_at_three_in_the_morning_and_the_cap_is_looked_at_every_five_minutes() -> None:
    crons = {d["entrypoint"].rsplit(".", 1)[1]: [s.get("cron") for s in d["schedules"]] for d in SCHEDULED}

    assert crons["cleanup_dust"] == ["0 3 * * *"]
    assert crons["enforce_cap"] == ["*/5 * * * *"]


async def test_exits_are_looked_at_every_minute_and_not_when_the_others_take_their_accounts() -> None:
    (exits,) = [d for d in SCHEDULED if d["entrypoint"] == "flows.enforce_exits.enforce_exits"]

    first, second = await times_of(exits["schedules"][0])

    assert (first.second, (second - first).total_seconds()) == (30, 60)


def test_what_the_watch_may_start_again_is_deployed() -> None:
    deployed = {f"{flow_of(deployment).name}/{deployment['name']}" for deployment in SCHEDULED}

    assert set(RESTARTABLE.values()) <= deployed
    assert set(get_args(get_args(WatchLimits.model_fields["restart"].annotation)[0])) == set(RESTARTABLE)


def test_only_the_deployment_that_asks_waits_for_an_answer() -> None:
    requests = {d["name"]: d["parameters"].get("request", {}) for d in FILE["deployments"]}

    assert {name for name, request in requests.items() if request.get("mode") == "approve"} == {"approve"}
    assert requests["on-demand"] == {"live": False}


def module_of(deployment: dict[str, Any]) -> ModuleType:
    return importlib.import_module(deployment["entrypoint"].rsplit(".", 1)[0])


async def times_of(schedule: dict[str, Any]) -> list[datetime]:
    """Return the next two times that Prefect would start a run."""
    if "interval" in schedule:
        anchored = {"anchor_date": schedule["anchor_date"]} if "anchor_date" in schedule else {}
        return await IntervalSchedule(interval=timedelta(seconds=schedule["interval"]), **anchored).get_dates(n=2)
    return await CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).get_dates(n=2)


def test_a_second_run_of_a_deployment_is_turned_away_where_it_can_do_without(deployment: dict[str, Any]) -> None:
    """Prefect ends a run that lost its place: at a pause, at a retry, and where its server is away for some minutes."""
    waits_or_never_stops = {"on-demand", "approve", "without-a-pause", "on-trouble"}
    changes_nothing = {"backtest", "compare", "optimize", "walk-forward"}  # each person's run is their own
    if deployment["name"] in waits_or_never_stops | changes_nothing:
        assert "concurrency_limit" not in deployment
        return

    assert deployment["concurrency_limit"]["limit"] == 1
    strategy = ConcurrencyLimitStrategy(deployment["concurrency_limit"]["collision_strategy"])
    assert strategy is ConcurrencyLimitStrategy.CANCEL_NEW
