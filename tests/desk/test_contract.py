"""The API by its own document: whatever is sent, no fault within, and every answer as the document says."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from desk.app import build_app, open_desk
from models.people import Role
from models.settings import DeskSettings, Settings
from tasks.runtime import read_fleet
from tests.desk.conftest import FLEET
from tests.desk.office import AT, Office, open_office

EXAMPLES = 4
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Served:
    """A desk on a loop of its own, which examples are sent to one after the other."""

    def __init__(self, runner: asyncio.Runner, office: Office) -> None:
        self._runner, self._office = runner, office
        self.schema = schemathesis.openapi.from_dict(build_app(office.desk, pages=False).openapi())

    def send(self, case: Any) -> httpx.Response:
        how = case.as_transport_kwargs(base_url=AT)
        how.pop("timeout", None)
        headers = {name: value for name, value in dict(how.pop("headers", {})).items() if value.isascii()}
        client = self._office.clients[Role.ADMIN]
        asked = {
            name: value for name, value in how.items() if name in {"method", "url", "params", "json", "content", "data"}
        }
        return self._runner.run(client.request(**asked, headers=headers))


@pytest.fixture
def served(sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(FLEET))
    chosen = Settings(home=tmp_path / "home", fleet=file, database_url=sqlite_url)
    stack = AsyncExitStack()

    async def open_it() -> Office:
        desk = await stack.enter_async_context(open_desk(chosen, read_fleet(chosen, None), DeskSettings()))
        return await open_office(desk, stack)

    with asyncio.Runner() as runner:
        try:
            yield Served(runner, runner.run(open_it()))
        finally:
            runner.run(stack.aclose())


def test_every_answer_is_as_the_document_says(served: Served) -> None:
    operations = [found.ok() for found in served.schema.get_all_operations()]
    faults: list[str] = []

    for operation in operations:
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def sends(case: Any) -> None:
            answer = served.send(case)
            case.validate_response(answer, checks=CHECKS)

        try:
            sends()
        except BaseExceptionGroup as failed:
            faults += [f"{operation.label}: {one}" for one in failed.exceptions]

    assert faults == []
    assert len(operations) > 40
