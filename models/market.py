"""A market as its venue describes it, and a price with its source and time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Market:
    """One spot market. Quantities in base units, notionals in quote units; None: the venue states no limit."""

    symbol: str  # ccxt's BASE/QUOTE
    base: str
    quote: str
    active: bool
    lot_step: Decimal
    minimum_quantity: Decimal | None = None
    maximum_quantity: Decimal | None = None
    minimum_notional: Decimal | None = None
    taker_fee_fraction: Decimal | None = None  # None: not known


@dataclass(frozen=True, slots=True)
class Price:
    """One price in quote per base unit, with where it came from and when it held (aware UTC).

    `bid`, `ask`: the best that was offered then; None: the venue does not say, or nobody offers. A last trade may be of
    yesterday where nobody trades, whatever hour its ticker names.
    """

    value: Decimal
    source: str
    at: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
