"""Answer Coinbase's public endpoints: time, products with their prices, candles, trades and depth."""

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from brokers.simulator.cache import AnswerCache
from brokers.simulator.coinbase.documents import product_document
from brokers.simulator.coinbase.names import iso, place_of, product_id, shortest
from brokers.simulator.manners import FIAT
from brokers.simulator.numbers import at_least, whole
from brokers.simulator.prices import DAY_MS, PublicTrade
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation
from brokers.simulator.world import Listing, MarketStatus

_SPANS_MS = {
    "ONE_MINUTE": 60_000,
    "FIVE_MINUTE": 300_000,
    "FIFTEEN_MINUTE": 900_000,
    "THIRTY_MINUTE": 1_800_000,
    "ONE_HOUR": 3_600_000,
    "TWO_HOUR": 7_200_000,
    "FOUR_HOUR": 14_400_000,
    "SIX_HOUR": 21_600_000,
    "ONE_DAY": DAY_MS,
}
# https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-public-product-candles
_MOST_CANDLES = 350
_MOST_TRADES = 1000
_MOST_LEVELS = 500
_LEVEL_SIZE = "1"

_MARKET = "/api/v3/brokerage/market"
_PRODUCT_PART = 6  # of a path like /api/v3/brokerage/market/products/BTC-USD/candles
Routes = dict[tuple[str, str], Endpoint]


