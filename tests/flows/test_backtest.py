"""Research as a worker runs it: on Prefect, with a report, a table and a picture of each, and signs of life."""

import asyncio
import base64
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.backtest import backtest
from flows.backtest_request import BacktestRequest, CompareRequest
from flows.backtest_run import by_policy
from flows.compare import compare
from flows.rebalance import RebalanceRequest, rebalance
from flows.research_data import DataRequest
from flows.research_settings import Assumptions
from models.backtest_report import BacktestReport, CompareReport
from models.clock import SystemClock
from models.history import Series, Timeframe
from models.policy import Policy
from models.report import RunReport
from models.sizing import SizingMethod
from models.store.engine import Store
from models.store.heartbeats import heartbeats
from tests.drills.desk import Desk
from tests.models.store.history import HOUR, a_walk, keep

pytestmark = pytest.mark.wire

KEYS = [
    "nija-backtest-sma-cross",
    "nija-backtest-sma-cross-trades",
    "nija-backtest-sma-cross-equity",
    "nija-compare",
    "nija-compare-table",
    "nija-compare-equity",
    "nija-rebalance-report",
]
DATA = DataRequest(symbols=["BTC/USD"])


def test_backtest_compare_and_rebalance_leave_reports_and_pictures(desk: Desk) -> None:
    strategies = [{"name": "sma-cross", "symbol": "BTC/USD"}, {"name": "rsi", "symbol": "ETH/USD"}]
    venue = desk.opens(
        prices={"BTC": 100, "ETH": 50}, holds={"platform": {"BTC": "8"}}, cash=200, settings={"strategies": strategies}
    )
    end = int(SystemClock().now().timestamp()) // HOUR * HOUR

    async def collected(store: Store) -> None:
        for seed, symbol in enumerate(("BTC/USD", "ETH/USD"), start=1):
            await keep(store, a_walk(600, end=end, seed=seed), Series("kraken", symbol, Timeframe(HOUR)))

    desk.in_store(collected)
    desk.write_fleet()

    async def run(flow: Any, asked: Any) -> Any:
        return await flow(asked)

    tested = asyncio.run(run(backtest, BacktestRequest(strategy="sma-cross", parameters={"fast": 5}, data=DATA)))
    beside = asyncio.run(run(compare, CompareRequest(strategies=["sma-cross:fast=5", "breakout"], data=DATA)))
    weighed = asyncio.run(run(rebalance, RebalanceRequest(fleet=str(desk.fleet), refresh=True, since="20d", live=True)))

    assert isinstance(tested, BacktestReport)
    assert isinstance(beside, CompareReport)
    assert isinstance(weighed, RunReport)
    assert tested.figures == beside.backtests[0].figures
    assert weighed.accounts[0].rebalance is not None, weighed.accounts[0].errors
    assert [one.weight for one in weighed.accounts[0].rebalance.strategies] == ["0.4000", "0.4000"]
    assert {error.code for error in weighed.accounts[0].errors} == {"REBALANCE_OFF"}
    assert venue.orders("platform") == []
    beats = {(beat.pipeline, beat.account, beat.status) for beat in desk.in_store(heartbeats)}
    assert beats >= {(name, "*", "ok") for name in ("backtest", "compare", "rebalance")}
    left = asyncio.run(_artifacts())
    assert set(left) == set(KEYS)
    for key in ("nija-backtest-sma-cross-equity", "nija-compare-equity"):
        assert base64.b64decode(left[key].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert tested.recommendation.words in left["nija-backtest-sma-cross"]
    assert "| cash | | | | | | | 20.00% |" in left["nija-rebalance-report"]


def test_an_accounts_policy_fills_in_what_is_not_given_and_a_form_that_sends_defaults_gives_nothing() -> None:
    given = Assumptions(stop_loss_fraction=0.1)
    sent = Assumptions(**given.model_dump())  # as the form of a deployment does: every field

    for assumed in (given, sent):
        settings = by_policy(assumed, Policy(sizing_method=SizingMethod.INVERSE_VOLATILITY))

        assert (settings.limits.stop_loss_fraction, settings.limits.take_profit_fraction) == (0.1, 0.08)
        assert (settings.limits.trailing_stop_fraction, settings.limits.longest_hold_seconds) == (0.05, 86_400)
        assert (settings.size.method, settings.size.most_fraction) == (SizingMethod.INVERSE_VOLATILITY, 0.2)
        assert not settings.allow_short


async def _artifacts() -> dict[str, Any]:
    async with get_client() as client:
        asked = {"artifacts": {"key": {"any_": KEYS}}}
        found = (await client._client.post("/artifacts/filter", json=asked)).json()
    return {row["key"]: row["data"] for row in found}
