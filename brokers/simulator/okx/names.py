"""Name markets and write numbers as OKX does: BTC-USDT, and no digit more than a number has."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from brokers.simulator.numbers import at_least
from brokers.simulator.world import Listing

_MOST_PLACES = 18


def number(amount: Decimal) -> str:
    """Write an amount or price without padding."""
    return at_least(amount, 0, _MOST_PLACES)


def instrument_id(listing: Listing) -> str:
    """Market's id."""
    return f"{listing.base}-{listing.quote}"


def nothing(names: str) -> dict[str, str]:
    """Fields that do not apply, as the venue writes them: empty. `names` has blanks between them."""
    return dict.fromkeys(names.split(), "")


def envelope(rows: Sequence[Any]) -> dict[str, Any]:
    """Wrap rows as every answer without an error is."""
    return {"code": "0", "data": list(rows), "msg": ""}
