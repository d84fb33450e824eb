"""Leave the positions whose stop, profit target, trailing stop or longest hold is crossed; nothing else is sold.

Runs every minute where its schedule is switched on; by hand: `nija exits run`. A standing halt does not keep it off.
"""

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.normalize import FleetRequest, enforce
from flows.pipeline import Pipeline
from models.report import RunReport
from models.scope import Scope

ENFORCE_EXITS = Pipeline("enforce_exits", every=timedelta(minutes=1))


@flow(name="enforce_exits", flow_run_name="enforce_exits {request.word}", retries=0, validate_parameters=True)
async def enforce_exits(request: FleetRequest) -> RunReport | State[Any]:
    """Scan the chosen accounts once, and sell what is to be left, stops first.

    A stop that cannot be carried out is in the report and an alert (STOP_NOT_EXECUTED), and is tried again by the next
    scan. A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    return await enforce(request, ENFORCE_EXITS, Scope.EXITS)