class CoinbasePublic:
    """Endpoints anyone may call."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue
        self._cache = AnswerCache(venue)
        self.symbols = {product_id(listing): symbol for symbol, listing in venue.listings.items()}

    def endpoints(self) -> Routes:
        """Every public endpoint."""
        rows = [
            ("/api/v3/brokerage/time", Operation.TIME, self.time, None),
            (f"{_MARKET}/products", Operation.MARKETS, self.products, _products_for),
            (f"{_MARKET}/products/*", Operation.MARKETS, self.product, None),
            (f"{_MARKET}/products/*/candles", Operation.CANDLES, self.candles, None),
            (f"{_MARKET}/products/*/ticker", Operation.PUBLIC_TRADES, self.ticker, _ticker_for),
            (f"{_MARKET}/product_book", Operation.DEPTH, self.book, None),
            ("/v2/time", Operation.TIME, self.old_time, None),
            ("/v2/currencies", Operation.CURRENCIES, self.fiat, None),
            ("/v2/currencies/crypto", Operation.CURRENCIES, self.crypto, None),
            ("/v2/exchange-rates", Operation.CURRENCIES, self.rates, None),
        ]
        return {
            ("GET", path): Endpoint(path.rpartition("/brokerage/")[2], operation, handler, operation_of=operation_of)
            for path, operation, handler, operation_of in rows
        }

    def time(self, call: Call) -> Any:
        """Server time."""
        seconds = str(call.now_ms // 1000)
        return {"iso": iso(call.now_ms)[:19] + "Z", "epochSeconds": seconds, "epochMillis": str(call.now_ms)}

    def old_time(self, call: Call) -> Any:
        """Server time in the older format."""
        return {"data": {"iso": iso(call.now_ms)[:19] + "Z", "epoch": call.now_ms // 1000}}

    def products(self, call: Call) -> bytes:
        """Markets with their prices."""
        asked = parse_qs(call.query)
        wanted, kind = tuple(asked.get("product_ids", ())), call.params.get("product_type", "SPOT")
        return self._cache.priced(
            ("products", wanted, kind), call.now_ms, lambda: self._products(wanted, kind, call.now_ms)
        )

    def product(self, call: Call) -> Any:
        """One market."""
        return self._product(self.listing(_named(call)), call.now_ms)

    def candles(self, call: Call) -> bytes:
        """Candles between two instants, both in seconds, newest first."""
        listing, span = self.listing(_named(call)), _SPANS_MS.get(call.params.get("granularity", ""))
        if span is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "granularity")
        start, end = whole(call.params, "start", 0) * 1000, whole(call.params, "end", 0) * 1000
        if end <= start or (end - start) // span > _MOST_CANDLES:
            raise Refusal(Reason.INVALID_ARGUMENT, f"number of candles requested should be less than {_MOST_CANDLES}")
        key = ("candles", listing.symbol, span, start, end)
        return self._cache.priced(key, call.now_ms, lambda: self._candles(listing, span, (start, end), call.now_ms))

    def ticker(self, call: Call) -> Any:
        """Newest trades, with the best bid and ask."""
        listing = self.listing(_named(call))
        quote = self._venue.prices.quote(listing.symbol, call.now_ms)
        start, end = whole(call.params, "start", 0) * 1000, whole(call.params, "end", 0) * 1000
        last = min(end or call.now_ms, call.now_ms)
        found = self._venue.prices.trades(listing.symbol, max(start, last - DAY_MS), last)
        most = min(whole(call.params, "limit", 100), _MOST_TRADES)
        return {
            "trades": [_trade(listing, trade) for trade in reversed(found[-most:])],
            "best_bid": "" if quote is None else at_least(quote.bid, 0),
            "best_ask": "" if quote is None else at_least(quote.ask, 0),
        }

    def book(self, call: Call) -> Any:
        """Equal levels a tick apart around the price."""
        listing = self.listing(call.params.get("product_id"))
        count = min(whole(call.params, "limit", 50), _MOST_LEVELS)
        quote = self._venue.prices.quote(listing.symbol, call.now_ms)
        steps = [listing.tick * level for level in range(count)] if quote is not None else []
        bids = [quote.bid - step for step in steps if quote is not None and quote.bid > step]
        asks = [quote.ask + step for step in steps if quote is not None]
        return {
            "pricebook": {
                "product_id": product_id(listing),
                "bids": [{"price": shortest(price), "size": _LEVEL_SIZE} for price in bids],
                "asks": [{"price": shortest(price), "size": _LEVEL_SIZE} for price in asks],
                "time": iso(call.now_ms),
            }
        }

    def fiat(self, _call: Call) -> Any:
        """Currencies that are no crypto."""
        return {"data": [{"id": code, "name": code, "min_size": "0.01"} for code in self._codes() if code in FIAT]}

    def crypto(self, _call: Call) -> Any:
        """Every other currency that is traded or held."""
        return {
            "data": [
                {"asset_id": code.lower(), "code": code, "name": code, "exponent": 8, "type": "crypto"}
                for code in self._codes()
                if code not in FIAT
            ]
        }

    def rates(self, _call: Call) -> Any:
        """Rates: a client reads but their names."""
        return {"data": {"currency": "USD", "rates": dict.fromkeys(self._codes(), "1")}}

    def listing(self, name: str | None) -> Listing:
        """Find a served market by its id. Raises: Refusal."""
        symbol = self.symbols.get(name or "")
        if symbol is None:
            raise Refusal(Reason.UNKNOWN_MARKET, name or "")
        return self._venue.engine.listing(symbol)

    def _codes(self) -> list[str]:
        codes = {code for li in self._venue.listings.values() for code in (li.base, li.quote)}
        codes |= {place_of(asset)[0] for totals in self._venue.book.totals.values() for asset in totals}
        return sorted(codes)

    def _products(self, wanted: tuple[str, ...], kind: str, now_ms: int) -> dict[str, Any]:
        served = [li for li in self._venue.listings.values() if li.status is not MarketStatus.DELISTED]
        found = [li for li in served if kind == "SPOT" and (not wanted or product_id(li) in wanted)]
        return {"products": [self._product(listing, now_ms) for listing in found], "num_products": len(found)}

    def _product(self, listing: Listing, now_ms: int) -> dict[str, Any]:
        prices = self._venue.prices
        day = prices.candle(listing.symbol, now_ms - DAY_MS, DAY_MS, now_ms)
        return product_document(listing, prices.quote(listing.symbol, now_ms), day)

    def _candles(self, listing: Listing, span: int, bounds: tuple[int, int], now_ms: int) -> dict[str, Any]:
        found = self._venue.prices.candles(listing.symbol, span, bounds[0], min(bounds[1], now_ms), now_ms)
        return {
            "candles": [
                {
                    "start": str(candle.open_ms // 1000),
                    "low": shortest(candle.low),
                    "high": shortest(candle.high),
                    "open": shortest(candle.open),
                    "close": shortest(candle.close),
                    "volume": shortest(candle.volume),
                }
                for candle in reversed(found)
            ]
        }


def _products_for(call: Call) -> Operation:
    """Tell what a list of products is read for: its prices where spot or certain ones are named, else its markets."""
    named = call.params.get("product_type") == "SPOT" or "product_ids" in call.params
    return Operation.TICKERS if named else Operation.MARKETS


def _ticker_for(call: Call) -> Operation:
    return Operation.TICKERS if call.params.get("limit") == "1" else Operation.PUBLIC_TRADES


def _named(call: Call) -> str:
    return call.path.split("/")[_PRODUCT_PART]


def _trade(listing: Listing, trade: PublicTrade) -> dict[str, Any]:
    return {
        "trade_id": str(trade.number),
        "product_id": product_id(listing),
        "price": shortest(trade.price),
        "size": shortest(max(trade.quantity, Decimal(0))),
        "time": iso(trade.time_ms),
        "side": "SELL" if trade.buyer_took else "BUY",  # of the maker
        "bid": "",
        "ask": "",
        "exchange": "CBE",
    }
