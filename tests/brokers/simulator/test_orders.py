"""Trade through ccxt on both venues, and compare with the venue's own record."""

from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire

COID = "0123456789abcdef0123456789abcdef"


async def test_a_market_sell_fills_at_the_price_less_the_fee(
    client: Any, running: RunningVenue, quote: str, btc: str
) -> None:
    await client.create_order(btc, "market", "sell", 0.01)

    balances = running.balances("platform")
    assert balances["BTC"] == Decimal("0.01")
    assert balances[quote] == Decimal(10000) + 500 - 2


async def test_a_market_buy_pays_the_price_and_the_fee(
    client: Any, running: RunningVenue, quote: str, btc: str
) -> None:
    await client.create_order(btc, "market", "buy", 0.01)

    balances = running.balances("platform")
    if running.world.venue == "kraken":
        assert (balances["BTC"], balances[quote]) == (Decimal("0.03"), Decimal(9498))
    else:
        assert (balances["BTC"], balances[quote]) == (Decimal("0.02996"), Decimal(9500))


async def test_the_balance_ccxt_reads_is_the_venues(client: Any, running: RunningVenue, quote: str, btc: str) -> None:
    await client.create_order(btc, "market", "sell", 0.01)

    balance = await client.fetch_balance()

    assert balance["total"] == {code: float(total) for code, total in running.balances("platform").items()}


async def test_an_order_is_found_by_its_id(client: Any, btc: str) -> None:
    placed = await client.create_order(btc, "market", "sell", 0.01, None, {"clientOrderId": COID})

    order = await client.fetch_order(placed["id"], btc)

    assert (order["status"], order["filled"], order["average"], order["side"]) == ("closed", 0.01, 50000, "sell")
    assert order["clientOrderId"] == COID
    assert order["symbol"] == btc


async def test_a_closed_order_is_found_by_its_client_id(client: Any, running: RunningVenue, btc: str) -> None:
    placed = await client.create_order(btc, "market", "sell", 0.01, None, {"clientOrderId": COID})

    if running.world.venue == "kraken":
        (found,) = await client.fetch_closed_orders(btc, params={"clientOrderId": COID})
    else:
        found = await client.fetch_order(None, btc, {"clientOrderId": COID})

    assert found["id"] == placed["id"]


async def test_an_open_order_is_found_by_its_client_id(client: Any, running: RunningVenue, btc: str) -> None:
    placed = await client.create_order(btc, "limit", "sell", 0.01, 60000, {"clientOrderId": COID})

    if running.world.venue == "kraken":
        (found,) = await client.fetch_open_orders(btc, params={"clientOrderId": COID})
    else:
        found = await client.fetch_order(None, btc, {"clientOrderId": COID})

    assert (found["id"], found["status"]) == (placed["id"], "open")


async def test_a_limit_order_waits_and_fills_when_the_price_comes(client: Any, running: RunningVenue, btc: str) -> None:
    placed = await client.create_order(btc, "limit", "buy", 0.01, 40000)
    waiting = await client.fetch_order(placed["id"], btc)
    running.set_price(btc, "39000")
    filled = await client.fetch_order(placed["id"], btc)

    assert (waiting["status"], waiting["filled"], waiting["price"]) == ("open", 0, 40000)
    assert (filled["status"], filled["filled"], filled["average"]) == ("closed", 0.01, 40000)
    (fill,) = running.fills("platform")
    assert (fill.maker, fill.price) == (True, Decimal(40000))


async def test_a_limit_order_that_meets_the_price_takes_it(client: Any, running: RunningVenue, btc: str) -> None:
    await client.create_order(btc, "limit", "buy", 0.01, 60000)

    (fill,) = running.fills("platform")
    assert (fill.maker, fill.price) == (False, Decimal(50000))


async def test_an_open_sell_holds_its_base(client: Any, btc: str) -> None:
    await client.create_order(btc, "limit", "sell", 0.015, 60000)

    balance = await client.fetch_balance()
    assert (balance["BTC"]["used"], balance["BTC"]["free"]) == (0.015, 0.005)


async def test_an_open_buy_holds_its_quote(client: Any, running: RunningVenue, quote: str, btc: str) -> None:
    await client.create_order(btc, "limit", "buy", 0.01, 40000)

    fee = 1.6 if running.world.venue == "kraken" else 0
    assert (await client.fetch_balance())[quote]["used"] == 400 + fee


async def test_a_cancelled_order_gives_its_hold_back(client: Any, running: RunningVenue, btc: str) -> None:
    placed = await client.create_order(btc, "limit", "sell", 0.015, 60000)

    await client.cancel_order(placed["id"], btc)

    assert (await client.fetch_order(placed["id"], btc))["status"] == "canceled"
    assert (await client.fetch_balance())["BTC"]["free"] == 0.02
    assert running.held("platform", "BTC") == 0


async def test_an_order_is_cancelled_by_its_client_id(client: Any, running: RunningVenue, btc: str) -> None:
    await client.create_order(btc, "limit", "sell", 0.015, 60000, {"clientOrderId": COID})

    await client.cancel_order(None, btc, {"clientOrderId": COID})

    assert [order.status for order in running.orders("platform")] == [Status.CANCELED]


async def test_a_filled_order_cannot_be_cancelled(client: Any, btc: str) -> None:
    placed = await client.create_order(btc, "market", "sell", 0.01)

    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(placed["id"], btc)


