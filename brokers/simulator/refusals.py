"""Name the reasons for which a venue says no. Each wire format puts them into its venue's own words."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a request was not carried out."""

    UNKNOWN_METHOD = "unknown_method"
    INVALID_ARGUMENT = "invalid_argument"
    INVALID_KEY = "invalid_key"
    INVALID_SIGNATURE = "invalid_signature"
    INVALID_NONCE = "invalid_nonce"
    CLOCK_AHEAD = "clock_ahead"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    MAINTENANCE = "maintenance"
    DEADLINE_ELAPSED = "deadline_elapsed"
    UNKNOWN_MARKET = "unknown_market"
    MARKET_HALTED = "market_halted"
    QUANTITY_INVALID = "quantity_invalid"
    QUANTITY_BELOW_MINIMUM = "quantity_below_minimum"
    NOTIONAL_BELOW_MINIMUM = "notional_below_minimum"
    PRICE_INVALID = "price_invalid"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    TOO_MANY_ORDERS = "too_many_orders"
    WOULD_TAKE = "would_take"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_ORDER_TO_CANCEL = "unknown_order_to_cancel"
    NOT_CONVERTIBLE = "not_convertible"
    PERMISSION_DENIED = "permission_denied"
    VERBATIM = "verbatim"


class Refusal(Exception):
    """A request the venue declines; `detail` is the parameter or the words concerned."""

    def __init__(self, reason: Reason, detail: str = "", *, code: int = 0, status: int = 0) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail, self.code, self.status = reason, detail, code, status
