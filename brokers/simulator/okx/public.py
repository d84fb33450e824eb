"""Answer OKX's public endpoints: time, instruments, tickers, candles, trades and depth."""

from typing import Any

from brokers.simulator.cache import AnswerCache
from brokers.simulator.numbers import whole
from brokers.simulator.okx.names import envelope, instrument_id, nothing, number
from brokers.simulator.prices import DAY_MS, TRADE_EVERY_MS, Candle, PublicTrade
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing, MarketStatus

Routes = dict[tuple[str, str], Endpoint]

_HOUR_MS = 3_600_000
# Bars of a quarter of a day and more open by the clock of Hong Kong unless they end in "utc"; those are not served.
_BARS_MS = {
    **{f"{count}m": count * 60_000 for count in (1, 3, 5, 15, 30)},
    **{f"{count}H": count * _HOUR_MS for count in (1, 2, 4)},
    "6Hutc": 6 * _HOUR_MS,
    "12Hutc": 12 * _HOUR_MS,
    "1Dutc": DAY_MS,
}
_MOST_CANDLES = 300
_NEWEST_CANDLES = 1440  # older ones come from the history
_MOST_LEVELS = 400
_SIZE = "1"
_NO_PRICE = nothing("last lastSz askPx askSz bidPx bidSz open24h high24h low24h volCcy24h vol24h sodUtc0 sodUtc8")
_NOT_APPLICABLE = nothing(
    "alias auctionEndTime contTdSwTime ctMult ctType ctVal ctValCcy expTime instFamily maxStopSz optType "
    "settleCcy stk uly"
)


