"""Define orders and fills as the venue keeps them. The venue's own record is the truth a test judges by."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Which way the base asset goes."""

    BUY = "buy"
    SELL = "sell"


class Kind(StrEnum):
    """Whether the order waits for its price."""

    MARKET = "market"
    LIMIT = "limit"


class Status(StrEnum):
    """Where an order stands; a partly filled one stays open until it is filled or ended."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Lifetime(StrEnum):
    """How long an order may wait."""

    UNTIL_CANCELED = "until_canceled"
    AT_ONCE = "at_once"  # what cannot be filled now is cancelled
    ALL_AT_ONCE = "all_at_once"  # filled now and whole, or not at all


@dataclass(frozen=True, slots=True)
class Request:
    """An order as a client asks for it. `quote_quantity` replaces `quantity` where the client spends an amount."""

    account: str
    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    limit_price: Decimal | None = None
    client_order_id: str | None = None
    user_reference: int | None = None
    lifetime: Lifetime = Lifetime.UNTIL_CANCELED
    post_only: bool = False
    fee_in_base: bool = False


@dataclass(slots=True)
class Order:
    """One order the venue has accepted."""

    id: str
    number: int
    account: str
    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal
    limit_price: Decimal | None
    client_order_id: str | None
    user_reference: int | None
    lifetime: Lifetime
    post_only: bool
    fee_in_base: bool
    opened_ms: int
    status: Status = Status.OPEN
    closed_ms: int | None = None
    updated_ms: int = 0
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    fee_asset: str = ""
    held_asset: str = ""
    held: Decimal = Decimal(0)
    quote_quantity: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """Quantity not yet filled."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status is Status.OPEN

    @property
    def average_price(self) -> Decimal:
        """Quote per base over all fills; zero before the first."""
        return self.cost / self.filled if self.filled else Decimal(0)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One small balance turned into another asset; `fee` in that asset, already taken off what was received."""

    number: int
    batch: int  # those of one request share it
    account: str
    asset: str
    quantity: Decimal
    into: str
    received: Decimal
    fee: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, and how it moved the account's totals."""

    id: str
    number: int
    order_id: str
    account: str
    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal
    price: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time_ms: int
