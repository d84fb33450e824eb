"""Answer Kraken's public methods: time, assets, pairs, ticker, candles, trades and depth."""

from decimal import Decimal
from email.utils import formatdate
from typing import Any

from brokers.simulator.cache import AnswerCache
from brokers.simulator.kraken.names import altname, asset_id, pair_names, symbols_by_name
from brokers.simulator.manners import MANNERS, VenueName
from brokers.simulator.numbers import at_least, padded, parsed, places_of, whole
from brokers.simulator.prices import DAY_MS, TRADE_EVERY_MS
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing, MarketStatus

_INTERVALS_MINUTES = frozenset({1, 5, 15, 30, 60, 240, 1440, 10080, 21600})
_MOST_CANDLES = 720
_MOST_TRADES = 1000
_MOST_LEVELS = 500
_LOT_DECIMALS = 8
_SECONDS_UNTIL = 10**12  # a larger `since` is in nanoseconds
_MANNERS = MANNERS[VenueName.KRAKEN]
_LEVEL_QUANTITY = Decimal("1.000")


class KrakenPublic:
    """Methods anyone may call."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self._cache = AnswerCache(venue)
        self.symbols = symbols_by_name(venue.listings.values())

    def endpoints(self) -> list[Endpoint]:
        """Every public method."""
        return [
            Endpoint("Time", Operation.TIME, self.time),
            Endpoint("SystemStatus", Operation.TIME, self.system_status),
            Endpoint("Assets", Operation.CURRENCIES, self.assets),
            Endpoint("AssetPairs", Operation.MARKETS, self.asset_pairs),
            Endpoint("Ticker", Operation.TICKERS, self.ticker),
            Endpoint("OHLC", Operation.CANDLES, self.candles),
            Endpoint("Trades", Operation.PUBLIC_TRADES, self.trades),
            Endpoint("Depth", Operation.DEPTH, self.depth),
        ]

    def time(self, call: Call) -> Any:
        """Server time."""
        return {"unixtime": call.now_ms // 1000, "rfc1123": formatdate(call.now_ms / 1000, usegmt=True)}

    def system_status(self, call: Call) -> Any:
        """Whether the venue trades."""
        return {"status": "online", "timestamp": formatdate(call.now_ms / 1000, usegmt=True)}

    def assets(self, _call: Call) -> bytes:
        """Every asset that is traded or held."""
        return self._cache.fixed("assets", lambda: {"error": [], "result": self._assets()})

    def asset_pairs(self, call: Call) -> bytes:
        """Every pair that is served, or the named ones."""
        wanted = call.params.get("pair")
        return self._cache.fixed(
            ("pairs", wanted),
            lambda: {"error": [], "result": {pair_names(li).id: self._pair(li) for li in self._listings(wanted)}},
        )

    def ticker(self, call: Call) -> bytes:
        """Tickers of every priced pair, or of the named ones."""
        wanted, now_ms = call.params.get("pair"), call.now_ms
        return self._cache.priced(
            ("ticker", wanted), now_ms, lambda: {"error": [], "result": self._tickers(wanted, now_ms)}
        )

    def candles(self, call: Call) -> bytes:
        """Newest 720 candles, the last one unfinished; `since` is exclusive."""
        listing = self.pair(call.params.get("pair"))
        minutes = whole(call.params, "interval", 1)
        if minutes not in _INTERVALS_MINUTES:
            raise Refusal(Reason.INVALID_ARGUMENT, "interval")
        since_ms = whole(call.params, "since", 0) * 1000
        return self._cache.priced(
            ("ohlc", listing.symbol, minutes, since_ms),
            call.now_ms,
            lambda: {"error": [], "result": self._candles(listing, minutes * 60_000, since_ms, call.now_ms)},
        )

    def trades(self, call: Call) -> Any:
        """Recent trades, or the first after `since`, however long ago; `last`: the newest one's time in nanoseconds."""
        listing = self.pair(call.params.get("pair"))
        most = min(whole(call.params, "count", _MOST_TRADES), _MOST_TRADES)
        since = parsed(call.params, "since") or Decimal(0)
        since_ms = int(since * 1000) if since < _SECONDS_UNTIL else int(since) // 1_000_000
        first_ms = since_ms + 1 if since_ms else call.now_ms - DAY_MS
        if listing.listed_at is not None:
            first_ms = max(first_ms, int(listing.listed_at.timestamp() * 1000))
        last_ms = min(call.now_ms, first_ms + most * TRADE_EVERY_MS) if since_ms else call.now_ms
        found = self._venue.prices.trades(listing.symbol, first_ms, last_ms)
        found = found[:most] if since_ms else found[-most:]
        price_places = places_of(listing.tick)
        rows = [
            [
                padded(trade.price, price_places),
                padded(trade.quantity, _LOT_DECIMALS),
                trade.time_ms / 1000,
                "b" if trade.buyer_took else "s",
                "m",
                "",
                trade.number,
            ]
            for trade in found
        ]
        last = found[-1].time_ms if found else since_ms
        return {pair_names(listing).id: rows, "last": str(last * 1_000_000)}

    def depth(self, call: Call) -> Any:
        """Equal levels a tick apart around the price."""
        listing = self.pair(call.params.get("pair"))
        count = min(whole(call.params, "count", 100), _MOST_LEVELS)
        quote = self._venue.prices.quote(listing.symbol, call.now_ms)
        places, now = places_of(listing.tick), call.now_ms // 1000
        quantity = padded(_LEVEL_QUANTITY, 3)
        bids: list[Any] = []
        asks: list[Any] = []
        for level in range(count if quote is not None else 0):
            step = listing.tick * level
            if quote is not None and quote.bid > step:
                bids.append([padded(quote.bid - step, places), quantity, now])
            if quote is not None:
                asks.append([padded(quote.ask + step, places), quantity, now])
        return {pair_names(listing).id: {"asks": asks, "bids": bids}}

    def pair(self, name: str | None) -> Listing:
        """Find a served market by any of its three names. Raises: Refusal."""
        symbol = self.symbols.get(name or "")
        if symbol is None:
            raise Refusal(Reason.UNKNOWN_MARKET, name or "")
        return self._venue.engine.listing(symbol)

    def _listings(self, wanted: str | None) -> list[Listing]:
        if wanted:
            return [self.pair(name) for name in wanted.split(",")]
        return [listing for listing in self._venue.listings.values() if listing.status is not MarketStatus.DELISTED]

    def _assets(self) -> dict[str, Any]:
        codes = {code for li in self._venue.listings.values() for code in (li.base, li.quote)}
        codes |= {code for totals in self._venue.book.totals.values() for code in totals}
        return {
            asset_id(code): {
                "aclass": "currency",
                "altname": altname(code),
                "decimals": _MANNERS.decimals(code),
                "display_decimals": 2 if _MANNERS.decimals(code) == 4 else 5,  # noqa: PLR2004  fiat
                "status": "enabled",
            }
            for code in sorted(codes)
        }

    def _pair(self, listing: Listing) -> dict[str, Any]:
        names, fees = pair_names(listing), self._venue.world.fees
        return {
            "altname": names.altname,
            "wsname": names.wsname,
            "aclass_base": "currency",
            "base": asset_id(listing.base),
            "aclass_quote": "currency",
            "quote": asset_id(listing.quote),
            "lot": "unit",
            "cost_decimals": _MANNERS.decimals(listing.quote) + 1,
            "pair_decimals": places_of(listing.tick),
            "lot_decimals": places_of(listing.lot_step),
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, float(fees.taker * 100)]],  # Kraken writes percent, as JSON numbers
            "fees_maker": [[0, float(fees.maker * 100)]],
            "fee_volume_currency": "ZUSD",
            "margin_call": 80,
            "margin_stop": 40,
            "ordermin": at_least(listing.min_quantity, 0),
            "costmin": at_least(listing.min_notional, 0),
            "tick_size": at_least(listing.tick, 0),
            "status": "online" if listing.status is MarketStatus.ONLINE else "cancel_only",
        }

    def _tickers(self, wanted: str | None, now_ms: int) -> dict[str, Any]:
        made = ((pair_names(li).id, self._ticker(li, now_ms)) for li in self._listings(wanted))
        return {name: ticker for name, ticker in made if ticker is not None}

    def _ticker(self, listing: Listing, now_ms: int) -> dict[str, Any] | None:
        quote = self._venue.prices.quote(listing.symbol, now_ms)
        if quote is None:
            return None
        day = self._venue.prices.candle(listing.symbol, now_ms - DAY_MS, DAY_MS, now_ms)
        places = places_of(listing.tick)
        last, volume = padded(quote.last, places), padded(day.volume if day else Decimal(0), _LOT_DECIMALS)
        low, high = padded(day.low if day else quote.last, places), padded(day.high if day else quote.last, places)
        return {
            "a": [padded(quote.ask, places), "1", "1.000"],
            "b": [padded(quote.bid, places), "1", "1.000"],
            "c": [last, "0.10000000"],
            "v": [volume, volume],
            "p": [last, last],
            "t": [8640, 8640],
            "l": [low, low],
            "h": [high, high],
            "o": padded(day.open if day else quote.last, places),
        }

    def _candles(self, listing: Listing, span_ms: int, since_ms: int, now_ms: int) -> dict[str, Any]:
        newest = now_ms // span_ms * span_ms
        first = max(newest - (_MOST_CANDLES - 1) * span_ms, since_ms + 1)
        places = places_of(listing.tick)
        rows = [
            [
                candle.open_ms // 1000,
                *(padded(price, places) for price in (candle.open, candle.high, candle.low, candle.close)),
                padded((candle.high + candle.low) / 2, places),
                padded(candle.volume, _LOT_DECIMALS),
                int(span_ms // 10_000),
            ]
            for candle in self._venue.prices.candles(listing.symbol, span_ms, first, newest, now_ms)
        ]
        return {pair_names(listing).id: rows, "last": (newest - span_ms) // 1000}
