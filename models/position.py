"""What an account holds: holdings as the venue reports them, positions with their value, and a snapshot of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from models.adoption import EntrySource, PositionSource
from models.market import Market, Price
from models.reasons import NoPrice


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset's balance in base units: free to trade, held by open orders, locked (staked, lent) by the venue."""

    asset: str
    free: Decimal
    held: Decimal = Decimal(0)
    locked: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Everything that is there, whatever it may be used for."""
        return self.free + self.held + self.locked


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order resting at the venue, ours or not. Quantity is what is still unfilled, in base units."""

    order_id: str
    client_order_id: str | None
    symbol: str
    side: str  # buy | sell
    quantity: Decimal
    placed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A non-cash holding, valued in the account's quote currency or named as unvalued with the reason."""

    symbol: str
    holding: Holding
    price: Price | None = None
    no_price: NoPrice | None = None

    @property
    def value(self) -> Decimal | None:
        """Quantity times price in quote units; None when there is no usable price."""
        return None if self.price is None else self.holding.total * self.price.value


@dataclass(frozen=True, slots=True)
class Tracked:
    """A position as we keep it between reads. Quantity in base units, entry price and value in quote units.

    `entry_price` None: not known, so it is held and reported; its age still counts. `value` as of the last read.
    `peak_price`: the highest price that a read has shown while it was held.
    `entry_source` None: the entry price is not known, or is of a time when less was held. `source` None: not adopted.
    """

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None
    first_seen_at: datetime
    value: Decimal | None = None
    peak_price: Decimal | None = None
    entry_source: EntrySource | None = None
    entry_at: datetime | None = None  # the first buy of what is held
    source: PositionSource | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Holdings, prices, open orders and market limits of one account, read together at one instant."""

    account: str
    taken_at: datetime
    cash_free: Decimal
    cash_total: Decimal
    positions: tuple[Position, ...]
    markets: Mapping[str, Market] = field(default_factory=dict)
    open_orders: tuple[OpenOrder, ...] = ()
    reported_equity: Decimal | None = None  # what the venue says the account is worth, where it says so

    @property
    def valued(self) -> tuple[Position, ...]:
        """The positions that have a value."""
        return tuple(p for p in self.positions if p.price is not None)

    @property
    def unvalued(self) -> tuple[Position, ...]:
        """The positions that have none."""
        return tuple(p for p in self.positions if p.price is None)

    @property
    def equity(self) -> Decimal:
        """Cash plus everything that could be valued, in quote units."""
        return self.cash_total + sum((p.holding.total * p.price.value for p in self.positions if p.price), Decimal(0))
