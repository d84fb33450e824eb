"""The order ledger: what we meant to send, committed before it is sent, and what is known of it since.

Every step is one transaction. Nothing here talks to a venue; `brokers.orders` does both in the right order.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Update, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from brokers.ledger_statements import (
    ACCEPT,
    BY_ID,
    EXPLAIN,
    IN_ORDER,
    IS_UNDECIDED,
    KEEP_BACK,
    SEEN,
    SEND,
    SEND_AGAIN,
    UNDECIDED,
)
from models.errors import LeaseLost
from models.order import Intent, LedgerOrder, VenueOrder
from models.reasons import ActionKind, Mode, OrderState
from models.store.engine import Store
from models.store.leases import Lease, assert_held, held_by
from models.store.tables import FILLS, ORDERS
from rules.orders import next_state


class Ledger:
    """The orders of every account, in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite_insert if store.is_sqlite else postgresql_insert

    async def commit(self, lease: Lease, intents: Sequence[Intent], now: datetime) -> frozenset[str]:
        """Write intents down; return the client order ids that may be sent now.

        Left out is an intent that went its way already (the plan was applied before), and one whose symbol has an
        undecided order. Raises: LeaseLost, StoreError.
        """
        if not intents:
            return frozenset()
        rows = [intent_row(intent, lease, now) for intent in intents]
        ids = ORDERS.c.client_order_id
        mine = select(ids).where(ids.in_([i.client_order_id for i in intents]), ORDERS.c.lease_token == lease.token)

        def write(connection: Connection) -> frozenset[str]:
            assert_held(connection, lease)
            # As rows and not as `values(rows)`: SQLAlchemy would compile that statement anew each time.
            connection.execute(self._insert(ORDERS).on_conflict_do_nothing(), rows)
            return frozenset(connection.execute(mine.where(ORDERS.c.state == OrderState.INTENT.value)).scalars())

        return await self._store.write(write)

    async def about_to_send(self, lease: Lease, client_order_id: str, now: datetime) -> bool:
        """Turn an intent into SENT. False: it is no intent any more, and must not be sent.

        Raises: LeaseLost, StoreError.
        """
        if await self._store.execute(SEND, {"coid": client_order_id, "instant": now, **held_by(lease)}):
            return True
        await self._store.read(lambda connection: assert_held(connection, lease))
        return False

    async def stamp_again(self, lease: Lease, client_order_id: str, now: datetime) -> None:
        """Record that an order which was refused unread is sent once more. Raises: LeaseLost, StoreError."""
        if not await self._store.execute(SEND_AGAIN, {"coid": client_order_id, "instant": now, **held_by(lease)}):
            raise LeaseLost(lease.account)

    async def accepted(self, client_order_id: str, venue_order_id: str, now: datetime) -> None:
        """Record that the venue took the order under its own id, and nothing more: accepted is not filled."""
        values = {"coid": client_order_id, "instant": now, "to_state": OrderState.OPEN.value}
        await self._store.execute(ACCEPT, {**values, "order_id": venue_order_id})

    async def seen(self, order: LedgerOrder, at_venue: VenueOrder, fee_quote: Decimal | None, now: datetime) -> None:
        """Record what the venue says of an order: its state, its cumulative fill, its fills.

        Raises: LedgerContradicted when that cannot follow from what is known (fills that shrink, a final order that
        moves again).
        """
        intent, coid = order.intent, order.intent.client_order_id
        while True:
            change = {
                "coid": coid,
                "instant": now,
                "from_state": order.state.value,
                "known": order.filled,
                "to_state": next_state(order, at_venue).value,
                "order_id": at_venue.order_id,
                "sum": at_venue.filled,
                "average": at_venue.average_price,
                "fee": fee_quote,
            }
            if await self._store.write(lambda connection, c=change: self._record(connection, at_venue, intent, c)):  # type: ignore[misc]
                return
            order = (await self.by_id([coid]))[coid]  # somebody recorded something in between: judge again

    def _record(self, connection: Connection, at_venue: VenueOrder, intent: Intent, change: dict[str, Any]) -> int:
        """Write the fills, then the order's new state; return how many orders changed.

        In this order, because a final order is never looked at again: fills that stand without it are met again when it
        is, and none is added twice.
        """
        if fills := _fill_rows(intent, at_venue):
            connection.execute(self._insert(FILLS).on_conflict_do_nothing(), fills)
        if at_venue.state.is_final and at_venue.filled > 0:
            query = select(FILLS.c.quantity, FILLS.c.price).where(FILLS.c.client_order_id == intent.client_order_id)
            known = [(row.quantity, row.price) for row in connection.execute(query)]
            if rest := _unlisted(intent, at_venue, known):
                connection.execute(self._insert(FILLS).on_conflict_do_nothing(), rest)
        return connection.execute(SEEN, change).rowcount

    async def timed_out(self, client_order_id: str, now: datetime) -> None:
        """Record that its time was over before it had an end, whatever its end will be. The first time stays."""
        statement = (
            update(ORDERS)
            .where(ORDERS.c.client_order_id == client_order_id, ORDERS.c.timed_out_at.is_(None))
            .values(timed_out_at=now)
        )
        await self._store.execute(statement)

    async def refused(self, client_order_id: str, code: str, detail: str, now: datetime) -> None:
        """Record the venue's definite refusal."""
        await self._end(client_order_id, OrderState.REJECTED, code, detail, now)

    async def unknown(self, client_order_id: str, code: str, detail: str, now: datetime) -> None:
        """Record that it was sent and nothing proves what became of it."""
        await self._end(client_order_id, OrderState.UNKNOWN, code, detail, now)

    async def closed_without_fill(self, client_order_id: str, code: str, detail: str, now: datetime) -> None:
        """Record that nothing of it was ever executed, and how that is known."""
        await self._end(client_order_id, OrderState.CANCELED, code, detail, now)

    async def kept_back(self, client_order_id: str, code: str, detail: str, now: datetime) -> None:
        """Record that it was not sent, though it was about to be: a guard of ours kept it back."""
        await self._end(client_order_id, OrderState.CANCELED, code, detail, now, KEEP_BACK)

    async def undecided(self, account: str) -> tuple[LedgerOrder, ...]:
        """Return an account's orders that are not final, oldest first."""
        return _read(await self._store.rows(UNDECIDED, {"owner": account}))

    async def all_undecided(self) -> tuple[LedgerOrder, ...]:
        """Return the orders of every account that are not final, oldest first."""
        return await self._orders(IS_UNDECIDED)

    async def by_id(self, client_order_ids: Sequence[str]) -> dict[str, LedgerOrder]:
        """Return orders by client order id."""
        found = _read(await self._store.rows(BY_ID, {"coids": list(client_order_ids)}))
        return {order.intent.client_order_id: order for order in found}

    async def of_run(self, account: str, run_id: str) -> tuple[LedgerOrder, ...]:
        """Return what a run meant to send for an account, oldest first."""
        return await self._orders(ORDERS.c.account == account, ORDERS.c.run_id == run_id)

    async def filled_since(
        self, account: str, since: datetime | None, *, sent_after: datetime
    ) -> tuple[LedgerOrder, ...]:
        """Return the orders with fills that were recorded since then and sent after that instant, oldest first."""
        recorded = [] if since is None else [ORDERS.c.updated_at >= since]
        filled = await self._orders(ORDERS.c.account == account, ORDERS.c.sent_at > sent_after, *recorded)
        return tuple(order for order in filled if order.filled > 0)

    async def changed_since(self, account: str, since: datetime) -> tuple[LedgerOrder, ...]:
        """Return the orders of which anything was recorded since then, or that are not final yet, oldest first."""
        return await self._orders(ORDERS.c.account == account, or_(ORDERS.c.updated_at >= since, IS_UNDECIDED))

    async def venue_order_ids(self, account: str, symbol: str) -> frozenset[str]:
        """Return the venue's ids of every order of ours in a symbol."""
        query = select(ORDERS.c.venue_order_id).where(ORDERS.c.account == account, ORDERS.c.symbol == symbol)
        return frozenset(row.venue_order_id for row in await self._store.rows(query) if row.venue_order_id)

    async def _orders(self, *where: Any) -> tuple[LedgerOrder, ...]:
        return _read(await self._store.rows(IN_ORDER.where(*where)))

    async def _end(  # noqa: PLR0917 - what the ledger keeps of an end
        self, client_order_id: str, state: OrderState, code: str, detail: str, now: datetime, how: Update = EXPLAIN
    ) -> None:
        values = {"coid": client_order_id, "instant": now, "to_state": state.value, "code": code, "why": detail}
        await self._store.execute(how, values)


