"""Speak Binance's envelope: bare JSON for a yes, 4xx with code and msg for a no; signatures, clock and weights."""

import hashlib
import hmac
import json
from collections import deque
from typing import Any

from brokers.simulator.binance.dust import BinanceDust
from brokers.simulator.binance.private import BinancePrivate
from brokers.simulator.binance.public import BinancePublic
from brokers.simulator.numbers import whole
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint

# https://developers.binance.com/docs/binance-spot-api-docs/errors
_WORDS: dict[Reason, tuple[int, int, str]] = {
    Reason.INVALID_ARGUMENT: (
        400,
        -1102,
        "Mandatory parameter '{detail}' was not sent, was empty/null, or malformed.",
    ),
    Reason.INVALID_KEY: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    Reason.INVALID_SIGNATURE: (400, -1022, "Signature for this request is not valid."),
    Reason.INVALID_NONCE: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    Reason.CLOCK_AHEAD: (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    Reason.RATE_LIMITED: (
        429,
        -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.",
    ),
    Reason.UNAVAILABLE: (503, -1008, "Server is currently overloaded with other requests."),
    Reason.MAINTENANCE: (503, 1, "System is under maintenance."),
    Reason.DEADLINE_ELAPSED: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    Reason.UNKNOWN_MARKET: (400, -1121, "Invalid symbol."),
    Reason.MARKET_HALTED: (400, -1013, "Market is closed."),
    Reason.QUANTITY_INVALID: (400, -1013, "Filter failure: LOT_SIZE"),
    Reason.QUANTITY_BELOW_MINIMUM: (400, -1013, "Filter failure: LOT_SIZE"),
    Reason.NOTIONAL_BELOW_MINIMUM: (400, -1013, "Filter failure: NOTIONAL"),
    Reason.PRICE_INVALID: (400, -1013, "Filter failure: PRICE_FILTER"),
    Reason.INSUFFICIENT_FUNDS: (400, -2010, "Account has insufficient balance for requested action."),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (400, -2010, "Duplicate order sent."),
    Reason.TOO_MANY_ORDERS: (400, -1013, "Filter failure: MAX_NUM_ORDERS"),
    Reason.WOULD_TAKE: (400, -2010, "Order would immediately match and take."),
    Reason.NOT_CONVERTIBLE: (400, 32110, "Only low-value assets can be converted to BNB."),
    Reason.PERMISSION_DENIED: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    Reason.UNKNOWN_ORDER: (400, -2013, "Order does not exist."),
    Reason.UNKNOWN_ORDER_TO_CANCEL: (400, -2011, "Unknown order sent."),
}
_VERBATIM: dict[int, tuple[int, str]] = {
    -1000: (500, "An unknown error occurred while processing the request."),
    -1001: (500, "Internal error; unable to process your request. Please try again."),
    -1003: _WORDS[Reason.RATE_LIMITED][::2],
    -1006: (500, "An unexpected response was received from the message bus. Execution status unknown."),
    -1007: (
        504,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
    -1008: (503, "Server is currently overloaded with other requests."),
    -1015: (429, "Too many new orders; current limit is 50 orders per 10 SECOND."),
    -2014: (401, "API-key format invalid."),
}
_VERBATIM |= {code: (status, text) for status, code, text in _WORDS.values() if code not in _VERBATIM}
_NOT_FOUND = b"<html><head><title>404 Not found</title></head><body><h2>404 Not found</h2></body></html>"
_TOO_MANY = 429
_WEIGHT_PER_MINUTE = 6000
_MOST_WINDOW_MS = 60_000


class BinanceWire:
    """Binance's REST format."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._public = BinancePublic(venue)
        signed = BinancePrivate(venue, self._public).endpoints() | BinanceDust(venue).endpoints()
        self._endpoints = dict(self._public.endpoints() | signed)
        self._used: deque[tuple[int, int]] = deque()

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a method and path."""
        return self._endpoints.get((method, path))

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call."""
        return self._venue.accounts_by_key.get(call.headers.get("X-MBX-APIKEY", ""))

    def symbol_of(self, call: Call) -> str | None:
        """Symbol by the pair's id."""
        return self._public.symbols.get(call.params.get("symbol", ""))

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check weight, key, signature and clock, in this order."""
        if self._venue.world.rate_limits:
            self._spend(endpoint.weight, call.now_ms)
        if not endpoint.signed:
            return
        key = call.headers.get("X-MBX-APIKEY")
        if not key:
            raise self.verbatim(-2014, None, None)
        account = self._venue.accounts_by_key.get(key)
        if account is None:
            raise Refusal(Reason.INVALID_KEY)
        if "signature" not in call.params:
            raise Refusal(Reason.INVALID_ARGUMENT, "signature")
        covered = (call.query + call.body.decode(errors="replace")).rpartition("&signature=")[0]
        expected = hmac.new(self._venue.keys[account].api_secret.encode(), covered.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, call.params["signature"]):
            raise Refusal(Reason.INVALID_SIGNATURE)
        sent = whole(call.params, "timestamp", 0)
        window = min(whole(call.params, "recvWindow", 5000), _MOST_WINDOW_MS)
        if sent > call.now_ms + 1000:
            raise Refusal(Reason.CLOCK_AHEAD)
        if sent < call.now_ms - window:
            raise Refusal(Reason.INVALID_NONCE)
        call.account = account

    def accepted(self, payload: Any) -> Answer:
        """Write the payload as it is."""
        return Answer(200, payload if isinstance(payload, bytes) else json.dumps(payload).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write code and msg with the status that goes with them; an unknown path is a page."""
        if refusal.reason is Reason.UNKNOWN_METHOD:
            return Answer(404, _NOT_FOUND, "text/html")
        if refusal.reason is Reason.VERBATIM:
            status, code, words = refusal.status, refusal.code, refusal.detail
        else:
            status, code, words = _WORDS[refusal.reason]
            words = refusal.detail if " " in refusal.detail else words.format(detail=refusal.detail)
        headers = {"Retry-After": "1"} if status == _TOO_MANY else {}
        return Answer(status, json.dumps({"code": code, "msg": words}).encode(), headers=headers)

    def emptied(self, payload: Any) -> Any:
        """Empty a list, or every list of an object."""
        if isinstance(payload, list):
            return []
        if "code" in payload:
            return payload
        return {name: [] if isinstance(value, list) else value for name, value in payload.items()}

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Answer with this code; status and text are the usual ones where not given."""
        number = int(code) if code is not None else -1001
        usual_status, text = _VERBATIM.get(number, (400, "Rejected."))
        return Refusal(Reason.VERBATIM, message or text, code=number, status=status or usual_status)

    def _spend(self, weight: int, now_ms: int) -> None:
        """Count a call's weight within the running minute."""
        while self._used and self._used[0][0] <= now_ms - 60_000:
            self._used.popleft()
        if sum(used for _, used in self._used) + weight > _WEIGHT_PER_MINUTE:
            raise Refusal(Reason.RATE_LIMITED)
        self._used.append((now_ms, weight))
