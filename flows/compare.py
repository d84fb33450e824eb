"""Compare two to four strategies on the same prices, keep their results, and show them side by side.

Runs on demand: `nija compare`, or a deployment in the Prefect UI.
"""

import asyncio
from functools import partial
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.backtest_markdown import compare_markdown, compared_table
from flows.backtest_request import CompareRequest, count_of, strategy_named
from flows.backtest_run import setting_of, tested
from flows.pictures import publish_picture
from flows.pipeline import Pipeline, seen, started
from flows.research_data import Loaded, load_series
from models.backtest_report import BacktestReport, CompareReport
from models.clock import Clock, SystemClock
from models.errors import ConfigError
from models.settings import load_settings
from models.store.engine import Store
from research.pictures import curves_png
from research.registry import Registry, found
from research.report import compared

COMPARE = Pipeline("compare")


@flow(name=COMPARE.name, flow_run_name="compare", retries=0, validate_parameters=True)
async def compare(request: CompareRequest) -> CompareReport | State[Any]:
    """Compare once, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, LooksAhead, BadBars, StoreError when it cannot be run.
    """
    report = await started(COMPARE, partial(compare_kept, request))
    if isinstance(report, CompareReport):
        await publish_comparison(report)
    return report


async def compare_kept(request: CompareRequest, *, clock: Clock | None = None) -> CompareReport:
    """Backtest every strategy on the same prices and keep the results.

    Raises: ConfigError, also for the same strategy twice; LooksAhead, BadBars, StoreError.
    """
    clock = clock or SystemClock()
    async with await Store.open(load_settings().store_url) as store:
        report = await compared_on(store, request, found(), clock)
        best = max(report.backtests, key=lambda one: one.recommendation.total)
        await seen(store, COMPARE, now=clock.now(), detail=f"best: {best.label}", clock=clock)
    return report


async def compared_on(store: Store, request: CompareRequest, registry: Registry, clock: Clock) -> CompareReport:
    """Do the same with a store that is open, without a heartbeat. Raises: as above."""
    strategies = [strategy_named(registry, text, {}) for text in request.strategies]
    if len({(one.name, tuple(one.values().items())) for one in strategies}) < len(strategies):
        raise ConfigError(
            "--strategy", "the same strategy with the same parameters is given twice", "each of them once"
        )
    setting, loaded, reports = setting_of(request), dict[int, Loaded](), list[BacktestReport]()
    for strategy in strategies:
        count = count_of(strategy, setting.data)
        if count not in loaded:
            loaded[count] = await load_series(store, setting.data, count, clock.now())
        ran = await tested(store, strategy, loaded[count], setting, clock.now())
        reports.append(ran.report)
    first = reports[0]
    return CompareReport(
        data=first.data,
        since=first.since,
        until=first.until,
        bars=first.bars,
        backtests=reports,
        rows=compared(reports),
        buy_and_hold=first.buy_and_hold,
    )


async def publish_comparison(report: CompareReport) -> None:
    """Create the artifacts of a comparison: a report to read, a table, the curves."""
    png = await asyncio.to_thread(curves_png, [(one.label, one.equity) for one in report.backtests])
    await asyncio.gather(
        acreate_markdown_artifact(key="nija-compare", markdown=compare_markdown(report), description=report.data),
        acreate_table_artifact(key="nija-compare-table", table=compared_table(report), description=report.data),
        publish_picture("nija-compare-equity", png, report.data),
    )
