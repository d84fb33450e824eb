"""Collect history: every candle that the fleet file wants and that is not stored yet, from its beginning up to now.

Runs daily where its schedule is switched on, the first time from the very beginning; by hand: `nija history collect`.
It sends no order and takes no account's lease.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.history_request import HistoryRequest, choose
from flows.history_run import collect_chosen, history_runtime, publish_history
from flows.pipeline import Pipeline, seen, started
from models.clock import Clock
from models.history_report import CollectReport
from tasks.collect import SILENT, Progress

COLLECT_HISTORY = Pipeline("collect_history", every=timedelta(days=1))


@flow(name="collect_history", flow_run_name="collect-history", retries=0, validate_parameters=True)
async def collect_history(request: HistoryRequest) -> CollectReport | State[Any]:
    """Collect what is wanted, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start.
    """
    return await started(COLLECT_HISTORY, partial(collect_wanted, request, on_prefect=True))


async def collect_wanted(
    request: HistoryRequest, *, on_prefect: bool = False, progress: Progress = SILENT, clock: Clock | None = None
) -> CollectReport:
    """Collect, and leave a sign of life. Raises: ConfigError, StoreError."""
    async with history_runtime(request, clock) as runtime:
        chosen = choose(request, runtime.fleet, runtime.clock.now())
        report = await collect_chosen(runtime, chosen, again=request.again, progress=progress)
        if on_prefect:
            await publish_history(runtime, report, chosen, key="nija-history", title="History collected")
        await seen(runtime.store, COLLECT_HISTORY, now=runtime.clock.now(), clock=clock)
    return report
