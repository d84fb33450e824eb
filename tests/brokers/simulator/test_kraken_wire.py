"""Check Kraken's own rules: keys, signatures, nonces, deadlines, ids, pages, balances with suffixes."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest

from brokers.simulator.handle import RunningVenue
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire

COID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def running() -> Iterator[RunningVenue]:
    balances = {"USD": "10000", "BTC": "0.02", "DOT.S": "3", "USD.F": "7", "ETH.B": "1"}
    with RunningVenue(a_world("kraken", accounts={"platform": {"balances": balances}})) as venue:
        yield venue


async def test_a_wrong_key_is_refused(running: RunningVenue) -> None:
    async with connected(running) as client:
        client.apiKey = "nobody"
        with pytest.raises(ccxt.AuthenticationError, match="EAPI:Invalid key"):
            await client.fetch_balance()


async def test_a_wrong_secret_is_refused(client: Any) -> None:
    client.secret = "d3JvbmcgYW5kIGxvbmcgZW5vdWdo"
    with pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature"):
        await client.fetch_balance()


async def test_a_replayed_request_is_refused(client: Any, running: RunningVenue) -> None:
    request = client.sign("Balance", ["private"], "POST", {})

    answers = [await _post(request) for _ in range(2)]

    assert [answer["error"] for answer in answers] == [[], ["EAPI:Invalid nonce"]]


async def test_a_smaller_nonce_is_refused_also_for_another_client(client: Any, running: RunningVenue) -> None:
    early = client.sign("Balance", ["private"], "POST", {})
    await client.fetch_balance()

    assert (await _post(early))["error"] == ["EAPI:Invalid nonce"]


async def test_balances_show_staked_and_earning_assets_apart(client: Any) -> None:
    total = (await client.fetch_balance())["total"]

    assert (total["DOT.S"], total["USD.F"], total["ETH.B"], total["USD"]) == (3, 7, 1, 10000)


async def test_amounts_are_padded_as_the_venue_pads_them(client: Any) -> None:
    raw = (await client.privatePostBalance())["result"]

    assert (raw["ZUSD"], raw["XXBT"], raw["USD.F"]) == ("10000.0000", "0.0200000000", "7.0000")


async def test_equity_adds_what_has_a_dollar_price(client: Any) -> None:
    raw = (await client.privatePostTradeBalance())["result"]

    assert raw["eb"] == "13500.0000"


async def test_an_order_past_its_deadline_is_not_executed(client: Any, running: RunningVenue) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")

    with pytest.raises(ccxt.ExchangeError, match="EService:Deadline elapsed"):
        await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"deadline": past})

    assert running.orders("platform") == []


async def test_an_order_before_its_deadline_is_executed(client: Any, running: RunningVenue) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat().replace("+00:00", "Z")

    await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"deadline": soon})

    assert len(running.fills("platform")) == 1


async def test_an_order_delayed_past_its_deadline_is_not_executed(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "place", "fault": "delay", "seconds": 0.3})
    soon = (datetime.now(UTC) + timedelta(seconds=0.1)).isoformat().replace("+00:00", "Z")

    with pytest.raises(ccxt.ExchangeError, match="EService:Deadline elapsed"):
        await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"deadline": soon})

    assert running.orders("platform") == []


async def test_a_validated_order_is_not_placed(client: Any, running: RunningVenue) -> None:
    await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"validate": "true"})

    assert running.orders("platform") == []


async def test_a_client_id_of_the_wrong_form_is_refused(client: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="EGeneral:Invalid arguments:cl_ord_id"):
        await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"clientOrderId": "x" * 40})


async def test_many_orders_are_asked_for_at_once(client: Any) -> None:
    ids = [(await client.create_order("BTC/USD", "market", "sell", 0.001))["id"] for _ in range(3)]

    orders = await client.fetch_orders_by_ids(ids)

    assert {order["id"] for order in orders} == set(ids)


async def test_more_than_fifty_ids_are_refused(client: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="EGeneral:Invalid arguments:txid"):
        await client.fetch_orders_by_ids(["OAAAAA-BBBBB-CCCCCC"] * 51)


async def test_an_unknown_id_is_left_out_of_the_answer(client: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("OAAAAA-BBBBB-CCCCCC")


async def test_orders_can_be_queried_by_client_id_alone(client: Any) -> None:
    placed = await client.create_order("BTC/USD", "market", "sell", 0.01, None, {"clientOrderId": COID})

    raw = await client.privatePostQueryOrders({"cl_ord_id": COID})

    assert list(raw["result"]) == [placed["id"]]


async def test_closed_orders_and_trades_come_in_pages_of_fifty(client: Any, running: RunningVenue) -> None:
    running.set_balances("platform", BTC="1")
    for _ in range(52):
        await client.create_order("BTC/USD", "market", "sell", 0.001)

    orders = [await client.privatePostClosedOrders({"ofs": offset}) for offset in (0, 50)]
    trades = [await client.privatePostTradesHistory({"ofs": offset}) for offset in (0, 50)]

    assert [len(page["result"]["closed"]) for page in orders] == [50, 2]
    assert [len(page["result"]["trades"]) for page in trades] == [50, 2]
    assert trades[0]["result"]["count"] == "52" or trades[0]["result"]["count"] == 52


async def test_trades_are_found_by_their_ids(client: Any) -> None:
    placed = await client.create_order("BTC/USD", "market", "sell", 0.01)
    order = await client.fetch_order(placed["id"])

    (trade,) = await client.fetch_order_trades(order["id"], "BTC/USD", params={"trades": order["trades"]})

    assert (trade["amount"], trade["order"]) == (0.01, placed["id"])


async def test_ids_are_different_and_have_the_venues_shape(client: Any, running: RunningVenue) -> None:
    for _ in range(3):
        await client.create_order("BTC/USD", "market", "sell", 0.001)

    ids = [order.id for order in running.orders("platform")]
    assert len(set(ids)) == 3
    assert all([len(part) for part in name.split("-")] == [6, 5, 6] and name[0] == "O" for name in ids)


async def test_the_call_counter_fills_up_and_spares_orders() -> None:
    with RunningVenue(a_world("kraken", rate_limits=True)) as running:
        async with connected(running) as client:
            await client.load_markets()
            for _ in range(15):
                await client.fetch_balance()
            with pytest.raises(ccxt.DDoSProtection, match="EAPI:Rate limit exceeded"):
                await client.fetch_balance()
            await client.create_order("BTC/USD", "market", "sell", 0.01)

    assert running.world.rate_limits


async def test_two_accounts_do_not_see_each_other() -> None:
    accounts = {name: {"balances": {"BTC": "1", "USD": "0"}} for name in ("one", "two")}
    with RunningVenue(a_world("kraken", accounts=accounts)) as running:
        async with connected(running, account="one") as one, connected(running, account="two") as two:
            await asyncio.gather(one.create_order("BTC/USD", "market", "sell", 0.4), two.load_markets())
            mine, theirs = await one.fetch_my_trades(), await two.fetch_my_trades()
        balances = [running.balances(name)["BTC"] for name in ("one", "two")]

    assert (len(mine), len(theirs)) == (1, 0)
    assert balances == [Decimal("0.6"), Decimal(1)]


async def _post(request: dict[str, Any]) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(request["url"], data=request["body"], headers=request["headers"]) as answer,
    ):
        return await answer.json()
