"""The simulated Polymarket answers and refuses as the real one is documented to."""

import json
import time
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.polymarket.outcomes import outcomes
from brokers.simulator.world import World

pytestmark = pytest.mark.wire
DAY = 86_400
YES = outcomes("RAIN/USDC")[0].token


def a_polymarket(**changes: Any) -> World:
    row = {"symbol": "RAIN/USDC", "price": "0.35", **changes}
    return World.model_validate({"venue": "polymarket", "markets": [row]})


async def got(running: RunningVenue, path: str, **params: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}{path}", params=params) as response:
        return response.status, await response.json()


async def history(running: RunningVenue, days: int, fidelity: int, token: str = YES) -> tuple[int, Any]:
    now = int(time.time())
    times = {"startTs": str(now - days * DAY), "endTs": str(now)}
    return await got(running, "/prices-history", market=token, fidelity=str(fidelity), **times)


async def test_a_market_has_lists_inside_of_text() -> None:
    with RunningVenue(a_polymarket()) as running:
        status, (market,) = await got(running, "/markets", clob_token_ids=YES)
        _, none = await got(running, "/markets", closed="true")

    assert (status, none, market["closed"]) == (200, [], False)
    assert json.loads(market["clobTokenIds"])[0] == YES
    assert json.loads(market["outcomePrices"]) == ["0.35", "0.65"]


async def test_points_are_so_many_minutes_apart() -> None:
    with RunningVenue(a_polymarket()) as running:
        status, body = await history(running, 2, 60)

    times = [point["t"] for point in body["history"]]
    assert (status, len(times)) == (200, 48)
    assert {later - earlier for earlier, later in pairwise(times)} == {3600}


async def test_a_span_over_fifteen_days_is_refused() -> None:
    with RunningVenue(a_polymarket()) as running:
        status, body = await history(running, 16, 60)

    assert status == 400
    assert "too long" in body["error"]


async def test_a_resolved_market_is_empty_below_twelve_hours_and_an_unknown_token_always() -> None:
    with RunningVenue(a_polymarket(status="delisted")) as running:
        fine, coarse, unknown = (
            await history(running, 10, 60),
            await history(running, 10, 720),
            await history(running, 10, 720, "1"),
        )

    assert (fine[1], unknown[1]) == ({"history": []}, {"history": []})
    assert len(coarse[1]["history"]) == 20
