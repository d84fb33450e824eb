"""Name the outcomes of a market, and write the market down as Gamma does."""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.simulator.world import Listing, MarketStatus

_NAMES = ("Yes", "No")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One side of a market; the second one costs what the first leaves of a dollar."""

    symbol: str
    name: str
    token: str
    is_first: bool


def outcomes(symbol: str) -> tuple[Outcome, Outcome]:
    """Return both outcomes of a market, with tokens of 60 digits and more, as the CLOB numbers them."""
    first, second = (
        Outcome(symbol, name, str(int(_hash(f"{symbol}:{name}"), 16)), is_first=name == _NAMES[0]) for name in _NAMES
    )
    return first, second


def market_document(listing: Listing, price: Decimal | None) -> dict[str, Any]:
    """Return a market: a resolved one has gone to its first outcome. Lists are JSON inside of text."""
    is_closed = listing.status is MarketStatus.DELISTED
    chance = Decimal(1) if is_closed else price
    slug = f"will-{listing.base.lower()}-happen"
    return {
        "id": str(int(_hash(listing.symbol)[:6], 16)),
        "question": f"Will {listing.base.lower()} happen?",
        "conditionId": f"0x{_hash(listing.symbol)}",
        "slug": slug,
        "endDate": "2027-12-31T12:00:00Z",
        "outcomes": json.dumps(_NAMES),
        "outcomePrices": None if chance is None else json.dumps([str(chance), str(1 - chance)]),
        "clobTokenIds": json.dumps([outcome.token for outcome in outcomes(listing.symbol)]),
        "active": True,
        "closed": is_closed,
        "acceptingOrders": listing.status is MarketStatus.ONLINE,
        "volumeNum": 1_250_000.5,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
