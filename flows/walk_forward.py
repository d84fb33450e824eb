"""Walk forward: choose parameters in one part of the history and try them on the next, again and again.

Runs on demand; by hand: `nija walk-forward`. It reads stored history or files, and sends no order.
"""

from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.pipeline import Pipeline, started
from flows.search_pages import publish_search
from flows.search_request import WalkForwardRequest
from flows.search_run import search_all
from models.search_report import BatchReport

WALK_FORWARD = Pipeline("walk_forward")


@flow(name="walk_forward", flow_run_name="walk-forward", retries=0, validate_parameters=True)
async def walk_forward(request: WalkForwardRequest) -> BatchReport | State[Any]:
    """Walk forward, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start.
    """
    return await started(WALK_FORWARD, partial(_walked, request))


async def _walked(request: WalkForwardRequest) -> BatchReport:
    report = await search_all(request)
    await publish_search(report, WALK_FORWARD, key="nija-walk-forward")
    return report