class OkxPublic:
    """Endpoints anyone may call."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self._cache = AnswerCache(venue)
        self.symbols = {instrument_id(listing): symbol for symbol, listing in venue.listings.items()}

    def endpoints(self) -> Routes:
        """Every public endpoint; its weight is how many calls of it two seconds allow."""
        rows = [
            ("public/time", Operation.TIME, self.time, 10),
            ("public/instruments", Operation.MARKETS, self.instruments, 20),
            ("market/tickers", Operation.TICKERS, self.tickers, 20),
            ("market/ticker", Operation.TICKERS, self.ticker, 20),
            ("market/candles", Operation.CANDLES, self.candles, 40),
            ("market/history-candles", Operation.CANDLES, self.history_candles, 20),
            ("market/trades", Operation.PUBLIC_TRADES, self.trades, 100),
            ("market/history-trades", Operation.PUBLIC_TRADES, self.history_trades, 20),
            ("market/books", Operation.DEPTH, self.books, 40),
        ]
        return {
            ("GET", f"/api/v5/{name}"): Endpoint(name, operation, handler, weight=weight)
            for name, operation, handler, weight in rows
        }

    def time(self, call: Call) -> Any:
        """Server time."""
        return envelope([{"ts": str(call.now_ms)}])

    def instruments(self, call: Call) -> bytes:
        """Markets with their sizes; there are no others than spot."""
        wanted, kind = call.params.get("instId"), self._kind(call)
        listings = [self.listing(wanted)] if wanted else self._served()
        rows = listings if kind == "SPOT" else []
        return self._cache.fixed(("instruments", wanted, kind), lambda: envelope([_instrument(li) for li in rows]))

    def tickers(self, call: Call) -> bytes:
        """Tickers of every market that has a price."""
        now_ms, prices = call.now_ms, self._venue.prices
        rows = self._served() if self._kind(call) == "SPOT" else []
        return self._cache.priced(
            ("tickers", bool(rows)),
            now_ms,
            lambda: envelope([self._ticker(li, now_ms) for li in rows if prices.last(li.symbol, now_ms) is not None]),
        )

    def ticker(self, call: Call) -> Any:
        """Ticker of one market; without a price its fields are empty."""
        return envelope([self._ticker(self.listing(call.params.get("instId")), call.now_ms)])

    def candles(self, call: Call) -> bytes:
        """Candles of the newest 1,440, newest first, the unfinished one among them."""
        return self._candles(call, finished_only=False)

    def history_candles(self, call: Call) -> bytes:
        """Finished candles of any age, newest first."""
        return self._candles(call, finished_only=True)

    def trades(self, call: Call) -> Any:
        """Newest trades, newest first."""
        listing, limit = self.listing(call.params.get("instId")), min(whole(call.params, "limit", 100), 500)
        found = self._venue.prices.trades(listing.symbol, call.now_ms - DAY_MS, call.now_ms)
        return envelope([_trade(trade, listing) for trade in reversed(found[-limit:])])

    def history_trades(self, call: Call) -> Any:
        """Trades before an id (type 1) or an instant (type 2), newest first."""
        listing, limit = self.listing(call.params.get("instId")), min(whole(call.params, "limit", 100), 100)
        after, before = whole(call.params, "after", 0), whole(call.params, "before", 0)
        by_time = call.params.get("type") == "2"
        last_ms = (after - 1 if by_time else (after - 1) * TRADE_EVERY_MS) if after else call.now_ms
        found = self._venue.prices.trades(listing.symbol, last_ms - DAY_MS, min(last_ms, call.now_ms))
        newer = [trade for trade in found if by_time or trade.number > before]
        return envelope([_trade(trade, listing) for trade in reversed(newer[-limit:])])

    def books(self, call: Call) -> Any:
        """Equal levels a tick apart around the price."""
        listing = self.listing(call.params.get("instId"))
        count = min(whole(call.params, "sz", 1), _MOST_LEVELS)
        quote = self._venue.prices.quote(listing.symbol, call.now_ms)
        steps = [listing.tick * level for level in range(count)] if quote is not None else []
        bids = [[number(quote.bid - s), _SIZE, "0", "1"] for s in steps if quote is not None and quote.bid > s]
        asks = [[number(quote.ask + s), _SIZE, "0", "1"] for s in steps if quote is not None]
        return envelope([{"asks": asks, "bids": bids, "ts": str(call.now_ms)}])

    def listing(self, name: str | None) -> Listing:
        """Find a served market by its id. Raises: Refusal."""
        if not name:
            raise Refusal(Reason.VERBATIM, "Parameter instId can not be empty.", code=50014, status=400)
        symbol = self.symbols.get(name)
        if symbol is None:
            raise Refusal(Reason.UNKNOWN_MARKET)
        return self._venue.engine.listing(symbol)

    def _served(self) -> list[Listing]:
        return [listing for listing in self._venue.listings.values() if listing.status is not MarketStatus.DELISTED]

    @staticmethod
    def _kind(call: Call) -> str:
        kind = call.params.get("instType")
        if not kind:
            raise Refusal(Reason.VERBATIM, "Parameter instType can not be empty.", code=50014, status=400)
        return kind

    def _ticker(self, listing: Listing, now_ms: int) -> dict[str, str]:
        quote = self._venue.prices.quote(listing.symbol, now_ms)
        day = self._venue.prices.candle(listing.symbol, now_ms - DAY_MS, DAY_MS, now_ms)
        row = {"instType": "SPOT", "instId": instrument_id(listing), "ts": str(now_ms)}
        if quote is None or day is None:
            return row | _NO_PRICE
        prices = {"last": quote.last, "askPx": quote.ask, "bidPx": quote.bid, "open24h": day.open, "high24h": day.high}
        prices |= {"low24h": day.low, "sodUtc0": day.open, "sodUtc8": day.open, "vol24h": day.volume}
        prices["volCcy24h"] = round(day.volume * (day.high + day.low) / 2, 8)
        sizes = dict.fromkeys(("lastSz", "askSz", "bidSz"), _SIZE)
        return row | {name: number(value) for name, value in prices.items()} | sizes

    def _candles(self, call: Call, *, finished_only: bool) -> bytes:
        listing = self.listing(call.params.get("instId"))
        span = _BARS_MS.get(call.params.get("bar", "1m"))
        if span is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "bar")
        limit = min(whole(call.params, "limit", 100), _MOST_CANDLES)
        after, before = whole(call.params, "after", 0), whole(call.params, "before", 0)
        newest = call.now_ms // span * span - (span if finished_only else 0)
        last = min(after - 1, newest) if after else newest
        first = max(last // span * span - (limit - 1) * span, before + 1)
        if not finished_only:
            first = max(first, newest - (_NEWEST_CANDLES - 1) * span)
        rows = self._venue.prices
        key = ("candles", listing.symbol, span, first, last)
        made = lambda: envelope(  # noqa: E731 - only made where the cache has none
            [
                _candle(c, span, call.now_ms)
                for c in reversed(rows.candles(listing.symbol, span, first, last, call.now_ms))
            ]
        )
        return self._cache.priced(key, call.now_ms, made)


def _instrument(listing: Listing) -> dict[str, Any]:
    """Sizes are in base units; the most a market order may be is in US dollars."""
    most = "9999999999"
    return {
        **_NOT_APPLICABLE,
        "baseCcy": listing.base,
        "category": "1",
        "futureSettlement": False,
        "instId": instrument_id(listing),
        "instType": "SPOT",
        "lever": "10",
        "listTime": "1606468572000",
        "lotSz": number(listing.lot_step),
        "maxIcebergSz": f"{most}.0000000000000000",
        "maxLmtAmt": "20000000",
        "maxLmtSz": most,
        "maxMktAmt": "1000000",
        "maxMktSz": "1000000",
        "minSz": number(listing.min_quantity),
        "openType": "call_auction",
        "quoteCcy": listing.quote,
        "ruleType": "normal",
        "state": "live" if listing.status is MarketStatus.ONLINE else "suspend",
        "tickSz": number(listing.tick),
        "tradeQuoteCcyList": [listing.quote],
    }


def _candle(candle: Candle, span_ms: int, now_ms: int) -> list[str]:
    in_quote = number(round(candle.volume * (candle.high + candle.low) / 2, 8))
    return [
        str(candle.open_ms),
        *(number(price) for price in (candle.open, candle.high, candle.low, candle.close)),
        number(candle.volume),
        in_quote,
        in_quote,
        "1" if candle.open_ms + span_ms <= now_ms else "0",
    ]


def _trade(trade: PublicTrade, listing: Listing) -> dict[str, str]:
    return {
        "instId": instrument_id(listing),
        "side": "buy" if trade.buyer_took else "sell",
        "sz": number(trade.quantity),
        "source": "0",
        "px": number(trade.price),
        "tradeId": str(trade.number),
        "ts": str(trade.time_ms),
    }
