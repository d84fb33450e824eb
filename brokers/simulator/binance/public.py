"""Answer Binance's public endpoints: time, exchangeInfo, tickers, klines, depth and trades."""

import json
from typing import Any

from brokers.simulator.binance.market_info import exchange_info
from brokers.simulator.binance.names import money, pair_id
from brokers.simulator.binance.tickers import LEVEL_QUANTITY, TickerDesk
from brokers.simulator.cache import AnswerCache
from brokers.simulator.numbers import whole
from brokers.simulator.prices import DAY_MS, PublicTrade
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing, MarketStatus

_MINUTE_MS = 60_000
_SPANS_MS = {
    "1s": 1000,
    **{f"{count}m": count * _MINUTE_MS for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": count * 60 * _MINUTE_MS for count in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}
_MOST_ROWS = 1000
_MOST_LEVELS = 5000

Routes = dict[tuple[str, str], Endpoint]


class BinancePublic:
    """Endpoints anyone may call."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self._cache = AnswerCache(venue)
        self._tickers_of = TickerDesk(venue.prices)
        self.symbols = {pair_id(listing): symbol for symbol, listing in venue.listings.items()}

    def endpoints(self) -> Routes:
        """Every public endpoint with its request weight."""
        rows = [
            ("ping", Operation.TIME, self.ping, 1),
            ("time", Operation.TIME, self.time, 1),
            ("exchangeInfo", Operation.MARKETS, self.info, 20),
            ("ticker/24hr", Operation.TICKERS, self.day_tickers, 80),
            ("ticker/price", Operation.TICKERS, self.price_tickers, 4),
            ("ticker/bookTicker", Operation.TICKERS, self.book_tickers, 4),
            ("klines", Operation.CANDLES, self.klines, 2),
            ("depth", Operation.DEPTH, self.depth, 5),
            ("trades", Operation.PUBLIC_TRADES, self.trades, 25),
            ("aggTrades", Operation.PUBLIC_TRADES, self.aggregate_trades, 4),
        ]
        return {
            ("GET", f"/api/v3/{name}"): Endpoint(name, operation, handler, weight=weight)
            for name, operation, handler, weight in rows
        }

    def ping(self, _call: Call) -> Any:
        """Nothing, to show that somebody is there."""
        return {}

    def time(self, call: Call) -> Any:
        """Server time."""
        return {"serverTime": call.now_ms}

    def info(self, call: Call) -> bytes:
        """Markets with their filters."""
        wanted = self._wanted(call)
        key = ("info", tuple(wanted) if wanted is not None else None)
        listings = self.listings() if wanted is None else [self.listing(name) for name in wanted]
        return self._cache.fixed(key, lambda: exchange_info(listings, call.now_ms))

    def day_tickers(self, call: Call) -> bytes:
        """Tickers of the last 24 hours."""
        return self._tickers("24hr", call, self._tickers_of.day)

    def price_tickers(self, call: Call) -> bytes:
        """Last prices."""
        return self._tickers("price", call, self._tickers_of.price)

    def book_tickers(self, call: Call) -> bytes:
        """Best bids and asks."""
        return self._tickers("book", call, self._tickers_of.book)

    def klines(self, call: Call) -> bytes:
        """Candles from `startTime` on, or the newest ones; flat where nothing traded."""
        listing = self.listing(call.params.get("symbol"))
        span = _SPANS_MS.get(call.params.get("interval", ""))
        if span is None:
            raise Refusal(Reason.VERBATIM, "Invalid interval.", code=-1120, status=400)
        limit = min(whole(call.params, "limit", 500), _MOST_ROWS)
        start, end = whole(call.params, "startTime", 0), min(whole(call.params, "endTime", call.now_ms), call.now_ms)
        key = ("klines", listing.symbol, span, limit, start, end if "endTime" in call.params else None)
        return self._cache.priced(key, call.now_ms, lambda: self._klines(listing, span, limit, (start, end)))

    def depth(self, call: Call) -> Any:
        """Equal levels a tick apart around the price."""
        listing = self.listing(call.params.get("symbol"))
        limit = min(whole(call.params, "limit", 100), _MOST_LEVELS)
        quote = self._venue.prices.quote(listing.symbol, call.now_ms)
        levels = [listing.tick * level for level in range(limit)] if quote is not None else []
        return {
            "lastUpdateId": call.now_ms,
            "bids": [[money(quote.bid - s), LEVEL_QUANTITY] for s in levels if quote is not None and quote.bid > s],
            "asks": [[money(quote.ask + s), LEVEL_QUANTITY] for s in levels if quote is not None],
        }

    def trades(self, call: Call) -> Any:
        """Newest trades."""
        return [
            {
                "id": trade.number,
                "price": money(trade.price),
                "qty": money(trade.quantity),
                "quoteQty": money(trade.price * trade.quantity),
                "time": trade.time_ms,
                "isBuyerMaker": not trade.buyer_took,
                "isBestMatch": True,
            }
            for trade in self._trades(call)
        ]

    def aggregate_trades(self, call: Call) -> Any:
        """Trades joined by taker order; here each stands alone."""
        return [
            {
                "a": trade.number,
                "p": money(trade.price),
                "q": money(trade.quantity),
                "f": trade.number,
                "l": trade.number,
                "T": trade.time_ms,
                "m": not trade.buyer_took,
                "M": True,
            }
            for trade in self._trades(call)
        ]

    def listing(self, name: str | None) -> Listing:
        """Find a served market by its id. Raises: Refusal."""
        if not name:
            raise Refusal(Reason.INVALID_ARGUMENT, "symbol")
        symbol = self.symbols.get(name)
        if symbol is None:
            raise Refusal(Reason.UNKNOWN_MARKET)
        return self._venue.engine.listing(symbol)

    def listings(self) -> list[Listing]:
        """Every market that is served."""
        return [listing for listing in self._venue.listings.values() if listing.status is not MarketStatus.DELISTED]

    def _wanted(self, call: Call) -> list[str] | None:
        """Ids asked for by `symbol` or `symbols`; None for all."""
        if "symbol" in call.params:
            return [call.params["symbol"]]
        if "symbols" not in call.params:
            return None
        try:
            names = json.loads(call.params["symbols"])
        except json.JSONDecodeError as error:
            raise Refusal(Reason.INVALID_ARGUMENT, "symbols") from error
        return [str(name) for name in names]

    def _tickers(self, kind: str, call: Call, make: Any) -> bytes:
        """One ticker for `symbol`, else a list, without the markets that have no price."""
        wanted, now_ms = self._wanted(call), call.now_ms
        listings = self.listings() if wanted is None else [self.listing(name) for name in wanted]
        if "symbol" in call.params:
            return self._cache.priced((kind, listings[0].symbol), now_ms, lambda: make(listings[0], now_ms))
        key = (kind, tuple(wanted) if wanted is not None else None)
        prices = self._venue.prices
        return self._cache.priced(
            key,
            now_ms,
            lambda: [make(li, now_ms) for li in listings if prices.last(li.symbol, now_ms) is not None],
        )

    def _klines(self, listing: Listing, span: int, limit: int, bounds: tuple[int, int]) -> list[Any]:
        start, end = bounds
        first = start or end // span * span - (limit - 1) * span
        if start and listing.listed_at is not None:  # it answers with as many from its first one on
            first = max(first, int(listing.listed_at.timestamp() * 1000) // span * span)
        last = min(end, -(-first // span) * span + (limit - 1) * span)
        return [
            [
                candle.open_ms,
                *(money(price) for price in (candle.open, candle.high, candle.low, candle.close)),
                money(candle.volume),
                candle.open_ms + span - 1,
                money(candle.volume * (candle.high + candle.low) / 2),
                max(span // 10_000, 1),
                money(candle.volume / 2),
                money(candle.volume * (candle.high + candle.low) / 4),
                "0",
            ]
            for candle in self._venue.prices.candles(listing.symbol, span, first, last, self._venue.now_ms())
        ]

    def _trades(self, call: Call) -> list[PublicTrade]:
        listing = self.listing(call.params.get("symbol"))
        limit = min(whole(call.params, "limit", 500), _MOST_ROWS)
        end = min(whole(call.params, "endTime", call.now_ms), call.now_ms)
        start = whole(call.params, "startTime", 0)
        found = self._venue.prices.trades(listing.symbol, start or end - DAY_MS, end)
        return found[:limit] if start else found[-limit:]
