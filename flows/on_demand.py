"""Ask Prefect for a run of the deployment `on-demand`, and see what becomes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Scheduled

from flows.normalize import FleetRequest
from models.errors import ConfigError, NoServer

T = TypeVar("T")

DEPLOYMENT = "normalize/on-demand"
_FAULTS = (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A flow run that was asked for, and where it is shown."""

    flow_run_id: str
    url: str


@dataclass(frozen=True, slots=True)
class RunState:
    """How a flow run stands. `is_over`: nothing more will become of it."""

    kind: str
    name: str
    message: str
    is_over: bool
    url: str


async def start_on_demand(api: str, request: FleetRequest) -> Callable[[str], Awaitable[StartedRun]]:
    """Find the deployment; return what starts a run of it, once for each key. Raises: NoServer, ConfigError."""
    deployment = await _ask(api, lambda client: client.read_deployment_by_name(DEPLOYMENT))
    parameters = {"request": request.model_dump(mode="json")}

    async def start(key: str) -> StartedRun:
        run = await _ask(
            api,
            lambda client: client.create_flow_run_from_deployment(
                deployment.id, parameters=parameters, state=Scheduled(), idempotency_key=key, tags=["nija", "desk"]
            ),
        )
        return StartedRun(str(run.id), page_of(api, str(run.id)))

    return start


async def state_of(api: str, flow_run_id: UUID) -> RunState | None:
    """Return how a flow run stands; None: there is none of that id. Raises: NoServer."""
    try:
        run = await _ask(api, lambda client: client.read_flow_run(flow_run_id))
    except ConfigError as error:
        if isinstance(error, NoServer):
            raise
        return None
    state = run.state
    if state is None:
        return RunState("PENDING", "Pending", "", is_over=False, url=page_of(api, str(flow_run_id)))
    url = page_of(api, str(flow_run_id))
    return RunState(state.type.value, state.name or "", state.message or "", is_over=state.is_final(), url=url)


def page_of(api: str, flow_run_id: str) -> str:
    """Return where Prefect's own pages show a flow run."""
    return f"{api.rstrip('/').removesuffix('/api')}/runs/flow-run/{flow_run_id}"


async def _ask(api: str, question: Callable[[PrefectClient], Awaitable[T]]) -> T:
    """Ask the server that is named, whatever else the environment says. Raises: NoServer; ConfigError: not there."""
    with temporary_settings({PREFECT_API_URL: api}):
        try:
            async with get_client() as client:
                return await question(client)
        except ObjectNotFound:
            raise ConfigError("Prefect", f"{DEPLOYMENT} is not deployed there", "nija up, or prefect deploy") from None
        except _FAULTS as error:
            raise NoServer(f"the server at {api} does not answer ({type(error).__name__})") from None
