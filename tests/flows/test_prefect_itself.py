"""What the deployments need of Prefect: its server starts with version sets that it does not work on.

On SQLAlchemy 2.1 no schedule makes a run (https://github.com/sqlalchemy/sqlalchemy/issues/12496); from FastAPI 0.153 on
`prefect deploy --all` ends after its first deployment (https://github.com/fastapi/fastapi/pull/12135).
"""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule

from flows.enforce_cap import enforce_cap
from tests.cli.command import wait_until

pytestmark = pytest.mark.wire


def test_a_schedule_that_is_switched_on_makes_runs(prefect_server: None, prefect_api: str) -> None:
    every_five = DeploymentScheduleCreate(schedule=CronSchedule(cron="*/5 * * * *", timezone="UTC"), active=True)

    async def deployed() -> UUID:
        async with get_client() as client:
            flow_id = await client.create_flow(enforce_cap)
            return await client.create_deployment(
                flow_id, name="on a schedule", entrypoint="none", schedules=[every_five]
            )

    deployment = asyncio.run(deployed())
    schedule = f"{prefect_api}/deployments/{deployment}/schedule"
    # As its service does; on SQLite the server answers 503 where others write for long.
    wait_until(lambda: httpx.post(schedule, json={"min_runs": 2}).status_code != httpx.codes.SERVICE_UNAVAILABLE)
    of_it = {"deployments": {"id": {"any_": [str(deployment)]}}}
    runs = httpx.post(f"{prefect_api}/flow_runs/filter", json=of_it).json()
    httpx.delete(f"{prefect_api}/deployments/{deployment}")

    assert len(runs) >= 2
    assert all(run["auto_scheduled"] for run in runs)


def test_the_command_line_can_list_what_is_deployed(prefect_server: None) -> None:
    async def listed() -> Any:
        async with get_client() as client:
            return await client.read_deployments()

    assert isinstance(asyncio.run(listed()), list)
