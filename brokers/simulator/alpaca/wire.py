"""Speak Alpaca's envelope: bare JSON for a yes, a code whose first digits are the status and a message for a no."""

import hmac
import json
from collections import deque
from typing import Any

from brokers.simulator.alpaca.market_data import AlpacaMarketData
from brokers.simulator.alpaca.trading import AlpacaTrading
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint

# Code 0: a message alone. Where the venue has no such case, the nearest it has.
_WORDS: dict[Reason, tuple[int, int, str]] = {
    Reason.UNKNOWN_METHOD: (404, 40410000, "endpoint not found"),
    Reason.INVALID_ARGUMENT: (422, 42210000, "invalid {detail}"),
    Reason.INVALID_KEY: (401, 0, "unauthorized."),
    Reason.INVALID_SIGNATURE: (401, 0, "unauthorized."),
    Reason.INVALID_NONCE: (400, 40010000, "request is not valid"),
    Reason.CLOCK_AHEAD: (400, 40010000, "request is not valid"),
    Reason.RATE_LIMITED: (429, 42910000, "rate limit exceeded"),
    Reason.UNAVAILABLE: (503, 0, "service unavailable"),
    Reason.MAINTENANCE: (503, 0, "service unavailable"),
    Reason.DEADLINE_ELAPSED: (400, 40010000, "request is not valid"),
    Reason.UNKNOWN_MARKET: (422, 42210000, 'asset "{detail}" not found'),
    Reason.MARKET_HALTED: (422, 42210000, 'asset "{detail}" is not tradable'),
    Reason.QUANTITY_INVALID: (422, 42210000, "invalid qty"),
    Reason.QUANTITY_BELOW_MINIMUM: (403, 40310000, "order qty must be >= minimal qty of order"),
    Reason.NOTIONAL_BELOW_MINIMUM: (403, 40310000, "cost basis must be >= minimal amount of order 10"),
    Reason.PRICE_INVALID: (422, 42210000, "invalid limit_price"),
    Reason.INSUFFICIENT_FUNDS: (403, 40310000, "insufficient balance for {detail}"),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (422, 40010001, "client_order_id must be unique"),
    Reason.TOO_MANY_ORDERS: (403, 40310000, "too many open orders"),
    Reason.WOULD_TAKE: (422, 40010001, "invalid time_in_force for crypto order"),
    Reason.UNKNOWN_ORDER: (404, 40410000, "order not found for {detail}"),
    Reason.UNKNOWN_ORDER_TO_CANCEL: (404, 40410000, "order not found for {detail}"),
    Reason.NOT_CONVERTIBLE: (404, 40410000, "endpoint not found"),
    Reason.PERMISSION_DENIED: (403, 40310000, "new orders are rejected by user request"),
}
_TEXTS = {code: (status, words.format(detail="that id")) for status, code, words in _WORDS.values()}
_TEXTS |= {
    40110000: (403, "request is not authorized"),
    40310000: (403, "insufficient balance"),
    42210000: (422, "request is not valid"),
    50010000: (500, "internal server error occurred"),
}
_UNKNOWN_ERROR = 50010000
_CALLS_PER_MINUTE = 200
_MINUTE_MS = 60_000
_MULTI_STATUS, _NO_CONTENT = 207, 204


class AlpacaWire:
    """Alpaca's REST format, of trading and of market data."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._trading = AlpacaTrading(venue)
        self._endpoints = self._trading.endpoints() | AlpacaMarketData(venue).endpoints()
        self._called: dict[str, deque[int]] = {}

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a path, or of one with an id behind it."""
        exact = self._endpoints.get((method, path))
        if exact is not None or path.count("/") < 3:  # noqa: PLR2004 - /v2/orders/{id}
            return exact
        return self._endpoints.get((method, "/".join(path.split("/")[:3]) + "/"))

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call."""
        return self._venue.accounts_by_key.get(call.headers.get("APCA-API-KEY-ID", ""))

    def symbol_of(self, call: Call) -> str | None:
        """Symbol named, or that of the order named."""
        named = call.params.get("symbol")
        if named is not None:
            return self._trading.symbols.get(named)
        order = self._venue.book.orders.get(call.path.removeprefix("/v2/orders/"))
        return order.symbol if order is not None else None

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check key and secret, which come as they are, and how often the key has called."""
        if not endpoint.signed:
            return
        account = self.account_of(call)
        if account is None:
            raise Refusal(Reason.INVALID_KEY)
        secret = self._venue.keys[account].api_secret
        if not hmac.compare_digest(secret.encode(), call.headers.get("APCA-API-SECRET-KEY", "").encode()):
            raise Refusal(Reason.INVALID_SIGNATURE)
        if self._venue.world.rate_limits:
            self._count(account, call.now_ms)
        call.account = account

    def accepted(self, payload: Any) -> Answer:
        """Write the payload as it is; none at all is a status of its own, and so is one with many in it."""
        if payload is None:
            return Answer(_NO_CONTENT, b"")
        many = isinstance(payload, list) and any("body" in row for row in payload)
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return Answer(_MULTI_STATUS if many else 200, body)

    def refused(self, refusal: Refusal) -> Answer:
        """Write code and message with the status that goes with them."""
        if refusal.reason is Reason.VERBATIM:
            status, code, words = refusal.status, refusal.code, refusal.detail
        else:
            status, code, words = _WORDS[refusal.reason]
            words = words.format(detail=refusal.detail)
        body = {"code": code, "message": words} if code else {"message": words}
        return Answer(status, json.dumps(body).encode())

    def emptied(self, payload: Any) -> Any:
        """Empty a list, or what an object of market data has by market."""
        if isinstance(payload, list):
            return []
        if "message" in payload:
            return payload
        return {name: type(value)() if isinstance(value, dict | list) else value for name, value in payload.items()}

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Answer with this code, or with a message alone; status and text are the usual ones where not given."""
        number = int(code) if code is not None else (0 if message else _UNKNOWN_ERROR)
        usual_status, words = _TEXTS.get(number, (number // 100_000 if number else 500, "request is not valid"))
        return Refusal(Reason.VERBATIM, message or words, code=number, status=status or usual_status)

    def _count(self, account: str, now_ms: int) -> None:
        called = self._called.setdefault(account, deque())
        while called and called[0] <= now_ms - _MINUTE_MS:
            called.popleft()
        if len(called) >= _CALLS_PER_MINUTE:
            raise Refusal(Reason.RATE_LIMITED)
        called.append(now_ms)
