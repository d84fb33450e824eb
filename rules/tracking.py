"""Decide whether a read may be believed: one that looks empty is never "flat", one may lag behind the fills. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from models.order import LedgerOrder
from models.position import Snapshot


def looks_empty(tracked: Mapping[str, Decimal | None], last_cash: Decimal | None, snapshot: Snapshot) -> bool:
    """Tell whether a read must be mistrusted: holdings are tracked, it shows none, and no cash explains it.

    `tracked` is the last known value in quote units by symbol, None where unknown; `last_cash` the last known total
    cash. Cash that rose by at least half of the tracked value explains an empty account: it was sold. Where no value or
    no cash is known, nothing can explain it.
    """
    if not tracked or snapshot.positions:
        return False
    worth = sum((value for value in tracked.values() if value is not None), Decimal(0))
    if last_cash is None or worth <= 0:
        return True
    return (snapshot.cash_total - last_cash) * 2 < worth


def not_yet_shown(sold: Sequence[LedgerOrder], snapshot: Snapshot) -> tuple[str, ...]:
    """Return the symbols of which the balance does not show yet what was just sold, or bought.

    `sold`: filled orders since the account was read last, oldest first; the newest of a symbol tells what is left.
    A balance may gain something meanwhile (rewards), so it lags where less than half of the order shows.
    """
    newest = {order.intent.symbol: order for order in sold}
    held = {p.symbol: p.holding.total for p in snapshot.positions}
    return tuple(symbol for symbol, order in sorted(newest.items()) if not _shows(order, held.get(symbol, Decimal(0))))


def _shows(order: LedgerOrder, held: Decimal) -> bool:
    before, half = order.intent.holding_before, order.filled / 2
    return held >= before + half if order.intent.side == "buy" else held <= before - half
