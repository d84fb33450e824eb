"""Speak Coinbase's envelope: JSON in a 200 for a yes and for a refused order, a status for other refusals; tokens."""

import base64
import binascii
import json
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from brokers.simulator.coinbase.private import CoinbasePrivate
from brokers.simulator.coinbase.public import CoinbasePublic
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint

# Reasons for which an order is refused: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders
# names them under error_response of create-order. The answer to such an order is a 200.
_ORDERS: dict[Reason, tuple[str, str, str]] = {
    Reason.INSUFFICIENT_FUNDS: (
        "INSUFFICIENT_FUND",
        "Insufficient balance in source account",
        "PREVIEW_INSUFFICIENT_FUND",
    ),
    Reason.QUANTITY_INVALID: (
        "INVALID_SIZE_PRECISION",
        "Too many decimals in order amount",
        "PREVIEW_INVALID_SIZE_PRECISION",
    ),
    Reason.QUANTITY_BELOW_MINIMUM: (
        "UNKNOWN_FAILURE_REASON",
        "Order size is too small",
        "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL",
    ),
    Reason.NOTIONAL_BELOW_MINIMUM: (
        "UNKNOWN_FAILURE_REASON",
        "Order value is too small",
        "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
    ),
    Reason.PRICE_INVALID: (
        "INVALID_PRICE_PRECISION",
        "Too many decimals in order price",
        "PREVIEW_INVALID_PRICE_PRECISION",
    ),
    Reason.MARKET_HALTED: (
        "ORDER_ENTRY_DISABLED",
        "Orderbook is in cancel only mode",
        "UNKNOWN_PREVIEW_FAILURE_REASON",
    ),
    Reason.WOULD_TAKE: (
        "INVALID_LIMIT_PRICE_POST_ONLY",
        "Order would match immediately",
        "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY",
    ),
    Reason.TOO_MANY_ORDERS: ("COMMANDER_REJECTED_NEW_ORDER", "Too many open orders", "UNKNOWN_PREVIEW_FAILURE_REASON"),
}
_WORDS: dict[Reason, tuple[int, str, str]] = {
    Reason.INVALID_ARGUMENT: (400, "INVALID_ARGUMENT", "{detail}"),
    Reason.UNKNOWN_MARKET: (404, "NOT_FOUND", "product {detail} was not found"),
    Reason.UNKNOWN_ORDER: (404, "NOT_FOUND", "order with this orderID was not found"),
    Reason.UNKNOWN_ORDER_TO_CANCEL: (404, "NOT_FOUND", "order with this orderID was not found"),
    Reason.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "Too many requests"),
    Reason.UNAVAILABLE: (503, "UNAVAILABLE", "Service unavailable"),
    Reason.MAINTENANCE: (503, "UNAVAILABLE", "Service unavailable"),
    Reason.PERMISSION_DENIED: (403, "PERMISSION_DENIED", "Missing required scopes"),
}
_UNAUTHORIZED = frozenset({Reason.INVALID_KEY, Reason.INVALID_SIGNATURE, Reason.INVALID_NONCE, Reason.CLOCK_AHEAD})
_OTHER_HOUR = frozenset({Reason.INVALID_NONCE, Reason.CLOCK_AHEAD})
_HOUR_MS = 3_600_000
_OK = 200
_PRIVATE_PER_SECOND, _PUBLIC_PER_SECOND = 30, 10
_RAW_HALF = 32  # bytes of each number of an ES256 signature


