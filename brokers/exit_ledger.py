"""The ledger's part in an exit that goes the short way: one look before it, one commit that lets it be sent.

What `brokers.ledger` does in steps is done here in one transaction each, for its caller waits for every one of them.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from brokers.ledger import intent_row, ledger_order
from brokers.ledger_statements import IN_ORDER, UNDECIDED
from models.order import Intent, LedgerOrder
from models.reasons import OrderState
from models.store.leases import Lease, assert_held
from models.store.tables import ORDERS

_SENT_AFTER = IN_ORDER.where(
    ORDERS.c.account == bindparam("owner"), ORDERS.c.sent_at > bindparam("sent_after", type_=ORDERS.c.sent_at.type)
)
_INSERT = {
    name: insert(ORDERS).on_conflict_do_nothing().returning(ORDERS.c.client_order_id)
    for name, insert in (("sqlite", sqlite_insert), ("postgresql", postgresql_insert))
}


def undecided_orders(connection: Connection, account: str) -> tuple[LedgerOrder, ...]:
    """Return an account's orders that are not final, oldest first."""
    return tuple(map(ledger_order, connection.execute(UNDECIDED, {"owner": account})))


def filled_since(
    connection: Connection, account: str, since: datetime | None, *, sent_after: datetime
) -> tuple[LedgerOrder, ...]:
    """Return the orders with fills that were recorded since then and sent after that instant, oldest first."""
    orders = map(ledger_order, connection.execute(_SENT_AFTER, {"owner": account, "sent_after": sent_after}))
    return tuple(o for o in orders if o.filled > 0 and (since is None or (o.updated_at and o.updated_at >= since)))


def commit_as_sent(
    connection: Connection, lease: Lease, intents: Sequence[Intent], *, now: datetime, sent_at: datetime
) -> frozenset[str]:
    """Write intents down as SENT; return the client order ids of those that the caller must send once it is committed.

    It alone may: an intent that stands already, whoever wrote it, and one whose symbol has an undecided order, are left
    out. One that is committed and never sent is looked for like any other whose answer was lost. `sent_at` is by the
    venue's clock. Raises: LeaseLost.
    """
    assert_held(connection, lease)
    insert = _INSERT[connection.dialect.name]
    stamp = {"state": OrderState.SENT.value, "sent_at": sent_at}
    written = (connection.execute(insert, intent_row(i, lease, now) | stamp).scalar_one_or_none() for i in intents)
    return frozenset(coid for coid in written if coid is not None)
