"""Speak Bybit's envelope: HTTP 200 with a retCode, signatures in headers, a clock that is strict, a limit a second."""

import hashlib
import hmac
import json
from collections import deque
from typing import Any

from brokers.simulator.bybit.dust import BybitDust
from brokers.simulator.bybit.names import enveloped
from brokers.simulator.bybit.private import BybitPrivate
from brokers.simulator.bybit.public import BybitPublic
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint

# https://bybit-exchange.github.io/docs/v5/error
_CLOCK = "invalid request, please check your server timestamp or recv_window param. {detail}"
_WORDS: dict[Reason, tuple[int, str]] = {
    Reason.INVALID_ARGUMENT: (10001, "params error: {detail} invalid"),
    Reason.INVALID_KEY: (10003, "API key is invalid."),
    Reason.INVALID_SIGNATURE: (10004, "error sign! please check your signature generation algorithm."),
    Reason.INVALID_NONCE: (10002, _CLOCK),
    Reason.CLOCK_AHEAD: (10002, _CLOCK),
    Reason.DEADLINE_ELAPSED: (10002, _CLOCK),
    Reason.RATE_LIMITED: (10006, "Too many visits. Exceeded the API Rate Limit."),
    Reason.UNAVAILABLE: (10016, "System error. Please try again later."),
    Reason.MAINTENANCE: (10016, "Service is restarting. Please try again later."),
    Reason.UNKNOWN_MARKET: (170121, "Invalid symbol."),
    Reason.MARKET_HALTED: (170151, "The trading pair is not open yet."),
    Reason.QUANTITY_INVALID: (170137, "Order quantity has too many decimals."),
    Reason.QUANTITY_BELOW_MINIMUM: (170136, "Order quantity exceeded lower limit."),
    Reason.NOTIONAL_BELOW_MINIMUM: (170140, "Order value exceeded lower limit."),
    Reason.PRICE_INVALID: (170134, "Order price has too many decimals."),
    Reason.INSUFFICIENT_FUNDS: (170131, "Insufficient balance."),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (170141, "Duplicate clientOrderId."),
    Reason.TOO_MANY_ORDERS: (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
    Reason.WOULD_TAKE: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
    Reason.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Reason.UNKNOWN_ORDER_TO_CANCEL: (170213, "Order does not exist."),
    Reason.NOT_CONVERTIBLE: (10001, "params error: the coin is not supported for conversion"),
    Reason.PERMISSION_DENIED: (10005, "Permission denied, please check your API key permissions."),
}
_VERBATIM = dict(_WORDS.values()) | {
    10000: "Server Timeout",
    10014: "Invalid duplicate request.",
    10016: "System error. Please try again later.",
    10018: "Exceeded the IP Rate Limit.",
    33004: "Your api key has expired.",
    170007: "Timeout waiting for response from backend server.",
    170032: "Network error. Please try again later",
    170146: "Order creation timeout",
    170149: "Create order failed",
    170210: "New order rejected.",
}
_EMPTY_HEADERS = "empty value: apiTimestamp[{time}] apiKey[{key}] apiSignature[{sign}]: openapi sign params error!"
_USUAL_WINDOW_MS = 5000
_AHEAD_MS = 1000
_SECOND_MS = 1000
# Calls a second a key: https://bybit-exchange.github.io/docs/v5/rate-limit
_PER_SECOND = {"order/create": 20, "order/cancel": 20, "order/cancel-all": 20, "user/query-api": 10}
_USUAL_PER_SECOND = 50


class BybitWire:
    """Bybit's REST format, version 5."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._public = BybitPublic(venue)
        private, dust = BybitPrivate(venue, self._public), BybitDust(venue)
        self._endpoints = self._public.endpoints() | private.endpoints() | dust.endpoints()
        self._used: dict[tuple[str, str], deque[int]] = {}

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a method and path."""
        return self._endpoints.get((method, path))

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call."""
        return self._venue.accounts_by_key.get(call.headers.get("X-BAPI-API-KEY", ""))

    def symbol_of(self, call: Call) -> str | None:
        """Symbol by the pair's id, or by the order named."""
        pair = call.params.get("symbol")
        if pair is not None:
            return self._public.symbols.get(pair)
        order_id, client_id = call.params.get("orderId"), call.params.get("orderLinkId")
        if order_id:
            order = self._venue.book.orders.get(order_id)
            return None if order is None else order.symbol
        mine = self._venue.book.by_account.get(self.account_of(call) or "", []) if client_id else []
        return next((order.symbol for order in reversed(mine) if order.client_order_id == client_id), None)

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check clock, key, signature and rate limit."""
        if not endpoint.signed:
            return
        key, stamp = call.headers.get("X-BAPI-API-KEY", ""), call.headers.get("X-BAPI-TIMESTAMP", "")
        sign = call.headers.get("X-BAPI-SIGN", "")
        if not (key and stamp.isdigit() and sign):
            words = _EMPTY_HEADERS.format(time=stamp, key=key, sign=sign)
            raise Refusal(Reason.VERBATIM, words, code=10001, status=200)
        account = self._venue.accounts_by_key.get(key)
        if account is None:
            raise Refusal(Reason.INVALID_KEY)
        raw_window = call.headers.get("X-BAPI-RECV-WINDOW", "")
        covered = f"{stamp}{key}{raw_window}{call.body.decode() if call.method == 'POST' else call.query}"
        expected = hmac.new(self._venue.keys[account].api_secret.encode(), covered.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, sign):
            raise Refusal(Reason.INVALID_SIGNATURE)
        window = int(raw_window) if raw_window.isdigit() else _USUAL_WINDOW_MS
        if not call.now_ms - window <= int(stamp) < call.now_ms + _AHEAD_MS:
            detail = f"req_timestamp[{stamp}],server_timestamp[{call.now_ms}],recv_window[{window}]"
            raise Refusal(Reason.INVALID_NONCE, detail)
        if self._venue.world.rate_limits:
            self._spend(key, endpoint.name, call.now_ms)
        call.account = account

    def accepted(self, payload: Any) -> Answer:
        """Wrap a result; bytes are a whole answer kept ready."""
        if isinstance(payload, bytes):
            return Answer(200, payload)
        return Answer(200, json.dumps(enveloped(payload, self._venue.now_ms())).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write the code in a 200, as Bybit does; only an unknown path has a status of its own."""
        if refusal.reason is Reason.UNKNOWN_METHOD:
            return Answer(404, b"404 page not found", "text/plain")
        if refusal.reason is Reason.VERBATIM:
            code, words = refusal.code, refusal.detail
        else:
            code, words = _WORDS[refusal.reason]
            words = words.format(detail=refusal.detail)
        document = enveloped({}, self._venue.now_ms()) | {"retCode": code, "retMsg": words}
        return Answer(refusal.status or 200, json.dumps(document).encode())

    def emptied(self, payload: Any) -> Any:
        """Keep the envelope; empty the lists of the result, or all of it where it has none."""
        if not isinstance(payload, dict) or payload.get("retCode"):
            return payload
        result = payload.get("result") or {}
        kept = {name: [] if isinstance(value, list) else value for name, value in result.items()}
        if "nextPageCursor" in kept:
            kept["nextPageCursor"] = ""
        return payload | {"result": kept if any(isinstance(value, list) for value in kept.values()) else {}}

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Answer with this code; the text is the usual one where none is given."""
        number = int(code) if code is not None else 10016
        words = message or _VERBATIM.get(number, "Rejected.").format(detail="")
        return Refusal(Reason.VERBATIM, words, code=number, status=status or 200)

    def _spend(self, key: str, name: str, now_ms: int) -> None:
        """Count a call of a key at one endpoint within the running second."""
        used = self._used.setdefault((key, name), deque())
        while used and used[0] <= now_ms - _SECOND_MS:
            used.popleft()
        if len(used) >= _PER_SECOND.get(name, _USUAL_PER_SECOND):
            raise Refusal(Reason.RATE_LIMITED)
        used.append(now_ms)
