"""Use the control API as a drill in another process would."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from brokers.simulator.handle import RunningVenue
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire


@pytest.fixture
async def control(running: RunningVenue) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"{running.url}/_sim/") as session:
        yield session


async def test_health_tells_which_world_is_served(control: aiohttp.ClientSession, running: RunningVenue) -> None:
    health = await (await control.get("health")).json()

    assert health["venue"] == running.world.venue
    assert health["fingerprint"] == running.world.fingerprint


async def test_the_state_shows_balances_orders_and_fills(control: aiohttp.ClientSession, client: Any, btc: str) -> None:
    await client.create_order(btc, "market", "sell", 0.01)

    account = (await (await control.get("state")).json())["accounts"]["platform"]

    assert account["balances"]["BTC"] == {"total": "0.01", "held": "0"}
    assert [order["status"] for order in account["orders"]] == ["filled"]
    assert [fill["symbol"] for fill in account["fills"]] == [btc]


async def test_calls_are_listed_and_counted(control: aiohttp.ClientSession, client: Any) -> None:
    await client.fetch_balance()

    calls = await (await control.get("calls")).json()

    assert calls["counts"]["balance|platform"] == 1
    assert calls["calls"][-1]["operation"] == "balance"


async def test_prices_markets_balances_and_fills_are_changed(
    control: aiohttp.ClientSession, client: Any, running: RunningVenue, btc: str
) -> None:
    await control.post("prices", json={btc: "60000"})
    await control.post("markets", json={"symbol": btc, "min_quantity": "0.001"})
    await control.post("balances", json={"account": "platform", "balances": {"BTC": "2"}})
    await control.post("fills", json={"mode": "never", "symbol": btc})

    order = await client.create_order(btc, "market", "sell", 1)

    assert (await client.fetch_ticker(btc))["last"] == 60000
    assert client.market(btc)["limits"]["amount"]["min"] == 0.001
    assert running.balances("platform")["BTC"] == 2
    assert (await client.fetch_order(order["id"], btc))["filled"] == 0


async def test_faults_are_set_and_taken_back(control: aiohttp.ClientSession, running: RunningVenue) -> None:
    await control.post("faults", json={"rules": [{"fault": "status", "times": None}]})
    during = await control.get(f"{running.url}/0/public/Time")
    await control.delete("faults")
    after = await control.get(f"{running.url}/0/public/Time")

    assert during.status == 503
    assert after.status != 503


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("faults", [{"fault": "no such thing"}]),
        ("fills", {"mode": "sometimes"}),
        ("prices", {"NO/SUCH": "1"}),
        ("prices", {"BTC/USD": "many"}),
        ("balances", {"account": "nobody", "balances": {}}),
        ("markets", {}),
    ],
)
async def test_a_wrong_body_is_refused_with_a_reason(control: aiohttp.ClientSession, name: str, body: Any) -> None:
    answer = await control.post(name, json=body)

    assert answer.status == 400
    assert (await answer.json())["error"]


async def test_a_latency_is_added_to_every_answer() -> None:
    with RunningVenue(a_world("kraken", latency_ms=120)) as running:
        async with connected(running) as client:
            started = client.milliseconds()
            await client.fetch_time()
            assert client.milliseconds() - started >= 120