def _read(rows: Sequence[Row[Any]]) -> tuple[LedgerOrder, ...]:
    return tuple(ledger_order(row) for row in rows)


def intent_row(intent: Intent, lease: Lease, now: datetime) -> dict[str, Any]:
    """Return an intent that was not sent yet as a row of the table of orders."""
    return {
        "client_order_id": intent.client_order_id,
        "account": intent.account,
        "mode": intent.mode.value,
        "policy_version": intent.policy_version,
        "run_id": intent.run_id,
        "plan_id": intent.plan_id,
        "cycle": intent.cycle,
        "kind": intent.kind.value,
        "symbol": intent.symbol,
        "side": intent.side,
        "quantity": intent.quantity,
        "expected_price": intent.expected_price,
        "holding_before": intent.holding_before,
        "lease_token": lease.token,
        "state": OrderState.INTENT.value,
        "filled": Decimal(0),
        "detail": "",
        "created_at": now,
        "updated_at": now,
    }


def ledger_order(row: Row[Any]) -> LedgerOrder:
    """Read a row of the table of orders."""
    return LedgerOrder(
        intent=Intent(
            client_order_id=row.client_order_id,
            account=row.account,
            mode=Mode(row.mode),
            policy_version=row.policy_version,
            run_id=row.run_id,
            plan_id=row.plan_id,
            cycle=row.cycle,
            kind=ActionKind(row.kind),
            symbol=row.symbol,
            side=row.side,
            quantity=row.quantity,
            expected_price=row.expected_price,
            holding_before=row.holding_before,
        ),
        state=OrderState(row.state),
        venue_order_id=row.venue_order_id,
        filled=row.filled,
        average_price=row.average_price,
        fee_quote=row.fee_quote,
        error_code=row.error_code,
        detail=row.detail,
        created_at=row.created_at,
        sent_at=row.sent_at,
        timed_out_at=row.timed_out_at,
        updated_at=row.updated_at,
    )


