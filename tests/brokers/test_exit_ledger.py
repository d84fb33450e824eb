"""What may be sent after one commit: only what this very commit wrote, under a lease that is still held."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brokers.exit_ledger import commit_as_sent, filled_since, undecided_orders
from brokers.ledger import Ledger
from models.errors import LeaseLost
from models.order import Intent, VenueOrder
from models.reasons import OrderState
from models.store.engine import Store
from models.store.leases import Holder, Lease, hold, hold_together
from tests.builders import NOW, an_intent

FIRST, SECOND = an_intent(client_order_id="1" * 32), an_intent(client_order_id="2" * 32)
OTHER = an_intent("ETH/USD", client_order_id="3" * 32)


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with await Store.open(store_url) as store:
        yield store


async def committed(store: Store, lease: Lease, *intents: Intent) -> frozenset[str]:
    return await store.write(lambda connection: commit_as_sent(connection, lease, intents, now=NOW, sent_at=NOW))


async def test_what_was_committed_once_may_not_be_sent_by_whoever_commits_it_again(
    store: Store, tmp_path: Path
) -> None:
    with Holder(tmp_path) as holder:
        async with hold(store, "platform", holder) as lease:
            first = await committed(store, lease, FIRST, OTHER)
            again = await committed(store, lease, FIRST, OTHER)

    orders = (await Ledger(store).by_id([FIRST.client_order_id]))[FIRST.client_order_id]
    assert (first, again) == ({FIRST.client_order_id, OTHER.client_order_id}, frozenset())
    assert (orders.state, orders.sent_at) == (OrderState.SENT, NOW)


async def test_a_symbol_with_an_undecided_order_is_left_out(store: Store, tmp_path: Path) -> None:
    with Holder(tmp_path) as holder:
        async with hold(store, "platform", holder) as lease:
            await committed(store, lease, FIRST)
            may_go = await committed(store, lease, SECOND, OTHER)

    assert may_go == {OTHER.client_order_id}


async def test_nothing_is_written_for_a_lease_that_has_passed_on(store: Store, tmp_path: Path) -> None:
    with Holder(tmp_path) as holder:
        async with hold(store, "platform", holder) as lease:
            pass
        async with hold(store, "platform", holder):
            with pytest.raises(LeaseLost):
                await committed(store, lease, FIRST)

    assert await Ledger(store).undecided("platform") == ()


async def test_what_was_filled_since_the_last_read_is_found_beside_what_is_undecided(
    store: Store, tmp_path: Path
) -> None:
    ledger = Ledger(store)
    with Holder(tmp_path) as holder:
        async with hold_together(store, ("platform", "the key k"), holder) as (lease, _):
            await committed(store, lease, FIRST, OTHER)
            order = (await ledger.by_id([FIRST.client_order_id]))[FIRST.client_order_id]
            done = VenueOrder(
                order_id="v1",
                client_order_id=FIRST.client_order_id,
                symbol=FIRST.symbol,
                side="sell",
                state=OrderState.FILLED,
                quantity=FIRST.quantity,
                filled=FIRST.quantity,
                average_price=FIRST.expected_price,
                fee=None,
                fee_asset=None,
            )
            await ledger.seen(order, done, None, NOW)

    today, next_year = NOW.replace(hour=0), NOW.replace(year=2027)
    found = await store.read(lambda c: filled_since(c, "platform", None, sent_after=today))
    later = await store.read(lambda c: filled_since(c, "platform", next_year, sent_after=today))
    pending = await store.read(lambda c: undecided_orders(c, "platform"))
    assert [o.intent for o in found] == [FIRST]
    assert (later, [o.intent for o in pending]) == ((), [OTHER])