class CoinbaseWire:
    """The REST format of Coinbase Advanced."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._public = CoinbasePublic(venue)
        self._endpoints = dict(self._public.endpoints() | CoinbasePrivate(venue, self._public).endpoints())
        self._used: dict[str, deque[int]] = {}

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a method and path; one part of it may be an id."""
        parts = path.split("/")
        named = [path, *("/".join([*parts[:n], "*", *parts[n + 1 :]]) for n in range(len(parts) - 1, 3, -1))]
        return next((self._endpoints[method, name] for name in named if (method, name) in self._endpoints), None)

    def account_of(self, call: Call) -> str | None:
        """Account whose key the token names, before its signature is checked."""
        try:
            return self._venue.accounts_by_key.get(str(_token(call)[1].get("sub")))
        except Refusal:
            return None

    def symbol_of(self, call: Call) -> str | None:
        """Symbol by the product, or by the order named."""
        parts = call.path.split("/")
        named = next((self._public.symbols[part] for part in parts if part in self._public.symbols), None)
        product = call.params.get("product_id") or call.params.get("product_ids", "")
        order = self._venue.book.orders.get(parts[-1])
        return named or self._public.symbols.get(product) or (None if order is None else order.symbol)

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check the token: who signed it, for which call, and between which instants."""
        if not endpoint.signed:
            self._spend("", _PUBLIC_PER_SECOND, call.now_ms)
            return
        header, claims, signed, signature = _token(call)
        account = self._venue.accounts_by_key.get(str(claims.get("sub")))
        if account is None or header.get("alg") != "ES256" or header.get("kid") != claims.get("sub"):
            raise Refusal(Reason.INVALID_KEY)
        try:
            _public_key(self._venue.keys[account].api_secret).verify(_der(signature), signed, ec.ECDSA(SHA256()))
        except InvalidSignature as error:
            raise Refusal(Reason.INVALID_SIGNATURE) from error
        # Clients take off the https:// before they sign; one that was pointed at plain http may have left that.
        uri = str(claims.get("uri")).replace("http://", "")
        if uri != f"{call.method} {call.headers.get('Host')}{call.path}":
            raise Refusal(Reason.INVALID_SIGNATURE)
        if not claims.get("nbf", 0) * 1000 <= call.now_ms < claims.get("exp", 0) * 1000:
            raise Refusal(Reason.INVALID_SIGNATURE)
        self._spend(account, _PRIVATE_PER_SECOND, call.now_ms)
        call.account = account

    def accepted(self, payload: Any) -> Answer:
        """Write the payload as it is."""
        return Answer(_OK, payload if isinstance(payload, bytes) else json.dumps(payload).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write why: a plain word for a token, a 200 for an order, else code and words with their status."""
        if refusal.reason in _UNAUTHORIZED:
            return self._unauthorized(refusal.reason)
        if refusal.reason is Reason.UNKNOWN_METHOD:
            return Answer(404, b"404 page not found\n", "text/plain")
        if refusal.reason in _ORDERS:
            return _refused_order(*_ORDERS[refusal.reason])
        if refusal.reason is Reason.VERBATIM:
            code, _, words = refusal.detail.partition(": ")
            if refusal.status == _OK:
                preview = code if code.startswith("PREVIEW_") else "UNKNOWN_PREVIEW_FAILURE_REASON"
                return _refused_order("UNKNOWN_FAILURE_REASON" if preview == code else code, words, preview)
            status = refusal.status
        else:
            status, code, words = _WORDS[refusal.reason]
            words = words.format(detail=refusal.detail)
        return Answer(status, json.dumps({"error": code, "error_details": words, "message": words}).encode())

    def emptied(self, payload: Any) -> Any:
        """Empty every list and object of the answer, and let it be the last page."""
        if not isinstance(payload, dict) or payload.get("error") or payload.get("success") is False:
            return payload
        last = {"has_next": False, "cursor": "", "size": 0, "num_products": 0, "order_id": ""}
        kept = {name: last.get(name, value) for name, value in payload.items()}
        return {name: type(value)() if isinstance(value, list | dict) else value for name, value in kept.items()}

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Answer with this code, as a refused order where the status is 200; an internal error where none is given."""
        if code is None:
            return Refusal(Reason.VERBATIM, f"INTERNAL: {message or 'Internal error'}", status=status or 500)
        return Refusal(Reason.VERBATIM, f"{code}: {message or ''}", status=status or _OK)

    def _unauthorized(self, reason: Reason) -> Answer:
        """Answer as to every token that is not valid; one refused for its hour comes from a venue in another hour."""
        told_ms = self._venue.now_ms() + (_HOUR_MS if reason in _OTHER_HOUR else 0)
        date = format_datetime(datetime.fromtimestamp(told_ms // 1000, UTC), usegmt=True)
        return Answer(401, b"Unauthorized\n", "text/plain", {"Date": date})

    def _spend(self, who: str, most: int, now_ms: int) -> None:
        """Count a call within the running second, where the world limits rates."""
        if not self._venue.world.rate_limits:
            return
        used = self._used.setdefault(who, deque())
        while used and used[0] <= now_ms - 1000:
            used.popleft()
        if len(used) >= most:
            raise Refusal(Reason.RATE_LIMITED)
        used.append(now_ms)


def _refused_order(error: str, words: str, preview: str) -> Answer:
    response = {
        "error": error,
        "message": words,
        "error_details": words,
        "preview_failure_reason": preview,
        "new_order_failure_reason": error,
    }
    document = {
        "success": False,
        "failure_reason": "UNKNOWN_FAILURE_REASON",
        "order_id": "",
        "error_response": response,
    }
    return Answer(_OK, json.dumps(document).encode())


def _token(call: Call) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Take a token apart: header, claims, the text its signature covers, the signature. Raises: Refusal."""
    kind, _, token = call.headers.get("Authorization", "").partition(" ")
    parts = token.split(".")
    try:
        header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
        named: tuple[Any, Any] = (json.loads(header), json.loads(claims))
    except (ValueError, binascii.Error) as error:
        raise Refusal(Reason.INVALID_SIGNATURE) from error
    if kind != "Bearer" or not all(isinstance(part, dict) for part in named):
        raise Refusal(Reason.INVALID_SIGNATURE)
    return named[0], named[1], ".".join(parts[:2]).encode(), signature


def _der(raw: bytes) -> bytes:
    """Write an ES256 signature, two numbers side by side, as the library wants it."""
    return encode_dss_signature(int.from_bytes(raw[:_RAW_HALF]), int.from_bytes(raw[_RAW_HALF:]))


@lru_cache(maxsize=1000)
def _public_key(pem: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except ValueError as error:
        raise Refusal(Reason.INVALID_SIGNATURE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refusal(Reason.INVALID_SIGNATURE)
    return key.public_key()
