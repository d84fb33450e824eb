"""Strategies side by side: tested on the same stored prices, kept, the best of each figure marked."""

from typing import Any

import pytest

from models.history import Series, Timeframe
from tests.desk.office import Office
from tests.models.store.history import HOUR, a_walk, keep

ETHER = Series("kraken", "ETH/USD", Timeframe(HOUR))
THREE = ["sma-cross:fast=5,slow=20", "rsi", "breakout"]
PRICES = {"sources": ["kraken"], "symbols": ["BTC/USD"], "timeframe": "1h"}


@pytest.fixture
async def researched(office: Office) -> Office:
    end = int(office.desk.clock.now().timestamp()) // HOUR * HOUR
    await keep(office.desk.store, a_walk(700, end=end))
    await keep(office.desk.store, a_walk(700, end=end, seed=2).drop(index=[300]), ETHER)
    return office


async def compares(office: Office, **asked: Any) -> tuple[int, dict[str, Any]]:
    answer = await office.operator.post("/api/strategies/compare", json={"strategies": THREE} | PRICES | asked)
    return answer.status_code, answer.json()


async def test_three_strategies_are_compared_and_what_was_kept_says_the_same_again(researched: Office) -> None:
    code, compared = await compares(researched)

    ids = [one["backtest_id"] for one in compared["results"]]
    again = await researched.viewer.get("/api/strategies/compare", params={"ids": ids})
    file = await researched.viewer.get("/api/strategies/compare/export", params={"ids": ids, "q": "return"})
    assert (code, again.json(), compared["same_prices"]) == (200, compared, True)
    rows = {row["figure"]: row for row in compared["rows"]}
    returns = rows["return_fraction"]["values"]
    assert rows["return_fraction"]["best"] == [place for place, value in enumerate(returns) if value == max(returns)]
    falls = rows["drawdown_fraction"]["values"]
    assert rows["drawdown_fraction"]["best"] == [place for place, value in enumerate(falls) if value == min(falls)]
    assert rows["trades"]["best"] == []  # that says how one trades, not how well
    for curve, total, fall in zip(compared["curves"], returns, falls, strict=True):
        assert (curve[0]["equity"], curve[0]["drawdown"]) == (1.0, 0.0)
        assert curve[-1]["equity"] == pytest.approx(1 + total, abs=1e-9)
        assert max(point["drawdown"] for point in curve) <= fall + 1e-9
    assert file.text.splitlines()[0].count("sma-cross") == 1
    assert file.text.splitlines()[1].split(",")[-3:] == [str(value) for value in returns]
    (deed,) = await researched.deeds()
    assert (deed.action, deed.after) == (
        "strategies.compare",
        {"strategies": THREE, "data": "kraken BTC/USD 1h", "backtests": ids},
    )


async def test_results_on_other_prices_are_put_side_by_side_and_it_is_said(researched: Office) -> None:
    _, bitcoin = await compares(researched)
    holes, refused = await compares(researched, symbols=["ETH/USD"])
    code, ether = await compares(researched, symbols=["ETH/USD"], allow_gaps=True)

    mixed = {"ids": [bitcoin["results"][0]["backtest_id"], ether["results"][0]["backtest_id"]]}
    found = (await researched.viewer.get("/api/strategies/compare", params=mixed)).json()

    assert (holes, "gaps in kraken ETH/USD 1h" in refused["detail"], code) == (422, True, 200)
    assert found["same_prices"] is False
    assert (await researched.viewer.get("/api/strategies/results")).json()["total"] == 6


async def test_what_cannot_be_compared_is_refused_and_says_why(researched: Office) -> None:
    one, _ = await compares(researched, strategies=["rsi"])
    five, _ = await compares(researched, strategies=["rsi"] * 5)
    unknown, nearest = await compares(researched, strategies=["rsi", "sma-kross"])
    twice, _ = await compares(researched, strategies=["rsi", "rsi:period=14"])
    never, since = await compares(researched, since="some day")
    viewer = await researched.viewer.post("/api/strategies/compare", json={"strategies": THREE} | PRICES)
    gone = await researched.viewer.get("/api/strategies/compare", params={"ids": [1, 2]})

    assert [one, five, unknown, twice, never] == [422] * 5
    assert "sma-cross" in nearest["detail"]
    assert since["detail"].startswith("since: ")
    assert (viewer.status_code, gone.status_code) == (403, 404)
    listed = (await researched.viewer.get("/api/strategies/list")).json()["items"]
    period = next(p for s in listed if s["name"] == "rsi" for p in s["parameters"] if p["name"] == "period")
    assert period["lowest"] <= period["default"] <= period["highest"]
