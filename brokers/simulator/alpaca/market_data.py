"""Answer Alpaca's crypto market data: snapshots, bars, trades, order books. Its numbers are bare, not quoted."""

import base64
import re
from collections.abc import Callable
from typing import Any

from brokers.simulator.alpaca.names import instant, loose, stamp
from brokers.simulator.cache import AnswerCache
from brokers.simulator.numbers import whole
from brokers.simulator.prices import DAY_MS, Candle, PublicTrade, Quote
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing, MarketStatus

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_UNITS_MS = {
    **dict.fromkeys(("T", "Min", "min"), _MINUTE_MS),
    **dict.fromkeys(("H", "Hour", "hour"), _HOUR_MS),
    **dict.fromkeys(("D", "Day", "day"), DAY_MS),
    **dict.fromkeys(("W", "Week", "week"), 7 * DAY_MS),
}
_TIMEFRAME = re.compile(r"(\d+)([A-Za-z]+)")
_SYMBOL = re.compile(r"[A-Z0-9]+/[A-Z0-9]+")
_PAGE, _LARGEST_PAGE = 1000, 10_000
_LEVELS = 20
_LEVEL_QUANTITY = 1.5


class AlpacaMarketData:
    """Endpoints anyone may call."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self._cache = AnswerCache(venue)

    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """Every endpoint of market data."""
        rows = [
            ("snapshots", Operation.TICKERS, self.snapshots),
            ("bars", Operation.CANDLES, self.bars),
            ("trades", Operation.PUBLIC_TRADES, self.trades),
            ("latest/orderbooks", Operation.DEPTH, self.orderbooks),
        ]
        return {
            ("GET", f"/v1beta3/crypto/us/{name}"): Endpoint(name, operation, handler)
            for name, operation, handler in rows
        }

    def snapshots(self, call: Call) -> bytes:
        """Last trade, quote and bars of each market asked for; one that never traded is left out."""
        listings = self._listings(call)
        key = ("snapshots", call.params.get("symbols"))
        return self._cache.priced(key, call.now_ms, lambda: {"snapshots": self._snapshots(listings, call.now_ms)})

    def bars(self, call: Call) -> Any:
        """Bars from `start` on, today's where it is left out; oldest first, at most so many a page."""
        span = _span(call.params.get("timeframe", ""))

        def rows(listing: Listing, first_ms: int, last_ms: int, most: int) -> list[tuple[int, Any]]:
            last_ms = min(last_ms, first_ms + (most + 1) * span)
            found = self._venue.prices.candles(listing.symbol, span, first_ms, last_ms, call.now_ms)
            return [(candle.open_ms, _bar(candle)) for candle in found]

        return self._paged("bars", call, rows)

    def trades(self, call: Call) -> Any:
        """Trades from `start` on, today's where it is left out; oldest first, at most so many a page."""

        def rows(listing: Listing, first_ms: int, last_ms: int, _most: int) -> list[tuple[int, Any]]:
            found = self._venue.prices.trades(listing.symbol, first_ms, last_ms)
            return [(trade.time_ms, _trade(trade)) for trade in found]

        return self._paged("trades", call, rows)

    def orderbooks(self, call: Call) -> Any:
        """Equal levels a tick apart around the price."""
        found = {}
        for listing in self._listings(call):
            quote = self._venue.prices.quote(listing.symbol, call.now_ms)
            if quote is None:
                continue
            steps = [listing.tick * level for level in range(_LEVELS)]
            bids = [{"p": loose(quote.bid - step), "s": _LEVEL_QUANTITY} for step in steps if quote.bid > step]
            asks = [{"p": loose(quote.ask + step), "s": _LEVEL_QUANTITY} for step in steps]
            found[listing.symbol] = {"a": asks, "b": bids, "t": stamp(call.now_ms)}
        return {"orderbooks": found}

    def _listings(self, call: Call) -> list[Listing]:
        """Markets asked for. An unknown one is passed over, a misspelt one is refused."""
        names = [name for name in call.params.get("symbols", "").split(",") if name]
        for name in names:
            if not _SYMBOL.fullmatch(name):
                words = f"Invalid symbol(s): {name} does not match ^[A-Z]+/[A-Z]+$"
                raise Refusal(Reason.VERBATIM, words, status=400)
        if not names:
            raise Refusal(Reason.VERBATIM, "symbols is required", status=400)
        known = (self._venue.listings.get(name) for name in names)
        return [listing for listing in known if listing is not None and listing.status is not MarketStatus.DELISTED]

    def _snapshots(self, listings: list[Listing], now_ms: int) -> dict[str, Any]:
        prices, found = self._venue.prices, {}
        today = now_ms // DAY_MS * DAY_MS
        for listing in listings:
            quote = prices.quote(listing.symbol, now_ms)
            if quote is None:
                continue
            minute = now_ms // _MINUTE_MS * _MINUTE_MS
            spans = {"dailyBar": (today, DAY_MS), "minuteBar": (minute, _MINUTE_MS)}
            spans["prevDailyBar"] = (today - DAY_MS, DAY_MS)
            bars = {name: prices.candle(listing.symbol, start, span, now_ms) for name, (start, span) in spans.items()}
            found[listing.symbol] = {
                **{name: _bar(candle) for name, candle in bars.items() if candle is not None},
                "latestQuote": _quote(quote, now_ms),
                "latestTrade": {"i": now_ms, "p": loose(quote.last), "s": 0.1, "t": stamp(now_ms), "tks": "S"},
            }
        return found

    def _paged(
        self, name: str, call: Call, rows: Callable[[Listing, int, int, int], list[tuple[int, Any]]]
    ) -> dict[str, Any]:
        """Give a page of rows by market; the token is the place of the next row."""
        most = min(whole(call.params, "limit", _PAGE), _LARGEST_PAGE)
        start, end = instant(call.params, "start"), instant(call.params, "end")
        first_ms = -(-start // 1000) if start is not None else call.now_ms // DAY_MS * DAY_MS
        last_ms = call.now_ms if end is None else min(end // 1000, call.now_ms)
        token = call.params.get("page_token")
        begins = _unpacked(token) if token else ("", 0)
        found: dict[str, list[Any]] = {}
        count = 0
        for listing in sorted(self._listings(call), key=lambda li: li.symbol):
            if listing.symbol < begins[0]:
                continue
            here_ms = max(first_ms, begins[1]) if listing.symbol == begins[0] else first_ms
            for at_ms, row in rows(listing, here_ms, last_ms, most - count):
                if count == most:
                    return {name: found, "next_page_token": _packed(listing.symbol, at_ms)}
                found.setdefault(listing.symbol, []).append(row)
                count += 1
        return {name: found, "next_page_token": None}


def _span(timeframe: str) -> int:
    match = _TIMEFRAME.fullmatch(timeframe)
    unit = _UNITS_MS.get(match.group(2)) if match else None
    if match is None or unit is None:
        raise Refusal(Reason.VERBATIM, f"Invalid format for parameter timeframe: {timeframe}", status=400)
    return int(match.group(1)) * unit


def _bar(candle: Candle) -> dict[str, Any]:
    middle = (candle.high + candle.low) / 2
    return {
        "c": loose(candle.close),
        "h": loose(candle.high),
        "l": loose(candle.low),
        "n": 12,
        "o": loose(candle.open),
        "t": stamp(candle.open_ms).replace(".000000", ""),
        "v": loose(candle.volume),
        "vw": loose(middle),
    }


def _trade(trade: PublicTrade) -> dict[str, Any]:
    return {
        "i": trade.number,
        "p": loose(trade.price),
        "s": loose(trade.quantity),
        "t": stamp(trade.time_ms),
        "tks": "B" if trade.buyer_took else "S",
    }


def _quote(quote: Quote, now_ms: int) -> dict[str, Any]:
    return {"ap": loose(quote.ask), "as": 1.5, "bp": loose(quote.bid), "bs": 1.5, "t": stamp(now_ms)}


def _packed(symbol: str, at_ms: int) -> str:
    return base64.b64encode(f"{symbol}|{at_ms}".encode()).decode()


def _unpacked(token: str) -> tuple[str, int]:
    try:
        symbol, at_ms = base64.b64decode(token, validate=True).decode().split("|")
        return symbol, int(at_ms)
    except ValueError as error:
        raise Refusal(Reason.VERBATIM, "page_token is not valid", status=400) from error
