"""Speak Kraken's envelope: always HTTP 200 with error and result; signatures, nonces and the call counter."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.simulator.kraken.private import KrakenPrivate
from brokers.simulator.kraken.public import KrakenPublic
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint

# https://docs.kraken.com/api/docs/guides/spot-errors; "not unique" is what a reused open id was seen to get.
_WORDS = {
    Reason.UNKNOWN_METHOD: "EGeneral:Unknown method",
    Reason.INVALID_ARGUMENT: "EGeneral:Invalid arguments:{detail}",
    Reason.INVALID_KEY: "EAPI:Invalid key",
    Reason.INVALID_SIGNATURE: "EAPI:Invalid signature",
    Reason.INVALID_NONCE: "EAPI:Invalid nonce",
    Reason.CLOCK_AHEAD: "EAPI:Invalid nonce",
    Reason.RATE_LIMITED: "EAPI:Rate limit exceeded",
    Reason.UNAVAILABLE: "EService:Unavailable",
    Reason.MAINTENANCE: "EService:Unavailable",
    Reason.DEADLINE_ELAPSED: "EService:Deadline elapsed",
    Reason.UNKNOWN_MARKET: "EQuery:Unknown asset pair",
    Reason.MARKET_HALTED: "EService:Market in cancel_only mode",
    Reason.QUANTITY_INVALID: "EGeneral:Invalid arguments:volume",
    Reason.QUANTITY_BELOW_MINIMUM: "EGeneral:Invalid arguments:volume minimum not met",
    Reason.NOTIONAL_BELOW_MINIMUM: "EOrder:Cost minimum not met",
    Reason.PRICE_INVALID: "EOrder:Invalid price",
    Reason.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    Reason.DUPLICATE_CLIENT_ORDER_ID: "EGeneral:Invalid arguments:cl_ord_id not unique",
    Reason.TOO_MANY_ORDERS: "EOrder:Orders limit exceeded",
    Reason.WOULD_TAKE: "EOrder:Post only order",
    Reason.UNKNOWN_ORDER: "EOrder:Unknown order",
    Reason.UNKNOWN_ORDER_TO_CANCEL: "EOrder:Unknown order",
    Reason.NOT_CONVERTIBLE: "EGeneral:Unknown method",
    Reason.PERMISSION_DENIED: "EGeneral:Permission denied",
    Reason.VERBATIM: "{detail}",
}
_COUNTER_LIMIT = Decimal(15)
_COUNTER_DECAY_PER_SECOND = Decimal("0.33")


@dataclass(slots=True)
class _Counter:
    """Call counter of one key, falling with time."""

    level: Decimal = Decimal(0)
    at_ms: int = 0

    def admits(self, weight: int, now_ms: int) -> bool:
        """Whether there is room for a call; if so it is counted."""
        fallen = _COUNTER_DECAY_PER_SECOND * (now_ms - self.at_ms) / 1000
        level = max(Decimal(0), self.level - fallen) + weight
        if level > _COUNTER_LIMIT:
            return False
        self.level, self.at_ms = level, now_ms
        return True


class KrakenWire:
    """Kraken's REST format."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        public = KrakenPublic(venue)
        private = KrakenPrivate(venue, public)
        self._public = public
        self._endpoints: dict[str, Endpoint] = {
            **{f"/0/public/{endpoint.name}": endpoint for endpoint in public.endpoints()},
            **{f"/0/private/{endpoint.name}": endpoint for endpoint in private.endpoints()},
        }
        self._counters: dict[str, _Counter] = {}

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a path; private ones are posted to."""
        endpoint = self._endpoints.get(path)
        return None if endpoint is None or (endpoint.signed and method != "POST") else endpoint

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call."""
        return self._venue.accounts_by_key.get(call.headers.get("API-Key", ""))

    def symbol_of(self, call: Call) -> str | None:
        """Symbol by pair, or by the order named."""
        pair = call.params.get("pair")
        if pair is not None:
            return self._public.symbols.get(pair)
        order = self._venue.book.orders.get(call.params.get("txid", ""))
        return order.symbol if order is not None else None

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check the signature, then that the nonce is greater than the last one of the key."""
        if not endpoint.signed:
            return
        key = call.headers.get("API-Key", "")
        account = self._venue.accounts_by_key.get(key)
        if account is None:
            raise Refusal(Reason.INVALID_KEY)
        nonce = call.params.get("nonce", "")
        if not hmac.compare_digest(self._signature(call, nonce, account), call.headers.get("API-Sign", "")):
            raise Refusal(Reason.INVALID_SIGNATURE)
        if not nonce.isdigit() or int(nonce) <= self._venue.nonces.get(key, 0):
            raise Refusal(Reason.INVALID_NONCE)
        self._venue.nonces[key] = int(nonce)
        if self._venue.world.rate_limits:
            counter = self._counters.setdefault(key, _Counter())
            if endpoint.weight and not counter.admits(endpoint.weight, call.now_ms):
                raise Refusal(Reason.RATE_LIMITED)
        call.account = account

    def accepted(self, payload: Any) -> Answer:
        """Wrap a result; bytes are a whole answer kept ready."""
        if isinstance(payload, bytes):
            return Answer(200, payload)
        return Answer(200, json.dumps({"error": [], "result": payload}).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write the error text, in a 200 as Kraken does."""
        words = _WORDS[refusal.reason].format(detail=refusal.detail)
        return Answer(refusal.status or 200, json.dumps({"error": [words]}).encode())

    def emptied(self, payload: Any) -> Any:
        """Keep the envelope, empty the result."""
        return {"error": [], "result": {}} if isinstance(payload, dict) and not payload.get("error") else payload

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Answer with this text, EService:Unavailable where none is given."""
        return Refusal(Reason.VERBATIM, str(code or message or "EService:Unavailable"), status=status or 0)

    def _signature(self, call: Call, nonce: str, account: str) -> str:
        """HMAC-SHA512 over the path and SHA256(nonce + body), keyed with the decoded secret."""
        try:
            secret = base64.b64decode(self._venue.keys[account].api_secret, validate=True)
        except binascii.Error as error:
            raise Refusal(Reason.INVALID_SIGNATURE) from error
        message = call.path.encode() + hashlib.sha256(nonce.encode() + call.body).digest()
        return base64.b64encode(hmac.new(secret, message, hashlib.sha512).digest()).decode()
