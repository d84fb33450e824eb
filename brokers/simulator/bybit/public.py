"""Answer Bybit's public endpoints: time, instruments, tickers, candles, trades and depth."""

from decimal import Decimal
from typing import Any

from brokers.simulator.bybit.names import enveloped, pair_id, shown
from brokers.simulator.cache import AnswerCache
from brokers.simulator.numbers import whole
from brokers.simulator.prices import DAY_MS
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing, MarketStatus

_MINUTE_MS = 60_000
_SPANS_MS = {
    **{str(minutes): minutes * _MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": DAY_MS,
    "W": 7 * DAY_MS,
}
_CANDLES, _MOST_CANDLES = 200, 1000
_MOST_TRADES = 60
_MOST_LEVELS = 200
_MOST_QUANTITY, _MOST_AT_MARKET, _MOST_AMOUNT = "9000000", "4500000", "8000000"
_LEVEL_QUANTITY = "1"

Routes = dict[tuple[str, str], Endpoint]


class BybitPublic:
    """Endpoints anyone may call."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self._cache = AnswerCache(venue)
        self.symbols = {pair_id(listing): symbol for symbol, listing in venue.listings.items()}

    def endpoints(self) -> Routes:
        """Every public endpoint."""
        rows = [
            ("time", Operation.TIME, self.time),
            ("instruments-info", Operation.MARKETS, self.instruments),
            ("tickers", Operation.TICKERS, self.tickers),
            ("kline", Operation.CANDLES, self.candles),
            ("recent-trade", Operation.PUBLIC_TRADES, self.trades),
            ("orderbook", Operation.DEPTH, self.depth),
        ]
        return {("GET", f"/v5/market/{name}"): Endpoint(name, operation, handler) for name, operation, handler in rows}

    def time(self, call: Call) -> Any:
        """Server time."""
        return {"timeSecond": str(call.now_ms // 1000), "timeNano": str(call.now_ms * 1_000_000)}

    def instruments(self, call: Call) -> bytes:
        """Spot markets with their sizes; they come on one page."""
        listings = self._named(call)
        key = ("instruments", call.params.get("symbol"))
        return self._cache.fixed(
            key,
            lambda: enveloped(
                {"category": "spot", "list": [_instrument(listing) for listing in listings]}, call.now_ms
            ),
        )

    def tickers(self, call: Call) -> bytes:
        """Tickers of all markets that have a price, or of one."""
        listings = self._named(call)
        return self._cache.priced(
            ("tickers", call.params.get("symbol")),
            call.now_ms,
            lambda: enveloped({"category": "spot", "list": self._tickers(listings, call.now_ms)}, call.now_ms),
        )

    def candles(self, call: Call) -> Any:
        """Candles from `start` on, up to `end`, or the newest; newest first, and flat where nothing traded."""
        listing = self._served(call)
        span = _SPANS_MS.get(call.params.get("interval", ""))
        if span is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "interval")
        limit = min(whole(call.params, "limit", _CANDLES), _MOST_CANDLES)
        start, end = whole(call.params, "start", 0), whole(call.params, "end", 0)
        newest = min(end or call.now_ms, call.now_ms) // span * span
        if start and not end:
            newest = min(newest, start // span * span + (limit - 1) * span)
        oldest = max(start // span * span, newest - (limit - 1) * span)
        found = self._venue.prices.candles(listing.symbol, span, oldest, newest, call.now_ms)
        rows = [
            [
                str(candle.open_ms),
                *(shown(price) for price in (candle.open, candle.high, candle.low, candle.close)),
                shown(candle.volume),
                shown(candle.volume * (candle.high + candle.low) / 2),
            ]
            for candle in reversed(found)
        ]
        return {"category": "spot", "symbol": pair_id(listing), "list": rows}

    def trades(self, call: Call) -> Any:
        """Newest trades, newest first."""
        listing = self._served(call)
        limit = min(whole(call.params, "limit", _MOST_TRADES), _MOST_TRADES)
        found = self._venue.prices.trades(listing.symbol, call.now_ms - DAY_MS, call.now_ms)[-limit:]
        rows = [
            {
                "execId": str(2_100_000_000_000_000_000 + trade.number),
                "symbol": pair_id(listing),
                "price": shown(trade.price),
                "size": shown(trade.quantity),
                "side": "Buy" if trade.buyer_took else "Sell",
                "time": str(trade.time_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(trade.number),
            }
            for trade in reversed(found)
        ]
        return {"category": "spot", "list": rows}

    def depth(self, call: Call) -> Any:
        """Equal levels a tick apart around the price."""
        listing = self._served(call)
        limit = min(whole(call.params, "limit", 1), _MOST_LEVELS)
        quote = self._venue.prices.quote(listing.symbol, call.now_ms)
        steps = [listing.tick * level for level in range(limit)] if quote is not None else []
        return {
            "s": pair_id(listing),
            "b": [[shown(quote.bid - step), _LEVEL_QUANTITY] for step in steps if quote and quote.bid > step],
            "a": [[shown(quote.ask + step), _LEVEL_QUANTITY] for step in steps if quote],
            "ts": call.now_ms,
            "u": call.now_ms // 1000,
            "seq": call.now_ms,
            "cts": call.now_ms,
        }

    def listing(self, name: str | None) -> Listing:
        """Find a served market by its id. Raises: Refusal."""
        symbol = self.symbols.get(name or "")
        if symbol is None:
            raise Refusal(Reason.UNKNOWN_MARKET)
        return self._venue.engine.listing(symbol)

    def _served(self, call: Call) -> Listing:
        """Find the market asked for; market data has words of its own for an unknown one."""
        if call.params.get("category") != "spot":
            raise Refusal(Reason.INVALID_ARGUMENT, "category")
        try:
            return self.listing(call.params.get("symbol"))
        except Refusal:
            raise Refusal(Reason.VERBATIM, "Not supported symbols", code=10001, status=200) from None

    def _named(self, call: Call) -> list[Listing]:
        """Markets asked for: one, or all that are served."""
        if call.params.get("symbol"):
            return [self._served(call)]
        if call.params.get("category") != "spot":
            raise Refusal(Reason.INVALID_ARGUMENT, "category")
        return [listing for listing in self._venue.listings.values() if listing.status is not MarketStatus.DELISTED]

    def _tickers(self, listings: list[Listing], now_ms: int) -> list[dict[str, str]]:
        made = (self._ticker(listing, now_ms) for listing in listings)
        return [ticker for ticker in made if ticker is not None]

    def _ticker(self, listing: Listing, now_ms: int) -> dict[str, str] | None:
        quote = self._venue.prices.quote(listing.symbol, now_ms)
        if quote is None:
            return None
        day = self._venue.prices.candle(listing.symbol, now_ms - DAY_MS, DAY_MS, now_ms)
        opened = day.open if day else quote.last
        volume = day.volume if day else Decimal(0)
        return {
            "symbol": pair_id(listing),
            "bid1Price": shown(quote.bid),
            "bid1Size": _LEVEL_QUANTITY,
            "ask1Price": shown(quote.ask),
            "ask1Size": _LEVEL_QUANTITY,
            "lastPrice": shown(quote.last),
            "prevPrice24h": shown(opened),
            "price24hPcnt": shown(round((quote.last - opened) / opened, 4)),
            "highPrice24h": shown(day.high if day else quote.last),
            "lowPrice24h": shown(day.low if day else quote.last),
            "turnover24h": shown(volume * quote.last),
            "volume24h": shown(volume),
        }


def _instrument(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": pair_id(listing),
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "innovation": "0",
        "status": "Trading" if listing.status is MarketStatus.ONLINE else "Closed",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": shown(listing.lot_step),
            "quotePrecision": "0.00000001",
            "minOrderQty": shown(listing.min_quantity),
            "maxOrderQty": _MOST_QUANTITY,
            "minOrderAmt": shown(listing.min_notional),
            "maxOrderAmt": _MOST_AMOUNT,
            "maxLimitOrderQty": _MOST_QUANTITY,
            "maxMarketOrderQty": _MOST_AT_MARKET,
            "postOnlyMaxLimitOrderSize": _MOST_QUANTITY,
        },
        "priceFilter": {"tickSize": shown(listing.tick)},
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
    }
