"""Write Binance's tickers of one market: last price, best bid and ask, the last 24 hours."""

from decimal import Decimal
from typing import Any

from brokers.simulator.binance.names import money, pair_id
from brokers.simulator.numbers import padded
from brokers.simulator.prices import DAY_MS, TRADE_EVERY_MS, PricePath
from brokers.simulator.world import Listing

LEVEL_QUANTITY = "1.00000000"
_NOTHING = Decimal(0)


class TickerDesk:
    """Reads tickers off the price path; a market without a price shows zeros, as the venue does."""

    def __init__(self, prices: PricePath) -> None:
        """Read from this path."""
        self._prices = prices

    def price(self, listing: Listing, now_ms: int) -> dict[str, Any]:
        """Last price."""
        last = self._prices.last(listing.symbol, now_ms)
        return {"symbol": pair_id(listing), "price": money(last or _NOTHING)}

    def book(self, listing: Listing, now_ms: int) -> dict[str, Any]:
        """Best bid and ask."""
        quote = self._prices.quote(listing.symbol, now_ms)
        quantity = LEVEL_QUANTITY if quote is not None else money(_NOTHING)
        return {
            "symbol": pair_id(listing),
            "bidPrice": money(quote.bid) if quote is not None else money(_NOTHING),
            "bidQty": quantity,
            "askPrice": money(quote.ask) if quote is not None else money(_NOTHING),
            "askQty": quantity,
        }

    def day(self, listing: Listing, now_ms: int) -> dict[str, Any]:
        """Ticker of a day; a market that never traded shows zeros, as the venue does."""
        span = self._prices.candle(listing.symbol, now_ms - DAY_MS, DAY_MS, now_ms)
        last = self._prices.last(listing.symbol, now_ms)
        if span is None or last is None:
            opened = high = low = last = volume = _NOTHING
        else:
            opened, high, low, volume = span.open, span.high, span.low, span.volume
        change = last - opened
        return {
            **self.book(listing, now_ms),
            "priceChange": money(change),
            "priceChangePercent": padded(change / opened * 100 if opened else _NOTHING, 3),
            "weightedAvgPrice": money((high + low) / 2),
            "prevClosePrice": money(opened),
            "lastPrice": money(last),
            "lastQty": "0.10000000",
            "openPrice": money(opened),
            "highPrice": money(high),
            "lowPrice": money(low),
            "volume": money(volume),
            "quoteVolume": money(volume * (high + low) / 2),
            "openTime": now_ms - DAY_MS,
            "closeTime": now_ms,
            "firstId": (now_ms - DAY_MS) // TRADE_EVERY_MS,
            "lastId": now_ms // TRADE_EVERY_MS,
            "count": DAY_MS // TRADE_EVERY_MS,
        }
