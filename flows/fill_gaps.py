"""Fill gaps: the holes in what is stored already, one request for each that fits a page.

Runs hourly where its schedule is switched on; by hand: `nija history fill`. It reaches neither before the first nor
beyond the last time that something is known of: that is for collecting. It sends no order.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.history_request import Chosen, HistoryRequest, choose
from flows.history_run import collect_chosen, history_runtime, publish_history
from flows.pipeline import Pipeline, seen, started
from models.clock import Clock
from models.history import Span
from models.history_report import CollectReport
from models.store.engine import Store
from models.store.history_bounds import bounds
from tasks.collect import SILENT, Progress

FILL_GAPS = Pipeline("fill_gaps", every=timedelta(hours=1))


@flow(name="fill_gaps", flow_run_name="fill-gaps", retries=0, validate_parameters=True)
async def fill_gaps(request: HistoryRequest) -> CollectReport | State[Any]:
    """Fill the holes, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start.
    """
    return await started(FILL_GAPS, partial(fill_wanted, request, on_prefect=True))


async def fill_wanted(
    request: HistoryRequest, *, on_prefect: bool = False, progress: Progress = SILENT, clock: Clock | None = None
) -> CollectReport:
    """Fill, and leave a sign of life. Raises: ConfigError, StoreError."""
    async with history_runtime(request, clock) as runtime:
        meant = choose(request, runtime.fleet, runtime.clock.now(), needs_since=False)
        chosen = await _within_what_is_known(runtime.store, request, meant)
        report = await collect_chosen(runtime, chosen, again=request.again, progress=progress)
        if on_prefect:
            await publish_history(runtime, report, chosen, key="nija-history-gaps", title="Gaps filled")
        await seen(runtime.store, FILL_GAPS, now=runtime.clock.now(), clock=clock)
    return report


async def _within_what_is_known(store: Store, request: HistoryRequest, meant: Sequence[Chosen]) -> list[Chosen]:
    """Narrow each series to where it is known; one of which nothing is known has no holes."""
    found = []
    for one in meant:
        known = (await bounds(store, one.series)).known
        if known is None:
            continue
        start = known.start if request.since is None else max(known.start, one.span.start)
        end = known.end if request.until is None else min(known.end, one.span.end)
        if span := Span(start, end):
            found.append(replace(one, span=span))
    return found
