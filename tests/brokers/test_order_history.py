"""Orders of the ledger are found by filter and by any of their ids, on either store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.ledger import Ledger
from brokers.order_history import (
    OrderFilter,
    accounts_with_orders,
    fills_of,
    orders_like,
    orders_named,
    ours_among,
)
from models.order import LedgerOrder
from models.reasons import OrderState
from models.store.engine import Store
from models.store.leases import Holder, hold
from tests.builders import NOW, a_fill, a_venue_order, an_intent, an_open_order

FIRST, SECOND, OTHERS = "aaaaaa1" + "0" * 25, "aaaaaa2" + "0" * 25, "b_%bbb3" + "0" * 25


@pytest.fixture
async def store(store_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """Open a store with a filled order and an open one of the platform, and one of alice that was never sent."""
    async with await Store.open(store_url) as store:
        with Holder(tmp_path) as holder:
            await _write(store, holder, "platform", FIRST, "ETH/USD", minutes=0)
            await _write(store, holder, "platform", SECOND, "BTC/USD", minutes=1)
            await _write(store, holder, "alice", OTHERS, "ETH/USD", minutes=2)
        ledger = Ledger(store)
        (first,) = (await ledger.by_id([FIRST])).values()
        fills = (a_fill(60, 10, trade_id="T1"), a_fill(40, 10, trade_id="T2"))
        await ledger.seen(replace(first, state=OrderState.SENT), replace(a_venue_order(), fills=fills), Decimal(1), NOW)
        await ledger.accepted(SECOND, "V2", NOW)
        yield store


async def _write(store: Store, holder: Holder, account: str, name: str, symbol: str, *, minutes: int) -> None:
    intent, now = an_intent(symbol, client_order_id=name, account=account), NOW + timedelta(minutes=minutes)
    async with hold(store, account, holder) as lease:
        await Ledger(store).commit(lease, [intent], now)
        if account == "platform":
            await Ledger(store).about_to_send(lease, name, now)


def ids(orders: tuple[LedgerOrder, ...]) -> list[str]:
    return [order.intent.client_order_id for order in orders]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (OrderFilter(), [OTHERS, SECOND, FIRST]),
        (OrderFilter(accounts=["platform"]), [SECOND, FIRST]),
        (OrderFilter(accounts=["platform", "alice"], undecided=True), [OTHERS, SECOND]),
        (OrderFilter(state=OrderState.FILLED), [FIRST]),
        (OrderFilter(state=OrderState.FILLED, undecided=True), []),
        (OrderFilter(since=NOW + timedelta(minutes=1)), [OTHERS, SECOND]),
    ],
)
async def test_a_filter_finds_orders_newest_first(store: Store, wanted: OrderFilter, found: list[str]) -> None:
    assert ids(await orders_like(store, wanted)) == found


async def test_a_limit_leaves_the_newest(store: Store) -> None:
    assert ids(await orders_like(store, OrderFilter(), limit=1)) == [OTHERS]


@pytest.mark.parametrize(
    ("name", "account", "found"),
    [
        (FIRST, None, [FIRST]),
        (FIRST.upper(), None, [FIRST]),
        ("V1", None, [FIRST]),
        ("V1", "alice", []),
        ("aaaaaa1", None, [FIRST]),
        ("aaaaaa", None, [FIRST, SECOND]),
        ("aaaaa", None, []),
        ("b_%bbb3", None, [OTHERS]),
        ("______", None, []),
        ("%%%%%%", None, []),
        ("", None, []),
    ],
)
async def test_an_id_finds_what_it_may_mean(store: Store, name: str, account: str | None, found: list[str]) -> None:
    assert ids(await orders_named(store, name, account)) == found


async def test_what_rests_is_ours_by_either_id(store: Store) -> None:
    by_venue = an_open_order("BTC/USD", order_id="V2")
    by_client = an_open_order("BTC/USD", order_id="V9", client_order_id=SECOND)
    stranger = an_open_order("BTC/USD", order_id="V8", client_order_id="theirs")
    same_number = an_open_order("SOL/USD", order_id="V2")

    ours = await ours_among(store, "platform", [by_venue, by_client, stranger, same_number])

    assert {o: order.intent.client_order_id for o, order in ours.items()} == {by_venue: SECOND, by_client: SECOND}
    assert await ours_among(store, "alice", [by_venue]) == {}
    assert await ours_among(store, "platform", []) == {}


async def test_the_fills_of_an_order_are_those_of_the_venue(store: Store) -> None:
    assert [(fill.trade_id, fill.quantity) for fill in await fills_of(store, FIRST)] == [("T1", 60), ("T2", 40)]
    assert await fills_of(store, SECOND) == ()


async def test_accounts_with_orders_are_known(store: Store) -> None:
    assert await accounts_with_orders(store) == {"platform", "alice"}


async def test_the_first_time_an_order_was_out_of_time_stays(store: Store) -> None:
    ledger = Ledger(store)

    await ledger.timed_out(SECOND, NOW)
    await ledger.timed_out(SECOND, NOW + timedelta(minutes=5))

    (order,) = await orders_named(store, SECOND)
    assert (order.timed_out_at, order.state) == (NOW, OrderState.OPEN)
