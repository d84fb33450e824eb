"""Searches as a worker runs them: on stored history, with a report, a table and pictures to look at."""

import asyncio
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.optimize import optimize
from flows.research_data import DataRequest
from flows.search_request import SearchRequest, WalkForwardRequest
from flows.walk_forward import walk_forward
from models.history import Series, Timeframe
from models.search_report import BatchReport
from models.store.heartbeats import heartbeats
from tests.drills.desk import Desk
from tests.models.store.history import a_walk, keep

pytestmark = pytest.mark.wire

HOURS = Series("kraken", "BTC/USD", Timeframe(3600))
KEYS = [f"nija-{kind}{more}" for kind in ("optimize", "walk-forward") for more in ("", "-best", "-sma-cross-heat-map")]


def test_a_search_of_stored_history_leaves_a_report_a_table_and_pictures(desk: Desk) -> None:
    desk.in_store(lambda store: keep(store, a_walk(800, seed=3), HOURS))
    asked = {"ranges": ["fast=5:20:5", "slow=30,60"], "data": DataRequest(symbols=["BTC/USD"])}

    async def run() -> tuple[Any, Any]:
        return (
            await optimize(SearchRequest.model_validate(asked)),
            await walk_forward(WalkForwardRequest.model_validate({**asked, "folds": 3})),
        )

    optimized, walked = asyncio.run(run())

    assert isinstance(optimized, BatchReport)
    assert isinstance(walked, BatchReport)
    assert optimized.exit_code == walked.exit_code == 2
    (report,) = [one.report for one in optimized.strategies]
    assert report is not None
    assert (report.data, report.bars, report.tried) == ("kraken BTC/USD 1h", 800, 8)
    artifacts = asyncio.run(_artifacts())
    assert set(artifacts) == set(KEYS)
    assert artifacts["nija-optimize"].startswith("# sma-cross on kraken BTC/USD 1h: overfit")
    assert artifacts["nija-walk-forward-sma-cross-heat-map"].startswith("data:image/png;base64,")
    beats = {(beat.pipeline, beat.status) for beat in desk.in_store(heartbeats)}
    assert beats >= {("optimize", "ok"), ("walk_forward", "ok")}


async def _artifacts() -> dict[str, Any]:
    async with get_client() as client:
        asked = {"artifacts": {"key": {"any_": KEYS}}}
        found = (await client._client.post("/artifacts/filter", json=asked)).json()
    return {row["key"]: row["data"] for row in found}
