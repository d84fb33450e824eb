"""What `nija orders` says: orders of the ledger, what rests at a venue, what was canceled, and statistics.

Fields are kept and grow only by addition. Quantities in base units, prices in quote per base unit, as strings.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.reasons import ActionKind, Mode, OrderState, Outcome
from models.report import ErrorReport


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class AccountError(ErrorReport):
    """Something that went wrong at one account."""

    account: str


class OrderReport(_Part):
    """One order of the ledger. `verification` is empty for one without an end, or that was never sent."""

    client_order_id: str
    venue_order_id: str | None
    account: str
    mode: Mode
    kind: ActionKind
    symbol: str
    side: str
    quantity: str
    state: OrderState
    outcome: Outcome
    filled: str
    expected_price: str
    average_price: str | None
    slippage_bps: str | None  # below zero: better than expected
    fee_quote: str | None
    verification: list[str]
    timed_out: bool
    created_at: datetime | None
    sent_at: datetime | None
    timed_out_at: datetime | None
    ended_at: datetime | None  # when its end was known
    detail: str


class FillReport(_Part):
    """One execution. `filled_at` None: the venue gave the order's sum alone."""

    trade_id: str
    quantity: str
    price: str
    fee: str | None
    fee_asset: str | None
    filled_at: datetime | None


class OrderDetails(OrderReport):
    """One order with everything that is known of it."""

    run_id: str
    plan_id: str
    cycle: int
    policy_version: str
    holding_before: str
    fills: list[FillReport]


class RestingOrder(_Part):
    """An order that rests at a venue now, whoever placed it. `quantity` is what is still unfilled."""

    account: str
    order_id: str
    client_order_id: str | None
    symbol: str
    side: str
    quantity: str
    placed_at: datetime | None
    ours: bool


class OrderList(_Part):
    """Orders of the ledger, newest first; `resting` None: no venue was asked."""

    orders: list[OrderReport]
    resting: list[RestingOrder] | None = None
    errors: list[AccountError] = []

    @property
    def exit_code(self) -> int:
        """0; 3 where a venue could not be read."""
        return 3 if self.errors else 0


class CanceledOrder(_Part):
    """What became of one order that was to be canceled. `state` None: the venue does not tell."""

    account: str
    order_id: str | None
    client_order_id: str | None
    symbol: str
    side: str
    quantity: str
    ours: bool
    state: OrderState | None
    filled: str | None
    average_price: str | None
    was_decided: bool = False  # nothing was sent for it
    error: ErrorReport | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is proven that nothing more can happen to it."""
        return self.state is not None and self.state.is_final and self.error is None


class CancelReport(_Part):
    """What a cancel came to. `left`: what still rests, or may, when it was over."""

    account: str
    orders: list[CanceledOrder]
    left: int
    errors: list[ErrorReport] = []

    @property
    def exit_code(self) -> int:
        """0 nothing is left; 3 something is, or may be."""
        return 3 if self.left or self.errors else 0


class StatisticsReport(_Part):
    """Sums over orders: filled + partial + canceled + rejected + unknown = orders (`unknown`: no known end).

    Slippage in basis points of the expected price, below zero where the price was better; None without any fill that
    has a price. `median_seconds`: from the intent to its known end.
    """

    orders: int
    filled: int
    partial: int
    canceled: int
    rejected: int
    unknown: int
    timeouts: int
    verified: int
    partial_fills: int
    failed_fills: int
    slippage_high: int
    over_fills: int
    price_unknown: int
    mean_slippage_bps: str | None
    worst_slippage_bps: str | None
    median_seconds: float | None


class AccountStatistics(StatisticsReport):
    """Sums over the orders of one account."""

    account: str


class OrderStatisticsReport(_Part):
    """Statistics of each account that has orders, and of all of them together."""

    since: datetime | None
    accounts: list[AccountStatistics]
    total: StatisticsReport
