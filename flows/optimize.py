"""Optimise: search for a strategy's parameters on prices, keep every combination, and judge the best of them.

Runs on demand; by hand: `nija optimize`. It reads stored history or files, and sends no order.
"""

from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.pipeline import Pipeline, started
from flows.search_pages import publish_search
from flows.search_request import SearchRequest
from flows.search_run import search_all
from models.search_report import BatchReport

OPTIMIZE = Pipeline("optimize")


@flow(name="optimize", flow_run_name="optimize", retries=0, validate_parameters=True)
async def optimize(request: SearchRequest) -> BatchReport | State[Any]:
    """Search, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start.
    """
    return await started(OPTIMIZE, partial(_searched, request))


async def _searched(request: SearchRequest) -> BatchReport:
    report = await search_all(request)
    await publish_search(report, OPTIMIZE, key="nija-optimize")
    return report
