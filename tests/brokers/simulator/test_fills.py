"""See orders fill late, in part, or never, and balances follow late."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire


async def test_a_delayed_order_fills_after_its_seconds(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("delayed", after_seconds="0.1")
    placed = await client.create_order(btc, "market", "sell", 0.01)
    before = await client.fetch_order(placed["id"], btc)
    await asyncio.sleep(0.15)
    after = await client.fetch_order(placed["id"], btc)

    assert (before["status"], before["filled"]) == ("open", 0)
    assert (after["status"], after["filled"]) == ("closed", 0.01)


async def test_a_partial_fill_leaves_the_rest_open(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("partial", fraction="0.4")
    placed = await client.create_order(btc, "market", "sell", 0.01)

    order = await client.fetch_order(placed["id"], btc)

    assert (order["status"], order["filled"], order["remaining"]) == ("open", 0.004, 0.006)
    assert running.held("platform", "BTC") == Decimal("0.006")


async def test_the_rest_of_a_partial_fill_may_come_later(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("partial", fraction="0.4", after_seconds="0.1")
    await client.create_order(btc, "market", "sell", 0.01)
    await asyncio.sleep(0.15)

    (order,) = running.orders("platform")
    assert order.status is Status.FILLED
    assert [fill.quantity for fill in running.fills("platform")] == [Decimal("0.004"), Decimal("0.006")]


async def test_a_cancelled_partial_fill_keeps_what_was_filled(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("partial", fraction="0.4")
    placed = await client.create_order(btc, "market", "sell", 0.01)
    await client.cancel_order(placed["id"], btc)

    order = await client.fetch_order(placed["id"], btc)

    assert (order["status"], order["filled"]) == ("canceled", 0.004)
    assert running.held("platform", "BTC") == 0


async def test_the_venue_may_cancel_the_rest_itself(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("partial", fraction="0.4", cancel_rest=True)
    await client.create_order(btc, "market", "sell", 0.01)

    (order,) = running.orders("platform")
    assert (order.status, order.filled) == (Status.EXPIRED, Decimal("0.004"))


async def test_an_order_that_never_fills_does_so_once_it_may(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("never")
    await client.create_order(btc, "market", "sell", 0.01)
    (waiting,) = running.orders("platform")
    running.set_fills("immediate")
    (filled,) = running.orders("platform")

    assert (waiting.status, waiting.filled) == (Status.OPEN, 0)
    assert filled.status is Status.FILLED


async def test_a_fill_rule_may_be_for_one_market_only(client: Any, running: RunningVenue, quote: str, btc: str) -> None:
    running.set_fills("never", symbol=btc)
    await client.create_order(btc, "market", "sell", 0.01)
    await client.create_order(f"ETH/{quote}", "market", "sell", 0.5)

    assert [order.status for order in running.orders("platform")] == [Status.OPEN, Status.FILLED]


@pytest.mark.parametrize("venue", ["kraken", "binance"])
async def test_a_balance_may_show_a_fill_late(venue: str) -> None:
    with RunningVenue(a_world(venue, balance_lag_seconds="0.2")) as running:
        async with connected(running) as client:
            await client.create_order(running.world.markets[0].symbol, "market", "sell", 0.01)
            early = await client.fetch_balance()
            await asyncio.sleep(0.25)
            late = await client.fetch_balance()
        truth = running.balances("platform")

    assert (early["total"]["BTC"], late["total"]["BTC"], truth["BTC"]) == (0.02, 0.01, Decimal("0.01"))


@pytest.mark.parametrize(
    ("commission", "asset", "paid"),
    [("quote", "USDT", "2"), ("base", "BTC", "0.00004"), ("received", "BTC", "0.00004"), ("BNB", "BNB", "0.005")],
)
async def test_binance_takes_its_commission_in_the_asset_the_world_says(commission: str, asset: str, paid: str) -> None:
    default = a_world("binance")
    markets = [*default.model_dump()["markets"], {"symbol": "BNB/USDT", "price": "400"}]
    accounts = {"platform": {"balances": {"USDT": "10000", "BNB": "1"}}}
    with RunningVenue(a_world("binance", commission=commission, markets=markets, accounts=accounts)) as running:
        async with connected(running) as client:
            order = await client.create_order("BTC/USDT", "market", "buy", 0.01)
        (fill,) = running.fills("platform")

    assert (fill.fee_asset, fill.fee) == (asset, Decimal(paid))
    assert (order["fee"]["currency"], order["fee"]["cost"]) == (asset, float(paid))


async def test_a_commission_in_bnb_falls_back_when_there_is_too_little() -> None:
    with RunningVenue(a_world("binance", commission="BNB")) as running:
        async with connected(running) as client:
            await client.create_order("BTC/USDT", "market", "sell", 0.01)
        (fill,) = running.fills("platform")

    assert (fill.fee_asset, fill.fee) == ("USDT", Decimal(2))
