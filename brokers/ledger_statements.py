"""What the ledger asks and writes for every order, as statements that stand ready.

To build such a statement takes SQLAlchemy several times longer than to run it. The names of their parameters are not
those of columns, which SQLAlchemy keeps to itself.
"""

from sqlalchemy import bindparam, null, select, update

from models.reasons import FINAL_STATES, OrderState
from models.store.leases import IS_HELD
from models.store.tables import ORDERS

IS_UNDECIDED = ORDERS.c.state.not_in(tuple(sorted(state.value for state in FINAL_STATES)))
_NOW = bindparam("instant", type_=ORDERS.c.updated_at.type)
_OF_ORDER = update(ORDERS).where(ORDERS.c.client_order_id == bindparam("coid"))
_STAMP = _OF_ORDER.where(IS_HELD).values(state=OrderState.SENT.value, sent_at=_NOW, updated_at=_NOW)
SEND = _STAMP.where(ORDERS.c.state == OrderState.INTENT.value)
SEND_AGAIN = _STAMP.where(ORDERS.c.state == OrderState.SENT.value)
# A final order stays as it is: a late answer cannot undo what is known.
_CHANGE = _OF_ORDER.where(IS_UNDECIDED).values(state=bindparam("to_state"), updated_at=_NOW)
ACCEPT = _CHANGE.values(venue_order_id=bindparam("order_id"))
EXPLAIN = _CHANGE.values(error_code=bindparam("code"), detail=bindparam("why"))
KEEP_BACK = EXPLAIN.values(sent_at=null())
SEEN = _OF_ORDER.where(
    ORDERS.c.state == bindparam("from_state"), ORDERS.c.filled == bindparam("known", type_=ORDERS.c.filled.type)
).values(
    state=bindparam("to_state"),
    venue_order_id=bindparam("order_id"),
    filled=bindparam("sum", type_=ORDERS.c.filled.type),
    average_price=bindparam("average", type_=ORDERS.c.average_price.type),
    fee_quote=bindparam("fee", type_=ORDERS.c.fee_quote.type),
    updated_at=_NOW,
)
IN_ORDER = select(ORDERS).order_by(ORDERS.c.created_at, ORDERS.c.client_order_id)
UNDECIDED = IN_ORDER.where(ORDERS.c.account == bindparam("owner"), IS_UNDECIDED)
BY_ID = IN_ORDER.where(ORDERS.c.client_order_id.in_(bindparam("coids", expanding=True)))
