"""Decide whether a read looks empty although holdings are tracked: absence alone is never "flat". Pure."""

from collections.abc import Mapping
from decimal import Decimal

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
