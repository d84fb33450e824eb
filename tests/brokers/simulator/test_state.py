"""Kill and restart a venue: what it knew, it still knows."""

from decimal import Decimal
from pathlib import Path

import ccxt.async_support as ccxt
import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("venue", ["kraken", "binance"])
async def test_orders_fills_and_balances_outlive_the_process(venue: str, tmp_path: Path) -> None:
    world, path = a_world(venue), tmp_path / "state.sqlite"
    btc = world.markets[0].symbol
    with RunningVenue(world, state_path=path) as running:
        async with connected(running) as client:
            await client.create_order(btc, "market", "sell", 0.01)
            waits = await client.create_order(btc, "limit", "sell", 0.005, 60000)
        before = running.orders("platform"), running.fills("platform"), running.balances("platform")

    with RunningVenue(world, state_path=path) as running:
        after = running.orders("platform"), running.fills("platform"), running.balances("platform")
        async with connected(running) as client:
            await client.cancel_order(waits["id"], btc)
            again = await client.create_order(btc, "market", "sell", 0.001)

    assert after == before
    assert again["id"] not in {order.id for order in before[0]}


async def test_a_nonce_used_before_the_restart_stays_used(tmp_path: Path) -> None:
    world, path = a_world("kraken"), tmp_path / "state.sqlite"
    with RunningVenue(world, state_path=path) as running:
        async with connected(running) as client:
            early = client.milliseconds()
            await client.fetch_balance()

    with RunningVenue(world, state_path=path) as running:
        async with connected(running) as client:
            client.incrementing_nonce = lambda: early
            with pytest.raises(ccxt.InvalidNonce):
                await client.fetch_balance()


def test_what_was_set_while_running_stays_set(tmp_path: Path) -> None:
    world, path = a_world("kraken"), tmp_path / "state.sqlite"
    with RunningVenue(world, state_path=path) as running:
        running.set_price("BTC/USD", "61000")
        running.set_price("ETH/USD", None)
        running.set_market("DOGE/USD", "halted")
        running.set_fills("never")
        running.set_balances("platform", BTC="3")

    with RunningVenue(world, state_path=path) as running:
        assert (running.price("BTC/USD"), running.price("ETH/USD")) == (Decimal(61000), None)
        assert running.balances("platform")["BTC"] == 3


async def test_an_order_that_waited_fills_after_the_restart(tmp_path: Path) -> None:
    world, path = a_world("kraken"), tmp_path / "state.sqlite"
    with RunningVenue(world, state_path=path) as running:
        async with connected(running) as client:
            await client.create_order("BTC/USD", "limit", "buy", 0.01, 40000)

    with RunningVenue(world, state_path=path) as running:
        running.set_price("BTC/USD", "30000")
        assert [order.status for order in running.orders("platform")] == [Status.FILLED]


async def test_a_fault_plan_goes_on_where_it_stopped(tmp_path: Path) -> None:
    world, path = a_world("kraken"), tmp_path / "state.sqlite"
    with RunningVenue(world, state_path=path) as running:
        running.set_faults({"operation": "balance", "fault": "status", "times": 2})
        async with connected(running) as client:
            with pytest.raises(ccxt.ExchangeNotAvailable):
                await client.fetch_balance()

    with RunningVenue(world, state_path=path) as running:
        async with connected(running) as client:
            with pytest.raises(ccxt.ExchangeNotAvailable):
                await client.fetch_balance()
            assert (await client.fetch_balance())["total"]["BTC"] == 0.02


async def test_calls_go_on_being_counted(tmp_path: Path) -> None:
    world, path = a_world("kraken"), tmp_path / "state.sqlite"
    for _ in range(2):
        with RunningVenue(world, state_path=path) as running:
            async with connected(running) as client:
                await client.fetch_balance()
            counted = running.calls("balance", "platform")

    assert counted == 2


def test_a_new_account_starts_with_its_balances_beside_stored_ones(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with RunningVenue(a_world("kraken"), state_path=path) as running:
        running.set_balances("platform", USD="1")
    accounts = {name: {"balances": {"USD": "500"}} for name in ("platform", "second")}

    with RunningVenue(a_world("kraken", accounts=accounts), state_path=path) as running:
        assert (running.balances("platform")["USD"], running.balances("second")["USD"]) == (1, 500)


def test_what_was_traded_before_the_start_is_recorded_once_and_moves_nothing(tmp_path: Path) -> None:
    trades = [
        {"symbol": "BTC/USD", "side": side, "quantity": "1", "price": "40000", "hours_ago": hours}
        for side, hours in (("sell", 1), ("buy", 9))
    ]
    world = a_world("kraken", accounts={"platform": {"balances": {"BTC": "3"}, "trades": trades}})

    for _ in range(2):
        with RunningVenue(world, state_path=tmp_path / "state.sqlite") as running:
            fills, owned = running.fills("platform"), running.balances("platform")

    assert [(str(fill.side), fill.number) for fill in fills] == [("buy", 1), ("sell", 2)]
    assert owned == {"BTC": 3}
