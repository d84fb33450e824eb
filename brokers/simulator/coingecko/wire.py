"""Speak CoinGecko's API: points of prices as dense as the span allows, and its errors in three shapes."""

import json
from collections import deque
from datetime import UTC, datetime
from typing import Any

from brokers.simulator.coingecko.points import COINS, chart
from brokers.simulator.numbers import whole
from brokers.simulator.prices import DAY_MS
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint, Operation

_ROOT = "/api/v3"  # of the real addresses; served with it and without
_COINS = "/coins/"
_CHART = "/market_chart/range"
_KEEPS_MS = 365 * DAY_MS
_CALLS_A_MINUTE = {"demo": 30, "pro": 250}
_HEADERS = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}
_MISSING, _WRONG_FOR_DEMO, _WRONG_FOR_PRO, _TOO_OLD, _TOO_MANY = 10002, 10010, 10011, 10012, 429
_TEXTS = {
    _MISSING: "API Key Missing. Please make sure you're using the right authentication method.",
    10005: "This request is limited to PRO API subscribers.",
    _WRONG_FOR_DEMO: "If you are using Pro API key, please change your root URL to pro-api.coingecko.com",
    _WRONG_FOR_PRO: "If you are using Demo API key, please change your root URL to api.coingecko.com",
    _TOO_OLD: "Your request exceeds the allowed time range: the past 365 days.",
    _TOO_MANY: "You've exceeded the Rate Limit.",
}
_UNDER_ERROR = frozenset({_TOO_OLD})  # its status stands inside of an `error`


class CoinGeckoWire:
    """CoinGecko's REST format. Keys are those of the world's accounts; without accounts any key will do, or none."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._plan = venue.world.plan
        self._calls: deque[int] = deque()
        self._symbols = {
            (COINS.get(li.base, li.base.lower()), li.quote.lower()): symbol for symbol, li in venue.listings.items()
        }

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a path."""
        path = path.removeprefix(_ROOT)
        if method != "GET":
            return None
        if path == "/ping":
            return Endpoint("ping", Operation.TIME, self.ping)
        if path.startswith(_COINS) and path.endswith(_CHART):
            return Endpoint("market_chart/range", Operation.CANDLES, self.market_chart)
        return None

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call."""
        return self._venue.accounts_by_key.get(call.headers.get(_HEADERS[self._plan], ""))

    def symbol_of(self, call: Call) -> str | None:
        """Symbol by the coin and the currency."""
        return self._symbols.get((_coin(call), call.params.get("vs_currency", "").lower()))

    def verify(self, call: Call, endpoint: Endpoint) -> None:  # noqa: ARG002 - every endpoint counts and is guarded
        """Check the rate, then the key."""
        if self._venue.world.rate_limits:
            self._count(call.now_ms)
        other = "pro" if self._plan == "demo" else "demo"
        if _HEADERS[other] in call.headers:
            raise self.verbatim(_WRONG_FOR_DEMO if self._plan == "demo" else _WRONG_FOR_PRO, None, None)
        key = call.headers.get(_HEADERS[self._plan])
        if key is None and self._plan == "pro":
            raise self.verbatim(_MISSING, None, None)
        if key is not None and self._venue.accounts_by_key and key not in self._venue.accounts_by_key:
            raise self.verbatim(_MISSING, None, None)

    def accepted(self, payload: Any) -> Answer:
        """Write the payload as it is."""
        return Answer(200, json.dumps(payload).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write a no: `{"error": text}` where there is no code."""
        known = {
            Reason.RATE_LIMITED: (_TOO_MANY, 429),
            Reason.INVALID_KEY: (_MISSING, 401),
            Reason.VERBATIM: (refusal.code, refusal.status),
        }
        code, status = known.get(refusal.reason, (0, 0))
        if not code:
            status, text = _PLAIN.get(refusal.reason, (400, "invalid request"))
            return _json(status, {"error": refusal.detail if refusal.reason is Reason.VERBATIM else text})
        text = refusal.detail or _TEXTS.get(code, "error")
        told: dict[str, Any] = {"status": {"error_code": code, "error_message": text}}
        if code in _UNDER_ERROR:
            told = {"error": {"status": {"timestamp": _now(self._venue.now_ms())} | told["status"]}}
        headers = {"Retry-After": "60"} if code == _TOO_MANY and refusal.reason is Reason.RATE_LIMITED else {}
        return Answer(status or 401, json.dumps(told).encode(), headers=headers)

    def emptied(self, payload: Any) -> Any:
        """Give the chart without points."""
        return {name: [] for name in payload} if isinstance(payload, dict) else payload

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Make a refusal from CoinGecko's own code, or from a text alone."""
        number = int(code) if code is not None and str(code).isdigit() else 0
        default = {0: 400, _TOO_MANY: 429}.get(number, 401)
        return Refusal(Reason.VERBATIM, message or "", code=number, status=status or default)

    def ping(self, _call: Call) -> Any:
        """Nothing, to show that somebody is there."""
        return {"gecko_says": "(V3) To the Moon!"}

    def market_chart(self, call: Call) -> Any:
        """Prices, market capitalisations and volumes of the 24 hours before, between two instants."""
        coin, currency = _coin(call), call.params.get("vs_currency", "").lower()
        if coin not in {known for known, _ in self._symbols}:
            raise Refusal(Reason.UNKNOWN_MARKET)
        symbol = self._symbols.get((coin, currency))
        if symbol is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "vs_currency")
        first, last = whole(call.params, "from", 0) * 1000, whole(call.params, "to", 0) * 1000
        if not 0 < first <= last:
            raise Refusal(Reason.INVALID_ARGUMENT, "from")
        if self._plan == "demo" and first < call.now_ms - _KEEPS_MS:
            raise self.verbatim(_TOO_OLD, None, 401)
        return chart(self._venue.prices, symbol, first, min(last, call.now_ms), call.now_ms)

    def _count(self, now_ms: int) -> None:
        while self._calls and self._calls[0] <= now_ms - 60_000:
            self._calls.popleft()
        self._calls.append(now_ms)  # a call that is refused counts, too
        if len(self._calls) > _CALLS_A_MINUTE[self._plan]:
            raise Refusal(Reason.RATE_LIMITED)


_PLAIN = {
    Reason.UNKNOWN_MARKET: (404, "coin not found"),
    Reason.UNKNOWN_METHOD: (404, "Incorrect path. Please check https://docs.coingecko.com/"),
    Reason.INVALID_ARGUMENT: (400, "invalid parameters"),
    Reason.MAINTENANCE: (503, "Service Unavailable"),
    Reason.UNAVAILABLE: (503, "Service Unavailable"),
}


def _coin(call: Call) -> str:
    return call.path.removeprefix(_ROOT).removeprefix(_COINS).removesuffix(_CHART)


def _json(status: int, document: Any) -> Answer:
    return Answer(status, json.dumps(document).encode())


def _now(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
