"""Name markets, write numbers and wrap answers as Bybit does."""

from decimal import Decimal
from typing import Any

from brokers.simulator.numbers import at_least
from brokers.simulator.world import Listing

_FINEST_PLACES = 18


def shown(number: Decimal) -> str:
    """Write an amount or price: quoted, without padding and without an exponent."""
    return at_least(number, 0, _FINEST_PLACES)


def pair_id(listing: Listing) -> str:
    """Market's id: BTCUSDT."""
    return listing.base + listing.quote


def enveloped(result: Any, now_ms: int) -> dict[str, Any]:
    """Wrap a result as every answer is wrapped."""
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms}
