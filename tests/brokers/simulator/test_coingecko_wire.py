"""The simulated CoinGecko answers, refuses and counts as the real one is documented to."""

import time
from typing import Any

import aiohttp
import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World

pytestmark = pytest.mark.wire
DAY = 86_400


def a_gecko(**changes: Any) -> World:
    row = {"symbol": "BTC/USD", "price": "50000", "tick": "0.01"}
    return World.model_validate({"venue": "coingecko", "markets": [row], **changes})


async def chart(
    url: str, days_ago: float, days: float, coin: str = "bitcoin", **headers: str
) -> tuple[int, dict[str, Any]]:
    first = int(time.time() - days_ago * DAY)
    params = {"vs_currency": "usd", "from": str(first), "to": str(int(first + days * DAY))}
    async with aiohttp.ClientSession() as session:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with session.get(f"{url}/coins/{coin}/market_chart/range", params=params, headers=named) as response:
            return response.status, await response.json()


@pytest.mark.parametrize(
    ("days_ago", "days", "apart"), [(0.5, 0.5, 300), (30, 20, 3600), (200, 120, DAY), (30, 0.5, 3600)]
)
async def test_points_are_as_dense_as_the_span_is_short(days_ago: float, days: float, apart: int) -> None:
    with RunningVenue(a_gecko()) as gecko:
        status, body = await chart(gecko.url, days_ago, days)

    times = [at for at, _ in body["prices"]]
    assert (status, set(body)) == (200, {"prices", "market_caps", "total_volumes"})
    assert (times[-1] - times[0]) / (len(times) - 1) == pytest.approx(apart * 1000, rel=0.05)


async def test_what_is_older_than_the_plan_serves_is_refused_under_an_error() -> None:
    with RunningVenue(a_gecko()) as demo, RunningVenue(a_gecko(plan="pro")) as pro:
        status, body = await chart(demo.url, 400, 100)
        answered, _ = await chart(pro.url, 400, 100, x_cg_pro_api_key="any")

    assert (status, body["error"]["status"]["error_code"], answered) == (401, 10012, 200)


async def test_keys_that_are_missing_or_of_the_other_plan_are_refused() -> None:
    world = {"accounts": {"me": {"api_key": "mine"}}}
    with RunningVenue(a_gecko(**world)) as demo, RunningVenue(a_gecko(plan="pro", **world)) as pro:
        asked = [
            await chart(demo.url, 2, 1, x_cg_pro_api_key="mine"),
            await chart(pro.url, 2, 1, x_cg_demo_api_key="mine"),
            await chart(pro.url, 2, 1),
            await chart(demo.url, 2, 1, x_cg_demo_api_key="another"),
        ]
        mine, _ = await chart(demo.url, 2, 1, x_cg_demo_api_key="mine")

    assert [(status, body["status"]["error_code"]) for status, body in asked] == [
        (401, 10010),
        (401, 10011),
        (401, 10002),
        (401, 10002),
    ]
    assert mine == 200


async def test_a_coin_that_it_has_not_is_told_in_words() -> None:
    with RunningVenue(a_gecko()) as gecko:
        assert await chart(gecko.url, 2, 1, "nocoin") == (404, {"error": "coin not found"})


async def test_the_thirty_first_call_of_a_minute_is_refused() -> None:
    with RunningVenue(a_gecko(rate_limits=True)) as gecko:
        codes = [(await chart(gecko.url, 2, 0.1))[0] for _ in range(31)]

    assert codes == [200] * 30 + [429]