def _fill_rows(intent: Intent, order: VenueOrder) -> list[dict[str, Any]]:
    """Return one row a fill that the venue names."""
    return [
        {
            **_owner(intent),
            "trade_id": fill.trade_id,
            "quantity": fill.quantity,
            "price": fill.price,
            "fee": fill.fee,
            "fee_asset": fill.fee_asset,
            "filled_at": fill.at,
        }
        for fill in order.fills
    ]


def _unlisted(intent: Intent, order: VenueOrder, known: Sequence[tuple[Decimal, Decimal]]) -> dict[str, Any] | None:
    """Return what the order's sum holds beyond its known fills (quantity, price) as one row; None: nothing.

    A venue may give the sum alone, or lose a fill in its answer. What is left gets the price that makes the average
    right, and the order's fee where no fill has told its own.
    """
    quantity = order.filled - sum((q for q, _ in known), Decimal(0))
    if quantity <= 0 or order.average_price is None:
        return None
    price = (order.average_price * order.filled - sum((q * p for q, p in known), Decimal(0))) / quantity
    fee = {"fee": None, "fee_asset": None} if known else {"fee": order.fee, "fee_asset": order.fee_asset}
    sums = {"trade_id": order.order_id, "quantity": quantity, "price": price if known else order.average_price}
    return {**_owner(intent), **sums, **fee, "filled_at": None}


def _owner(intent: Intent) -> dict[str, Any]:
    return {
        "account": intent.account,
        "mode": intent.mode.value,
        "policy_version": intent.policy_version,
        "client_order_id": intent.client_order_id,
        "symbol": intent.symbol,
        "side": intent.side,
    }
