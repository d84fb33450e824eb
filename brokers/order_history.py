"""Find orders in the ledger: by filter, by any of their ids, or by what rests at the venue. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from brokers.ledger import ledger_order
from models.order import Fill, LedgerOrder
from models.position import OpenOrder
from models.reasons import FINAL_STATES, ActionKind, OrderState
from models.store.engine import Store
from models.store.tables import FILLS, ORDERS

SHORTEST_PREFIX = 6  # characters of a client order id


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are meant; what is left out means all. `since`: when the intent was committed."""

    accounts: Sequence[str] = ()
    state: OrderState | None = None
    undecided: bool = False
    since: datetime | None = None
    kinds: Sequence[ActionKind] = ()


async def orders_like(store: Store, wanted: OrderFilter, *, limit: int | None = None) -> tuple[LedgerOrder, ...]:
    """Return the orders that a filter means, newest first. Raises: StoreError."""
    query = select(ORDERS).order_by(ORDERS.c.created_at.desc(), ORDERS.c.client_order_id).limit(limit)
    if wanted.accounts:
        query = query.where(ORDERS.c.account.in_(wanted.accounts))
    if wanted.state is not None:
        query = query.where(ORDERS.c.state == wanted.state.value)
    if wanted.undecided:
        query = query.where(ORDERS.c.state.not_in(sorted(state.value for state in FINAL_STATES)))
    if wanted.kinds:
        query = query.where(ORDERS.c.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.since is not None:
        query = query.where(ORDERS.c.created_at >= wanted.since)
    return tuple(ledger_order(row) for row in await store.rows(query))


async def orders_named(store: Store, name: str, account: str | None = None) -> tuple[LedgerOrder, ...]:
    """Return every order that an id may mean: ours, the venue's, or the beginning of ours. Raises: StoreError.

    A venue's id may name several: venues count on their own, some of them symbol by symbol.
    """
    exact = await _where(store, account, or_(ORDERS.c.client_order_id == name.lower(), ORDERS.c.venue_order_id == name))
    if exact or len(name) < SHORTEST_PREFIX:
        return exact
    return await _where(store, account, ORDERS.c.client_order_id.startswith(name.lower(), autoescape=True))


async def ours_among(store: Store, account: str, resting: Sequence[OpenOrder]) -> dict[OpenOrder, LedgerOrder]:
    """Return the orders of the ledger that rest at the venue. One whose answer was lost is known by our id alone.

    Raises: StoreError.
    """
    ids = or_(
        ORDERS.c.client_order_id.in_([o.client_order_id for o in resting if o.client_order_id]),
        ORDERS.c.venue_order_id.in_([o.order_id for o in resting]),
    )
    found = await _where(store, account, ids) if resting else ()
    by_client_id = {order.intent.client_order_id: order for order in found}
    by_venue_id = {(order.venue_order_id, order.intent.symbol): order for order in found}
    matched = {o: by_client_id.get(o.client_order_id or "") or by_venue_id.get((o.order_id, o.symbol)) for o in resting}
    return {o: order for o, order in matched.items() if order is not None}


async def fills_of(store: Store, client_order_id: str) -> tuple[Fill, ...]:
    """Return what is known of an order's executions, in the order they were recorded. Raises: StoreError."""
    query = select(FILLS).where(FILLS.c.client_order_id == client_order_id).order_by(FILLS.c.fill_id)
    return tuple(
        Fill(row.trade_id, row.quantity, row.price, row.filled_at, row.fee, row.fee_asset)
        for row in await store.rows(query)
    )


async def accounts_with_orders(store: Store) -> frozenset[str]:
    """Return every account the ledger has an order of. Raises: StoreError."""
    return frozenset(row.account for row in await store.rows(select(ORDERS.c.account).distinct()))


async def _where(store: Store, account: str | None, condition: ColumnElement[Any]) -> tuple[LedgerOrder, ...]:
    query = select(ORDERS).where(condition).order_by(ORDERS.c.created_at, ORDERS.c.client_order_id)
    if account is not None:
        query = query.where(ORDERS.c.account == account)
    return tuple(ledger_order(row) for row in await store.rows(query))
