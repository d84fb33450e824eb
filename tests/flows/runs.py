"""Flow runs as a worker gets them, made on the server and executed by their id; and answers to their questions."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx import HTTPStatusError
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import run_flow
from prefect.flow_runs import aresume_flow_run
from prefect.states import Pending

from models.report import RunReport
from tests.drills.desk import Desk

_PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """What a flow run came to: its state as the server has it, and the report where it returned one."""

    state: State[Any]
    report: RunReport | None = None


@dataclass(frozen=True)
class Question:
    """What a paused run asks, and the schema of the form that the UI draws."""

    words: str
    schema: dict[str, Any]


def asked(desk: Desk, **fields: Any) -> dict[str, Any]:
    """Return the parameters of a run over the desk's fleet, as a deployment would have them."""
    desk.write_fleet()
    return {"request": {"fleet": str(desk.fleet), **fields}}


async def flow_run_of(
    flow: Flow[Any, Any], parameters: dict[str, Any], state: State[Any] | None = None, *, deployed: bool = False
) -> FlowRun:
    """Make a flow run on the server, of a deployment or of none."""
    async with get_client() as client:
        if not deployed:
            return await client.create_flow_run(flow, parameters=parameters, state=state or Pending())
        flow_id = await client.create_flow(flow)
        deployment = await client.create_deployment(flow_id, name="in a test", entrypoint="none")
        return await client.create_flow_run_from_deployment(deployment, parameters=parameters, state=state)


async def executed(flow: Flow[Any, Any], flow_run: FlowRun) -> Ended:
    """Execute a flow run in this process, as a worker does."""
    state: Any = await run_flow(flow, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")
    report = await state.aresult() if state.name == "Completed" else None
    return Ended(await state_of(flow_run.id), report if isinstance(report, RunReport) else None)


async def state_of(flow_run_id: UUID) -> State[Any]:
    """Return the state of a flow run as the server has it."""
    async with get_client() as client:
        state = (await client.read_flow_run(flow_run_id)).state
    assert state is not None
    return state


async def question(flow_run_id: UUID) -> Question:
    """Wait for a run to pause; return its question."""
    end = time.monotonic() + _PATIENCE
    async with get_client() as client:
        while time.monotonic() < end:
            state = await state_of(flow_run_id)
            assert not state.is_final(), state
            keys = state.state_details.run_input_keyset
            try:
                if state.is_paused() and keys is not None:
                    words = await client.read_flow_run_input(flow_run_id, keys["description"])
                    schema = await client.read_flow_run_input(flow_run_id, keys["schema"])
                    return Question(json.loads(words), json.loads(schema))
            except HTTPStatusError:  # the question is saved after the pause
                pass
            await asyncio.sleep(0.05)
    raise AssertionError("the run did not pause")


async def answer(flow_run_id: UUID, **fields: Any) -> str:
    """Wait for the question, answer it as the form in the UI does, and return its words."""
    asked = await question(flow_run_id)
    await aresume_flow_run(flow_run_id, run_input=fields)
    return asked.words
