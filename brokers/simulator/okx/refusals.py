"""Put refusals into OKX's words: a code for the whole request, or one in the row of the order concerned."""

from typing import Any

from brokers.simulator.okx.documents import result_row
from brokers.simulator.refusals import Reason, Refusal

# https://www.okx.com/docs-v5/en/#error-code: HTTP status, code and text.
WORDS: dict[Reason, tuple[int, int, str]] = {
    Reason.INVALID_ARGUMENT: (400, 51000, "Parameter {detail} error"),
    Reason.INVALID_KEY: (401, 50111, "Invalid OK-ACCESS-KEY."),
    Reason.INVALID_SIGNATURE: (401, 50113, "Invalid Sign"),
    Reason.INVALID_NONCE: (401, 50102, "Timestamp request expired"),
    Reason.CLOCK_AHEAD: (401, 50102, "Timestamp request expired"),
    Reason.RATE_LIMITED: (429, 50011, "Too Many Requests"),
    Reason.UNAVAILABLE: (429, 50013, "Systems are busy. Please try again later."),
    Reason.MAINTENANCE: (503, 50001, "Service temporarily unavailable. Please try again later."),
    Reason.DEADLINE_ELAPSED: (
        200,
        50036,
        "The expTime can't be earlier than the current system time. Please adjust the expTime and try again.",
    ),
    Reason.UNKNOWN_MARKET: (200, 51001, "Instrument ID or Spread ID doesn't exist."),
    Reason.MARKET_HALTED: (200, 51022, "Contract suspended."),
    Reason.QUANTITY_INVALID: (200, 51121, "Order quantity must be a multiple of the lot size."),
    Reason.QUANTITY_BELOW_MINIMUM: (200, 51020, "Your order should meet or exceed the minimum order amount."),
    Reason.NOTIONAL_BELOW_MINIMUM: (200, 51020, "Your order should meet or exceed the minimum order amount."),
    Reason.PRICE_INVALID: (200, 51000, "Parameter px error"),
    Reason.INSUFFICIENT_FUNDS: (200, 51008, "Order failed. Insufficient {detail} balance in account."),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (200, 51016, "Client order ID already exists."),
    Reason.TOO_MANY_ORDERS: (200, 51174, "Order failed, number of pending orders exceed the limit."),
    # The venue accepts such an order and cancels it; here it is refused.
    Reason.WOULD_TAKE: (200, 51006, "Order price is not within the price limit"),
    Reason.UNKNOWN_ORDER: (200, 51603, "Order does not exist"),
    Reason.UNKNOWN_ORDER_TO_CANCEL: (
        200,
        51400,
        "Order cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    Reason.NOT_CONVERTIBLE: (200, 51143, "Insufficient conversion amount"),
    Reason.PERMISSION_DENIED: (200, 50120, "This API key doesn't have permission to use this function"),
}
_OTHERS: dict[int, tuple[int, str]] = {
    50004: (400, "API endpoint request timeout. (does not mean that the request was successful or failed)"),
    50026: (500, "System error. Try again later"),
    50037: (200, "Order expired."),
    50061: (200, "You've reached the maximum order rate limit for this account."),
    50103: (401, 'Request header "OK-ACCESS-KEY" cannot be empty.'),
    50104: (401, 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.'),
    50105: (401, 'Request header "OK-ACCESS-PASSPHRASE" incorrect.'),
    50106: (401, 'Request header "OK-ACCESS-SIGN" cannot be empty.'),
    50107: (401, 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.'),
    50112: (401, "Invalid OK-ACCESS-TIMESTAMP."),
    51149: (500, "Order timed out. Please try again."),
}
_USUAL = {code: (status, text) for status, code, text in WORDS.values()} | _OTHERS
_FAILED = "1"
# Of these an answer is made for the whole request: they come from reads too.
_WHOLE_REQUEST = frozenset({51000, 51001, 51603, 51143, 51149})
_TRADE_CODES = range(51000, 52000)


class InRow(Refusal):
    """A refusal of one order, told in its row."""

    def __init__(self, of: Refusal, client_order_id: str | None, order_id: str = "") -> None:
        super().__init__(of.reason, of.detail, code=of.code, status=of.status)
        self.client_order_id, self.order_id = client_order_id, order_id


def usual(code: int) -> tuple[int, str]:
    """HTTP status and text that go with a code."""
    return _USUAL.get(code, (200, "Operation failed."))


def told(refusal: Refusal) -> tuple[int, int, str]:
    """HTTP status, code and text of a refusal."""
    if refusal.reason is Reason.VERBATIM:
        return refusal.status, refusal.code, refusal.detail
    status, code, text = WORDS[refusal.reason]
    return status, code, text.format(detail=refusal.detail)


def refused_row(refusal: InRow, now_ms: int) -> dict[str, str]:
    """Row of a refused order."""
    _, code, text = told(refusal)
    return result_row(refusal.client_order_id, refusal.order_id, str(code), text, now_ms)


def refusal_document(refusal: Refusal, now_ms: int) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of a no."""
    status, code, text = told(refusal)
    bare = refusal.reason is Reason.VERBATIM and code in _TRADE_CODES and code not in _WHOLE_REQUEST
    if bare and not isinstance(refusal, InRow):
        refusal = InRow(refusal, None)
    if not isinstance(refusal, InRow):
        return status, {"code": str(code), "data": [], "msg": text}
    return 200, {
        "code": _FAILED,
        "data": [refused_row(refusal, now_ms)],
        "inTime": f"{now_ms}000",
        "msg": "All operations failed",
        "outTime": f"{now_ms}500",
    }
