"""Backtest one strategy on stored history or a file, keep the result, and show it with its picture.

Runs on demand: `nija backtest`, or a deployment in the Prefect UI.
"""

import asyncio
import re
from functools import partial
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.backtest_markdown import backtest_markdown
from flows.backtest_request import BacktestRequest
from flows.backtest_run import Ran, backtest_once
from flows.pictures import publish_picture
from flows.pipeline import Pipeline, seen, started
from models.backtest_report import BacktestReport
from models.clock import Clock, SystemClock
from models.settings import load_settings
from models.store.engine import Store
from research.pictures import equity_png
from research.registry import found

BACKTEST = Pipeline("backtest")
_MOST_ROWS = 1_000  # trades of the table: the page would not scroll


@flow(name=BACKTEST.name, flow_run_name="backtest {request.strategy}", retries=0, validate_parameters=True)
async def backtest(request: BacktestRequest) -> BacktestReport | State[Any]:
    """Backtest once, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, LooksAhead, BadBars, StoreError when it cannot be run; nothing was kept then.
    """
    ran = await started(BACKTEST, partial(backtest_kept, request))
    if not isinstance(ran, Ran):
        return ran
    await publish_backtest(ran.report)
    return ran.report


async def backtest_kept(request: BacktestRequest, *, clock: Clock | None = None) -> Ran:
    """Backtest once and keep the result. Raises: ConfigError, LooksAhead, BadBars, StoreError."""
    clock = clock or SystemClock()
    async with await Store.open(load_settings().store_url) as store:
        ran = await backtest_once(store, request, found(), clock.now())
        await seen(store, BACKTEST, now=clock.now(), detail=ran.report.recommendation.words, clock=clock)
    return ran


async def publish_backtest(report: BacktestReport) -> None:
    """Create the artifacts of a backtest: a report to read, the trades, the picture."""
    key = f"nija-backtest-{key_of(report.strategy)}"
    png = await asyncio.to_thread(
        equity_png, f"{report.label} on {report.data}", report.equity, float(report.settings["initial_cash"] or 0)
    )
    await asyncio.gather(
        acreate_markdown_artifact(key=key, markdown=backtest_markdown(report), description=report.data),
        acreate_table_artifact(
            key=f"{key}-trades",
            table=[trade.model_dump(mode="json") for trade in report.trades[-_MOST_ROWS:]],
            description=f"{len(report.trades)} trades, the newest last",
        ),
        publish_picture(f"{key}-equity", png, f"{report.label} on {report.data}"),
    )


def key_of(name: str) -> str:
    """Return a name as a part of an artifact's key."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
