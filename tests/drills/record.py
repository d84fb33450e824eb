"""Judge by the venue's own record: what was sold, and whether the ledger says the same."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Side, Status
from models.reasons import FINAL_STATES, OrderState
from models.store.engine import Store
from models.store.tables import FILLS, ORDERS

_STATES = {
    Status.OPEN: {OrderState.OPEN, OrderState.PARTIAL, OrderState.SENT, OrderState.UNKNOWN},
    Status.FILLED: {OrderState.FILLED},
    Status.CANCELED: {OrderState.CANCELED, OrderState.PARTIALLY_FILLED},
    Status.EXPIRED: {OrderState.CANCELED, OrderState.PARTIALLY_FILLED},
}


@dataclass(frozen=True)
class LedgerRow:
    """What the ledger holds of one order, with the sum of its rows in the table of fills."""

    symbol: str
    state: OrderState
    venue_order_id: str | None
    quantity: Decimal
    filled: Decimal
    in_fills: Decimal


def sales(venue: RunningVenue, account: str = "platform") -> dict[str, Decimal]:
    """Return the quantity the venue sold of each symbol, over all orders."""
    sold: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in venue.fills(account):
        assert fill.side is Side.SELL
        sold[fill.symbol] += fill.quantity
    return dict(sold)


def ledger_rows(store_url: str, account: str = "platform") -> dict[str, LedgerRow]:
    """Return the ledger's rows by client order id."""
    return asyncio.run(_ledger_rows(store_url, account))


async def _ledger_rows(store_url: str, account: str) -> dict[str, LedgerRow]:
    async with await Store.open(store_url) as store, store.reading() as connection:
        return await read_ledger(connection, account)


async def read_ledger(connection: object, account: str) -> dict[str, LedgerRow]:
    """Read the ledger's rows on an open connection."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in await connection.execute(select(FILLS).where(FILLS.c.account == account)):  # type: ignore[attr-defined]
        sums[row.client_order_id] += row.quantity
    rows = await connection.execute(select(ORDERS).where(ORDERS.c.account == account))  # type: ignore[attr-defined]
    return {
        r.client_order_id: LedgerRow(
            r.symbol, OrderState(r.state), r.venue_order_id, r.quantity, r.filled, sums[r.client_order_id]
        )
        for r in rows
    }


def disagreements(venue: RunningVenue, ledger: dict[str, LedgerRow], account: str = "platform") -> list[str]:
    """Return every way in which the ledger and the venue's record do not say the same."""
    orders = venue.orders(account)
    found = [
        f"{count} orders at the venue under {coid}"
        for coid, count in Counter(o.client_order_id for o in orders).items()
        if count > 1 or coid is None
    ]
    at_venue = {str(o.client_order_id): o for o in orders}
    for coid, order in at_venue.items():
        row = ledger.get(coid)
        if row is None:
            found.append(f"{order.symbol}: the venue has an order {coid} that the ledger does not know")
        elif (
            row.state not in _STATES[order.status]
            or row.filled != order.filled
            or row.quantity != order.quantity
            or row.venue_order_id != order.id
        ):
            found.append(f"{order.symbol}: {order.status} {order.filled} at the venue, {row.state} {row.filled} here")
    for coid, row in ledger.items():
        if row.filled > 0 and coid not in at_venue:
            found.append(f"{row.symbol}: {row.filled} filled here, the venue has no such order")
        if row.in_fills != row.filled:
            found.append(f"{row.symbol}: {row.filled} filled, its fills add up to {row.in_fills}")
    return found


def undecided(ledger: dict[str, LedgerRow]) -> list[str]:
    """Return the symbols whose order has no known end."""
    return sorted(row.symbol for row in ledger.values() if row.state not in FINAL_STATES)
