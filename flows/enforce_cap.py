"""Enforce the position cap: close the smallest positions until the cap holds, and leave dust and small ones alone.

Runs every five minutes where its schedule is switched on; by hand: `nija enforce-cap`.
"""

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.normalize import FleetRequest, enforce
from flows.pipeline import Pipeline
from models.report import RunReport
from models.scope import Scope

ENFORCE_CAP = Pipeline("enforce_cap", every=timedelta(minutes=5))


@flow(name="enforce_cap", flow_run_name="enforce_cap {request.word}", retries=0, validate_parameters=True)
async def enforce_cap(request: FleetRequest) -> RunReport | State[Any]:
    """Bring the chosen accounts down to their cap; an account that cannot be is halted, as by a normalisation.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    return await enforce(request, ENFORCE_CAP, Scope.CAP)
