"""Make the points of a chart: five minutes apart in the day before now, hours up to 90 days, else days."""

import hashlib
from typing import Any

from brokers.simulator.prices import DAY_MS, PricePath

COINS = {
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "SOL": "solana",
    "ADA": "cardano",
    "XRP": "ripple",
    "DOGE": "dogecoin",
    "DOT": "polkadot",
}
_FIVE_MINUTES_MS, _HOUR_MS = 300_000, 3_600_000
_HOURLY_DAYS = 90
_SUPPLY = 19_000_000
# How late a point is at most: an hourly one some minutes, a daily one of the past not at all.
_LATE_MS = {_FIVE_MINUTES_MS: 60_000, _HOUR_MS: 240_000}


def spacing(first_ms: int, last_ms: int, now_ms: int) -> int:
    """Return how far apart the points of a span are."""
    if last_ms - first_ms <= DAY_MS and first_ms >= now_ms - DAY_MS - _HOUR_MS:
        return _FIVE_MINUTES_MS
    return _HOUR_MS if last_ms - first_ms <= _HOURLY_DAYS * DAY_MS + _HOUR_MS else DAY_MS


def chart(prices: PricePath, symbol: str, first_ms: int, last_ms: int, now_ms: int) -> dict[str, Any]:
    """Return the points of a span; there are none where the market has no price."""
    step = spacing(first_ms, last_ms, now_ms)
    times = range(first_ms // step * step, last_ms + 1, step)
    late = ((time + _drawn(symbol, time) % _LATE_MS.get(step, 1)) for time in times)
    found = [(at, prices.last(symbol, at)) for at in late if first_ms <= at <= last_ms]
    known = [(at, float(price)) for at, price in found if price is not None]
    return {
        "prices": [[at, price] for at, price in known],
        "market_caps": [[at, price * _SUPPLY] for at, price in known],
        "total_volumes": [[at, price * (1000 + _drawn(symbol, at - at % DAY_MS) % 500)] for at, price in known],
    }


def _drawn(symbol: str, time: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{symbol}:{time}".encode(), digest_size=4).digest())
