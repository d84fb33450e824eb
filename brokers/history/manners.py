"""How venues answer when they are asked for candles, where it decides what an answer proves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.history import Span

UNKNOWN_PAGE_ROWS = 100  # of a venue that we know nothing of


@dataclass(frozen=True, slots=True)
class Manners:
    """One venue. `until`: what ccxt needs beside `since` and `limit` so that nothing after the span comes.

    `runs_on`: the venue is documented to answer on to `limit` rows, or to its newest, whatever the span; so its answer
    ends early only at the present. `is_flat`: it has a candle, flat, where nobody traded: an empty answer is none.
    """

    until: Callable[[Span, int], Mapping[str, Any]] = lambda _span, _step: {}
    runs_on: bool = False
    is_flat: bool = False
    newest_first: bool = False
    tells_listing: bool = False  # in the metadata of the market
    probes_listing: bool = False  # asked from 1970 on, it answers with its first candle
    close_at: int | None = None  # where in a row its last millisecond stands


def _last_open(span: Span, step: int) -> Mapping[str, Any]:
    return {"until": (span.end - step) * 1000}


def _last_millisecond(span: Span, _step: int) -> Mapping[str, Any]:
    return {"until": span.end * 1000 - 1}


MANNERS: dict[str, Manners] = {
    # https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
    "binance": Manners(runs_on=True, is_flat=True, probes_listing=True, close_at=6),
    # https://docs.kraken.com/api/docs/rest-api/get-ohlc-data: the newest 720, the last of them unfinished.
    "kraken": Manners(runs_on=True, is_flat=True),
    # https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/products/get-product-candles
    "coinbase": Manners(until=_last_open, newest_first=True),
    # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-candlesticks-history
    "okx": Manners(newest_first=True, tells_listing=True),
    # https://bybit-exchange.github.io/docs/v5/market/kline
    "bybit": Manners(until=_last_millisecond, newest_first=True),
    # https://docs.alpaca.markets/reference/cryptobars-1
    "alpaca": Manners(until=_last_open),
}


def manners_of(venue: str) -> Manners:
    """Return what is known of a venue; of an unknown one nothing is taken for granted."""
    return MANNERS.get(venue, Manners())
