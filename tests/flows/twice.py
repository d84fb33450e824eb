"""A process that executes a flow run by its id, as a worker's does."""

import asyncio
import importlib
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.context import refresh_global_settings_context
from prefect.exceptions import Abort
from prefect.flow_engine import run_flow

from tests.forked import Forked

STOOD_BACK = 75


def execute(flow: str, flow_run_id: str, environment: Mapping[str, str]) -> Forked:
    """Start a process that executes a flow run; `flow` as an entrypoint names it."""
    return Forked(
        f"{__name__}:be_executed", {"flow": flow, "flow_run_id": flow_run_id}, env={**os.environ, **environment}
    )


def be_executed(flow: str, flow_run_id: str) -> None:
    """Be that process."""
    refresh_global_settings_context()  # it was forked off one that knows another server
    module, name = flow.rsplit(".", 1)
    try:
        asyncio.run(_execute(getattr(importlib.import_module(module), name), UUID(flow_run_id)))
    except Abort:
        raise SystemExit(STOOD_BACK) from None


async def _execute(flow: Any, flow_run_id: UUID) -> None:
    async with get_client() as client:
        flow_run = await client.read_flow_run(flow_run_id)
    await run_flow(flow, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")
