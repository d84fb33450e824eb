"""Speak OKX's envelope: code, msg and data; signatures over an ISO instant, a passphrase, and calls per two seconds."""

import base64
import hashlib
import hmac
import json
from collections import deque
from datetime import datetime
from typing import Any

from brokers.simulator.okx.account import OkxAccount
from brokers.simulator.okx.public import OkxPublic
from brokers.simulator.okx.refusals import refusal_document, usual
from brokers.simulator.okx.trade import OkxTrade
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint

_NOT_FOUND = b'{"code":404,"data":{},"detailMsg":"","error_code":"404","error_message":"Not Found","msg":"Not Found"}'
_CLOCK_MS = 30_000
_WINDOW_MS = 2_000
# Headers in the order in which their absence is told, with its code.
_HEADERS = {"KEY": 50103, "PASSPHRASE": 50104, "SIGN": 50106, "TIMESTAMP": 50107}


class OkxWire:
    """OKX's REST format, version 5."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._public = OkxPublic(venue)
        self._endpoints = {
            **self._public.endpoints(),
            **OkxAccount(venue).endpoints(),
            **OkxTrade(venue, self._public).endpoints(),
        }
        self._calls: dict[tuple[str, str], deque[int]] = {}

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a method and path."""
        return self._endpoints.get((method, path))

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call."""
        return self._venue.accounts_by_key.get(call.headers.get("OK-ACCESS-KEY", ""))

    def symbol_of(self, call: Call) -> str | None:
        """Symbol by the instrument, in a list of orders the first one's."""
        name = call.params.get("instId")
        if name is None and call.body.startswith(b"["):
            name = str(json.loads(call.body)[0].get("instId"))
        return self._public.symbols.get(name or "")

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check headers, key, clock, signature, passphrase and rate, in this order."""
        if endpoint.signed:
            call.account = self._authenticated(call)
        if self._venue.world.rate_limits:
            self._count(call, endpoint)

    def accepted(self, payload: Any) -> Answer:
        """Write an envelope; bytes are one kept ready."""
        return Answer(200, payload if isinstance(payload, bytes) else json.dumps(payload).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write code and msg, or the row of the order that was refused."""
        if refusal.reason is Reason.UNKNOWN_METHOD:
            return Answer(404, _NOT_FOUND)
        status, document = refusal_document(refusal, self._venue.now_ms())
        return Answer(status, json.dumps(document).encode())

    def emptied(self, payload: Any) -> Any:
        """Empty the data; an account without balances still has its row."""
        if not isinstance(payload, dict) or payload.get("code") != "0":
            return payload
        return payload | {"data": [row | {"details": []} for row in payload["data"] if "details" in row]}

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Answer with this code; status and text are the usual ones where not given."""
        number = int(code) if code is not None else 50026
        usual_status, text = usual(number)
        return Refusal(Reason.VERBATIM, message or text, code=number, status=status or usual_status)

    def _authenticated(self, call: Call) -> str:
        for name, code in _HEADERS.items():
            if not call.headers.get(f"OK-ACCESS-{name}"):
                raise self.verbatim(code, None, None)
        account = self.account_of(call)
        if account is None:
            raise Refusal(Reason.INVALID_KEY)
        stamp = call.headers["OK-ACCESS-TIMESTAMP"]
        if abs(self._milliseconds(stamp) - call.now_ms) > _CLOCK_MS:
            raise Refusal(Reason.INVALID_NONCE)
        keys = self._venue.keys[account]
        query = f"?{call.query}" if call.query else ""
        message = f"{stamp}{call.method}{call.path}{query}".encode() + call.body
        expected = base64.b64encode(hmac.new(keys.api_secret.encode(), message, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(expected, call.headers["OK-ACCESS-SIGN"]):
            raise Refusal(Reason.INVALID_SIGNATURE)
        if call.headers["OK-ACCESS-PASSPHRASE"] != (keys.passphrase or ""):
            raise self.verbatim(50105, None, None)
        return account

    def _milliseconds(self, stamp: str) -> int:
        try:
            instant = datetime.fromisoformat(stamp)
        except ValueError:
            raise self.verbatim(50112, None, None) from None
        if instant.tzinfo is None:
            raise self.verbatim(50112, None, None)
        return int(instant.timestamp() * 1000)

    def _count(self, call: Call, endpoint: Endpoint) -> None:
        """Count a call within the last two seconds of its endpoint and caller."""
        made = self._calls.setdefault((endpoint.name, call.account or ""), deque())
        while made and made[0] <= call.now_ms - _WINDOW_MS:
            made.popleft()
        if len(made) >= endpoint.weight:
            raise Refusal(Reason.RATE_LIMITED)
        made.append(call.now_ms)
