"""The vocabulary of answers: kinds of action, outcomes, order states, and every reason code a report can carry."""

from enum import StrEnum


class ActionKind(StrEnum):
    """What a plan does to one holding."""

    CLOSE_DUST = "close_dust"
    CONVERT_DUST = "convert_dust"
    MARK_DUST = "mark_dust"
    TOP_UP = "top_up"
    CLOSE_SMALL = "close_small"
    TRIM_CAP = "trim_cap"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_LIMIT = "time_limit"
    REBALANCE_SELL = "rebalance_sell"
    REBALANCE_BUY = "rebalance_buy"

    @property
    def side(self) -> str:
        """Which way an order of this kind moves a holding: buy or sell."""
        return "buy" if self in {ActionKind.TOP_UP, ActionKind.REBALANCE_BUY} else "sell"


class Outcome(StrEnum):
    """What is known of one action once the run is over."""

    PLANNED = "planned"
    FILLED = "filled"
    PARTIAL = "partial"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class OrderState(StrEnum):
    """Where an order stands in the ledger."""

    INTENT = "intent"  # committed, not sent
    SENT = "sent"  # committed as about to be sent: from here on the venue may know it
    OPEN = "open"
    PARTIAL = "partial"  # open with fills
    FILLED = "filled"
    PARTIALLY_FILLED = "partially_filled"  # final: canceled with fills
    CANCELED = "canceled"  # final: no fill
    REJECTED = "rejected"  # final: the venue's definite refusal
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self in FINAL_STATES


FINAL_STATES = frozenset(
    {OrderState.FILLED, OrderState.PARTIALLY_FILLED, OrderState.CANCELED, OrderState.REJECTED},
)


class AccountStatus(StrEnum):
    """How an account came out of a run."""

    COMPLIANT = "compliant"
    PENDING = "pending"
    HALTED = "halted"
    BLOCKED = "blocked"
    FAILED = "failed"


class Mode(StrEnum):
    """Whether a row moved nothing, simulated money or real money."""

    PLAN = "plan"
    PAPER = "paper"
    LIVE = "live"


class Reason(StrEnum):
    """Why an action is in a plan, or why a holding is not."""

    BELOW_DUST_THRESHOLD = "below_dust_threshold"
    BELOW_MINIMUM_POSITION = "below_minimum_position"
    CONSOLIDATION_CANDIDATE = "consolidation_candidate"
    OVER_CAP = "over_cap"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_LIMIT = "time_limit"
    ENTRY_UNKNOWN = "entry_unknown"
    UNVALUED = "unvalued"
    BLACKLISTED = "blacklisted"
    BELOW_LOT_STEP = "below_lot_step"
    BELOW_MINIMUM_QUANTITY = "below_minimum_quantity"
    BELOW_MINIMUM_NOTIONAL = "below_minimum_notional"
    MARKET_INACTIVE = "market_inactive"
    NO_MARKET = "no_market"
    LOCKED_AT_VENUE = "locked_at_venue"
    FUNDS_HELD = "funds_held"
    ORDER_PENDING = "order_pending"
    REFUSED_BEFORE = "refused_before"
    DUST_DRY_RUN = "dust_dry_run"
    ABOVE_TARGET_WEIGHT = "above_target_weight"
    BELOW_TARGET_WEIGHT = "below_target_weight"
    WITHIN_THRESHOLD = "within_threshold"
    WAITS_FOR_SALES = "waits_for_sales"
    CASH_SPENT = "cash_spent"
    ENTRY_BLOCKED = "entry_blocked"
    NO_MARKET_BUYS = "no_market_buys"
    SPREAD_TOO_WIDE = "spread_too_wide"
    NO_PRICE = "no_price"


class NoPrice(StrEnum):
    """Why a holding has no value."""

    NO_MARKET = "no_market"
    NO_TICKER = "no_ticker"
    NOT_POSITIVE = "not_positive"
    NOT_FINITE = "not_finite"
    STALE = "stale"


class FreezeState(StrEnum):
    """Where a symbol stands between a price that failed and entries that stop."""

    COUNTING = "counting"  # failed, not often enough: nothing is stopped
    FROZEN = "frozen"  # no entries until a price is good again after the cool-down
    REVIEW = "review"  # no entries until a person says so


class FreezeCause(StrEnum):
    """Why a symbol is frozen: what its price last lacked, by the names of `NoPrice`, or a person's word."""

    NO_MARKET = "no_market"
    NO_TICKER = "no_ticker"
    NOT_POSITIVE = "not_positive"
    NOT_FINITE = "not_finite"
    STALE = "stale"
    BY_HAND = "by_hand"


class Block(StrEnum):
    """Why a new entry is not allowed now."""

    HALTED = "halted"
    CAP_REACHED = "cap_reached"
    UNVALUED_HOLDING = "unvalued_holding"
    POSITIONS_UNREADABLE = "positions_unreadable"
    CONTRACT_BROKEN = "contract_broken"
    ORDER_UNDECIDED = "order_undecided"
    ENTRY_PENDING = "entry_pending"
    SYMBOL_UNKNOWN = "symbol_unknown"
    MARKET_INACTIVE = "market_inactive"
    NO_PRICE = "no_price"
    BELOW_VENUE_MINIMUM = "below_venue_minimum"
    FLOOR_ABOVE_CEILING = "floor_above_ceiling"  # the venue takes nothing as small as our limits ask for
    FEES_TOO_HIGH = "fees_too_high"
    INSUFFICIENT_CASH = "insufficient_cash"
    EQUITY_MISMATCH = "equity_mismatch"
    BREAKER_OPEN = "breaker_open"
    BALANCE_STALE = "balance_stale"
    SYMBOL_FROZEN = "symbol_frozen"
    SYMBOL_RESTRICTED = "symbol_restricted"
    SIZE_LIMIT = "size_limit"
    EXPOSURE_LIMIT = "exposure_limit"
    POSITIONS_LIMIT = "positions_limit"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    GLOBAL_LIMIT = "global_limit"
    BALANCE_TOO_LOW = "balance_too_low"
    RECONCILIATION_FAILED = "reconciliation_failed"


class Freshness(StrEnum):
    """How far the last balance of an account may be relied on."""

    FRESH = "fresh"
    STALE = "stale"  # older than it should be, or a read has failed since
    UNKNOWN = "unknown"  # never read


class Verdict(StrEnum):
    """How one check of `nija doctor` came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


class Check(StrEnum):
    """What `nija doctor` looks at, in the order it is shown."""

    CREDENTIALS = "credentials"
    CONNECTION = "connection"
    CLOCK = "clock"
    MARKETS = "markets"
    TICKER = "ticker"
    KEYS = "keys"
    PERMISSIONS = "permissions"
    BALANCE = "balance"
    EQUITY = "equity"
    OPEN_ORDERS = "open_orders"
    STORE = "store"


class HaltCause(StrEnum):
    """Why an account was stopped until its clear condition holds or a person lifts it."""

    CAP_NOT_REACHED = "CAP_NOT_REACHED"
    DAILY_LOSS = "DAILY_LOSS"
    DRAWDOWN = "DRAWDOWN"
