"""Clean up dust: close what is below the dust threshold, convert or mark what cannot be sold, and leave the rest alone.

Runs every day at 03:00 UTC where its schedule is switched on; by hand: `nija cleanup-dust`.
"""

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.normalize import FleetRequest, enforce
from flows.pipeline import Pipeline
from models.report import RunReport
from models.scope import Scope

CLEANUP_DUST = Pipeline("cleanup_dust", every=timedelta(days=1))


@flow(name="cleanup_dust", flow_run_name="cleanup_dust {request.word}", retries=0, validate_parameters=True)
async def cleanup_dust(request: FleetRequest) -> RunReport | State[Any]:
    """Close dust in the chosen accounts; nothing else is sold, whatever it is worth and however many there are.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    return await enforce(request, CLEANUP_DUST, Scope.DUST)
