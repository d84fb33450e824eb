"""An order's life as values: what we meant, what the venue says of it, and its fills."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.reasons import ActionKind, Mode, OrderState


@dataclass(frozen=True, slots=True)
class Intent:
    """One market order we mean to send, written before it is sent. Quantities in base units."""

    client_order_id: str
    account: str
    mode: Mode
    policy_version: str
    run_id: str
    plan_id: str
    cycle: int
    kind: ActionKind
    symbol: str
    side: str  # buy | sell
    quantity: Decimal
    expected_price: Decimal  # quote per base unit, the price the plan was made at
    holding_before: Decimal  # total of the base asset when the plan was made


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. Quantity in base units, price in quote per base unit, fee in `fee_asset` units."""

    trade_id: str
    quantity: Decimal
    price: Decimal
    at: datetime | None
    fee: Decimal | None = None
    fee_asset: str | None = None


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """What the venue says of one order now."""

    order_id: str
    client_order_id: str | None
    symbol: str
    side: str
    state: OrderState  # OPEN, PARTIAL, FILLED, PARTIALLY_FILLED or CANCELED
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None = None
    fee: Decimal | None = None
    fee_asset: str | None = None
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerOrder:
    """One row of the ledger: the intent and all that is known of it."""

    intent: Intent
    state: OrderState
    venue_order_id: str | None = None
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    fee_quote: Decimal | None = None  # None: the fee was charged in an asset without a price
    error_code: str | None = None
    detail: str = ""
    created_at: datetime | None = None  # when the intent was committed; None: it was not read from the store
    sent_at: datetime | None = None
    timed_out_at: datetime | None = None  # its time was over before it had an end; it may have been filled even so
    updated_at: datetime | None = None  # for a decided order: when its end was known

    @property
    def is_decided(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state.is_final