async def test_all_open_orders_are_cancelled_at_once(client: Any, running: RunningVenue, btc: str) -> None:
    for price in (60000, 70000):
        await client.create_order(btc, "limit", "sell", 0.005, price)

    await client.cancel_all_orders(btc)

    assert [order.status for order in running.orders("platform")] == [Status.CANCELED] * 2


async def test_open_and_closed_orders_are_kept_apart(client: Any, btc: str) -> None:
    sold = await client.create_order(btc, "market", "sell", 0.005)
    waits = await client.create_order(btc, "limit", "sell", 0.005, 60000)

    assert [order["id"] for order in await client.fetch_open_orders(btc)] == [waits["id"]]
    assert [order["id"] for order in await client.fetch_closed_orders(btc)] == [sold["id"]]


async def test_my_trades_show_price_quantity_and_fee(client: Any, quote: str, btc: str) -> None:
    placed = await client.create_order(btc, "market", "sell", 0.01)

    (trade,) = await client.fetch_my_trades(btc)

    assert (trade["order"], trade["price"], trade["amount"], trade["cost"]) == (placed["id"], 50000, 0.01, 500)
    assert (trade["fee"]["cost"], trade["fee"]["currency"], trade["takerOrMaker"]) == (2, quote, "taker")


async def test_an_order_may_spend_an_amount_of_quote(client: Any, running: RunningVenue, btc: str) -> None:
    await client.create_market_buy_order_with_cost(btc, 1000)

    (fill,) = running.fills("platform")
    assert (fill.quantity, fill.cost) == (Decimal("0.02"), Decimal(1000))


async def test_money_that_is_not_there_cannot_be_spent(client: Any, running: RunningVenue, btc: str) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(btc, "market", "sell", 0.5)
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(btc, "market", "buy", 0.5)

    assert running.orders("platform") == []


async def test_held_money_cannot_be_spent_again(client: Any, btc: str) -> None:
    await client.create_order(btc, "limit", "sell", 0.015, 60000)

    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(btc, "market", "sell", 0.015)


async def test_a_quantity_below_the_minimum_is_refused(client: Any, btc: str) -> None:
    with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest)) as caught:
        await client.create_order(btc, "market", "sell", 0.00005)

    assert "volume minimum not met" in str(caught.value) or "lot size" in str(caught.value)


async def test_a_value_below_the_minimum_is_refused(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_market(btc, min_quantity="0.00001", min_notional="100")

    with pytest.raises(ccxt.ExchangeError) as caught:
        await client.create_order(btc, "market", "sell", 0.0001)

    assert "Cost minimum not met" in str(caught.value) or "Filter failure: NOTIONAL" in str(caught.value)


async def test_a_halted_market_takes_no_order(client: Any, running: RunningVenue, btc: str) -> None:
    await client.load_markets()
    running.set_market(btc, "halted")

    with pytest.raises((ccxt.OnMaintenance, ccxt.ExchangeError)) as caught:
        await client.create_order(btc, "market", "sell", 0.01)

    assert "cancel_only" in str(caught.value) or "Market is closed" in str(caught.value)
    assert running.orders("platform") == []


async def test_a_client_id_in_use_by_an_open_order_is_refused(client: Any, running: RunningVenue, btc: str) -> None:
    await client.create_order(btc, "limit", "sell", 0.005, 60000, {"clientOrderId": COID})

    with pytest.raises(ccxt.ExchangeError) as caught:
        await client.create_order(btc, "limit", "sell", 0.005, 60000, {"clientOrderId": COID})

    assert "cl_ord_id not unique" in str(caught.value) or "Duplicate order sent" in str(caught.value)
    assert len(running.orders("platform")) == 1


async def test_a_client_id_used_again_after_its_fill_sells_again(client: Any, running: RunningVenue, btc: str) -> None:
    for _ in range(2):
        await client.create_order(btc, "market", "sell", 0.005, None, {"clientOrderId": COID})

    assert running.balances("platform")["BTC"] == Decimal("0.01")
    assert len(running.fills("platform")) == 2


async def test_too_many_open_orders_are_refused() -> None:
    with RunningVenue(a_world("kraken", max_open_orders=1)) as running:
        async with connected(running) as client:
            await client.create_order("BTC/USD", "limit", "sell", 0.001, 60000)
            with pytest.raises(ccxt.ExchangeError, match="EOrder:Orders limit exceeded"):
                await client.create_order("BTC/USD", "limit", "sell", 0.001, 60000)


async def test_a_post_only_order_that_would_take_is_refused(client: Any, btc: str) -> None:
    with pytest.raises(ccxt.ExchangeError):
        await client.create_order(btc, "limit", "sell", 0.005, 40000, {"postOnly": True})


async def test_a_market_order_without_a_price_ends_unfilled(client: Any, running: RunningVenue, quote: str) -> None:
    await client.load_markets()
    placed = await client.create_order(f"AUT/{quote}", "market", "sell", 5)

    order = await client.fetch_order(placed["id"], f"AUT/{quote}")

    assert (order["filled"], order["status"] in {"canceled", "expired"}) == (0, True)
    assert running.balances("platform")["AUT"] == 5


async def test_the_open_orders_of_a_delisted_market_are_cancelled(client: Any, running: RunningVenue, btc: str) -> None:
    await client.create_order(btc, "limit", "sell", 0.005, 60000)

    running.set_market(btc, "delisted")

    assert [order.status for order in running.orders("platform")] == [Status.CANCELED]
    assert running.held("platform", "BTC") == 0
