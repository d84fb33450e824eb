"""Speak Polymarket's two APIs at one address: Gamma's markets, and the prices of the order book."""

import json
from collections import deque
from decimal import Decimal
from typing import Any

from brokers.simulator.numbers import whole
from brokers.simulator.polymarket.outcomes import Outcome, market_document, outcomes
from brokers.simulator.prices import DAY_MS
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Answer, Call, Endpoint, Operation
from brokers.simulator.world import MarketStatus

_LONGEST_MS = 15 * DAY_MS
_RESOLVED_MINUTES = 720  # the finest fidelity of a market that is resolved
_INTERVALS_MS = {"1h": DAY_MS // 24, "6h": DAY_MS // 4, "1d": DAY_MS, "1w": 7 * DAY_MS, "1m": 30 * DAY_MS}
_LATE_MS = 5000  # after each minute that is told of
_WINDOW_MS, _CALLS = 10_000, 300
_LEAST, _MOST = Decimal("0.001"), Decimal("0.999")


class PolymarketWire:
    """Polymarket's REST formats."""

    def __init__(self, venue: Venue) -> None:
        """Speak for this venue."""
        self._venue = venue
        self._tokens: dict[str, Outcome] = {o.token: o for symbol in venue.listings for o in outcomes(symbol)}
        self._calls: deque[int] = deque()

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a path."""
        rows = {
            "/markets": Endpoint("markets", Operation.MARKETS, self.markets),
            "/prices-history": Endpoint("prices-history", Operation.CANDLES, self.prices_history),
        }
        return rows.get(path) if method == "GET" else None

    def account_of(self, call: Call) -> str | None:  # noqa: ARG002 - everybody may look
        """Nobody signs."""
        return None

    def symbol_of(self, call: Call) -> str | None:
        """Symbol of the market whose token is named."""
        outcome = self._tokens.get(call.params.get("market", ""))
        return None if outcome is None else outcome.symbol

    def verify(self, call: Call, endpoint: Endpoint) -> None:  # noqa: ARG002 - all are counted together
        """Check the rate."""
        if not self._venue.world.rate_limits:
            return
        while self._calls and self._calls[0] <= call.now_ms - _WINDOW_MS:
            self._calls.popleft()
        self._calls.append(call.now_ms)
        if len(self._calls) > _CALLS:
            raise Refusal(Reason.RATE_LIMITED)

    def accepted(self, payload: Any) -> Answer:
        """Write the payload as it is."""
        return Answer(200, json.dumps(payload).encode())

    def refused(self, refusal: Refusal) -> Answer:
        """Write a no: the text under `error`."""
        status, text = _WORDS.get(refusal.reason, (400, "invalid request"))
        if refusal.reason is Reason.VERBATIM:
            status, text = refusal.status or 400, refusal.detail or "error"
        return Answer(status, json.dumps({"error": text}).encode())

    def emptied(self, payload: Any) -> Any:
        """Give a history without points, or no market."""
        return {"history": []} if isinstance(payload, dict) else []

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Make a refusal from a text."""
        return Refusal(Reason.VERBATIM, message or str(code or "error"), status=status or 400)

    def markets(self, call: Call) -> Any:
        """Markets by page, or the one of a token; lists inside of them are written as text."""
        listings = list(self._venue.listings.values())
        closed = call.params.get("closed")
        if closed is not None:
            listings = [li for li in listings if (li.status is MarketStatus.DELISTED) == (closed == "true")]
        token = call.params.get("clob_token_ids")
        if token is not None:
            listings = [li for li in listings if any(o.token == token for o in outcomes(li.symbol))]
        offset, limit = whole(call.params, "offset", 0), min(whole(call.params, "limit", 20), 500)
        return [market_document(li, self._price(li.symbol, call.now_ms)) for li in listings[offset : offset + limit]]

    def prices_history(self, call: Call) -> Any:
        """Return prices of one token, `fidelity` minutes apart; empty for a token that nobody knows."""
        token = call.params.get("market")
        if not token:
            raise Refusal(Reason.VERBATIM, "invalid filters: 'market' is required", status=400)
        first, last = self._bounds(call)
        outcome = self._tokens.get(token)
        minutes = max(1, whole(call.params, "fidelity", 1))
        if outcome is None:
            return {"history": []}
        is_resolved = self._venue.listings[outcome.symbol].status is MarketStatus.DELISTED
        if is_resolved and minutes < _RESOLVED_MINUTES:
            return {"history": []}
        step = minutes * 60_000
        found = []
        for time in range(-(-first // step) * step, min(last, call.now_ms) + 1, step):
            price = self._price(outcome.symbol, time)
            if price is not None and time + _LATE_MS <= min(last, call.now_ms):
                told = price if outcome.is_first else 1 - price
                found.append({"t": (time + _LATE_MS) // 1000, "p": float(told)})
        return {"history": found}

    def _bounds(self, call: Call) -> tuple[int, int]:
        """Return the span that is asked for. Raises: Refusal where it is too long or not stated."""
        interval = call.params.get("interval")
        if interval is not None:
            return call.now_ms - _INTERVALS_MS.get(interval, 365 * DAY_MS), call.now_ms
        first, last = whole(call.params, "startTs", 0) * 1000, whole(call.params, "endTs", 0) * 1000
        if not 0 < first <= last:
            raise Refusal(Reason.VERBATIM, "invalid filters: 'startTs' and 'endTs', or 'interval'", status=400)
        if last - first > _LONGEST_MS:
            text = "invalid filters: 'startTs' and 'endTs' interval is too long"
            raise Refusal(Reason.VERBATIM, text, status=400)
        return first, last

    def _price(self, symbol: str, at_ms: int) -> Decimal | None:
        """Return the walk, held between what a share can cost."""
        price = self._venue.prices.last(symbol, at_ms)
        return None if price is None else min(max(price, _LEAST), _MOST)


_WORDS = {
    Reason.RATE_LIMITED: (429, "Too Many Requests"),
    Reason.UNKNOWN_METHOD: (404, "not found"),
    Reason.MAINTENANCE: (503, "Service Unavailable"),
    Reason.UNAVAILABLE: (503, "Service Unavailable"),
    Reason.INVALID_ARGUMENT: (400, "invalid filters"),
}
