"""Cancel an order because a person wants it gone, and learn what became of it. The caller holds the account's lease."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from brokers.account import AccountClient
from brokers.ledger import Ledger
from brokers.orders import FIRST_POLL, LAST_POLL, LOOK_BACK, SLOWER_BY
from models.clock import Clock
from models.order import LedgerOrder, VenueOrder
from models.reasons import OrderState


async def cancel_ours(
    client: AccountClient,
    ledger: Ledger,
    clock: Clock,
    fee_in_quote: Callable[[VenueOrder], Decimal | None],
    order: LedgerOrder,
) -> LedgerOrder:
    """Cancel an undecided order of the ledger and record what became of it; return it as the ledger has it then.

    One that the venue does not find stays undecided: that is no proof.
    Raises: VenueError, LedgerContradicted, StoreError.
    """
    intent, coid = order.intent, order.intent.client_order_id
    if order.state is OrderState.INTENT:  # whoever wrote it held the lease, and is gone
        await ledger.closed_without_fill(coid, "NEVER_SENT", "canceled by a person before it was sent", clock.now())
        return (await ledger.by_id([coid]))[coid]
    found: VenueOrder | None = None
    order_id = order.venue_order_id
    if order_id is None:
        found = await client.find(coid, intent.symbol, (order.sent_at or clock.now()) - LOOK_BACK)
        order_id = None if found is None else found.order_id
    if order_id is not None and (found is None or not found.state.is_final):
        found = await cancel_at_venue(client, clock, order_id, intent.symbol)
    if found is not None:
        await ledger.seen(order, found, fee_in_quote(found), clock.now())
    return (await ledger.by_id([coid]))[coid]


async def cancel_at_venue(client: AccountClient, clock: Clock, order_id: str, symbol: str) -> VenueOrder | None:
    """Cancel an order, whoever placed it; read it until it has an end. None: the venue does not find it.

    A venue may take the cancel and carry it out a moment later, so it is asked a few times. Raises: VenueError.
    """
    await client.cancel(order_id, symbol)
    pause: timedelta = FIRST_POLL
    while True:
        found = (await client.orders_by_id([(order_id, symbol)])).get(order_id)
        if (found is not None and found.state.is_final) or pause > LAST_POLL:
            return found
        await clock.sleep(pause)
        pause *= SLOWER_BY
