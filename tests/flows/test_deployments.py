"""prefect.yaml drops what it does not know in silence, so every line of it is held to the code here."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.utilities.callables import parameter_schema

FILE = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())
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
        for name, field in model["properties"].items():
            assert field.get("description"), name


def test_a_second_run_of_a_deployment_is_turned_away(deployment: dict[str, Any]) -> None:
    limit = deployment["concurrency_limit"]

    assert limit["limit"] == 1
    assert ConcurrencyLimitStrategy(limit["collision_strategy"]) is ConcurrencyLimitStrategy.CANCEL_NEW
