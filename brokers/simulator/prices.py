"""Give the price of a market at any instant: a seeded walk, the same for the same seed, symbol and time."""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from brokers.simulator.world import Listing

DAY_MS = 86_400_000
TRADE_EVERY_MS = 10_000
# The walk adds smooth noise of doubling periods, 2 s to 48 days. 0.41 makes the change over a day match the
# stated volatility: below a period noise grows with time, above it it is independent, and the sum tends to 6 c².
_PERIODS_MS = tuple(2_000 * 2**power for power in range(22))
_AMPLITUDE = 0.41
_CANDLE_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Quote:
    """Bid, ask and last of one market at one instant."""

    bid: Decimal
    ask: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class Candle:
    """One span of the path; `volume` in base units."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One trade between strangers; `number` grows by one with time."""

    number: int
    time_ms: int
    price: Decimal
    quantity: Decimal
    buyer_took: bool


class PricePath:
    """Prices of all markets. A price set by hand starts the walk anew from there; the past stays as it was."""

    def __init__(self, seed: int, listings: Mapping[str, Listing]) -> None:
        """Share the mapping with the venue: a change of a market shows at once."""
        self._seed = seed
        self._listings = listings
        self.settings: dict[str, list[tuple[int, Decimal | None]]] = {}

    def set_price(self, symbol: str, price: Decimal | None, now_ms: int) -> None:
        """Let the market be at this price from now on; None takes its ticker away."""
        self.settings.setdefault(symbol, []).append((now_ms, price))

    def last(self, symbol: str, at_ms: int) -> Decimal | None:
        """Price at an instant, on the market's tick; None while the market is unpriced."""
        listing = self._listings[symbol]
        if listing.listed_at is not None and at_ms < listing.listed_at.timestamp() * 1000:
            return None
        start, since_ms = listing.price, None
        history = self.settings.get(symbol)
        if history:
            index = bisect_right(history, at_ms, key=lambda entry: entry[0])
            if index:
                since_ms, start = history[index - 1]
        if start is None or not listing.volatility_per_day:
            return start
        noise = self._noise(symbol, at_ms) - (self._noise(symbol, since_ms) if since_ms is not None else 0.0)
        # Noise is no money: the float ends here, in a factor, and the price lands on the tick.
        moved = start * Decimal(repr(math.exp(float(listing.volatility_per_day) * noise)))
        return max(_on_tick(moved, listing.tick, ROUND_HALF_EVEN), listing.tick)

    def quote(self, symbol: str, at_ms: int) -> Quote | None:
        """Bid and ask around the last price, half the spread each way; None while unpriced."""
        last = self.last(symbol, at_ms)
        if last is None:
            return None
        listing = self._listings[symbol]
        if not listing.spread_bps:
            return Quote(last, last, last)
        half = last * listing.spread_bps / 20_000
        bid = max(_on_tick(last - half, listing.tick, ROUND_FLOOR), listing.tick)
        return Quote(bid, _on_tick(last + half, listing.tick, ROUND_CEILING), last)

    def candle(self, symbol: str, open_ms: int, span_ms: int, now_ms: int) -> Candle | None:
        """Candle of one span, up to now where it is unfinished; None where the market had no price."""
        end_ms = min(open_ms + span_ms, now_ms)
        step = max((end_ms - open_ms) // _CANDLE_SAMPLES, 1)
        sampled = [self.last(symbol, open_ms + step * number) for number in range(_CANDLE_SAMPLES)]
        prices = [price for price in (*sampled, self.last(symbol, end_ms)) if price is not None]
        if not prices:
            return None
        volume = Decimal(span_ms) / 60_000 * (1 + Decimal(self._draw(symbol, "volume", open_ms) % 900) / 100)
        return Candle(open_ms, prices[0], max(prices), min(prices), prices[-1], volume)

    def candles(self, symbol: str, span_ms: int, first_ms: int, last_ms: int, now_ms: int) -> list[Candle]:
        """Candles whose open time lies in the two instants, oldest first."""
        listed_at = self._listings[symbol].listed_at
        if listed_at is not None:
            first_ms = max(first_ms, int(listed_at.timestamp() * 1000) // span_ms * span_ms)
        first = -(-first_ms // span_ms) * span_ms
        made = (self.candle(symbol, open_ms, span_ms, now_ms) for open_ms in range(first, last_ms + 1, span_ms))
        return [candle for candle in made if candle is not None]

    def trades(self, symbol: str, first_ms: int, last_ms: int) -> list[PublicTrade]:
        """One trade every ten seconds of the path, oldest first."""
        found = []
        for number in range(-(-first_ms // TRADE_EVERY_MS), last_ms // TRADE_EVERY_MS + 1):
            price = self.last(symbol, number * TRADE_EVERY_MS)
            if price is not None:
                drawn = self._draw(symbol, "trade", number)
                quantity = max(self._listings[symbol].lot_step, Decimal(1 + drawn % 500) / 100)
                found.append(PublicTrade(number, number * TRADE_EVERY_MS, price, quantity, bool(drawn & 1024)))
        return found

    def _noise(self, symbol: str, at_ms: int) -> float:
        """Sum of the noises at an instant, in units of one day's standard deviation."""
        at_ms -= at_ms % 1000  # one price a second: answers within a second can be shared
        total = 0.0
        for period in _PERIODS_MS:
            index, within = divmod(at_ms, period)
            share = within / period
            here, there = _gaussian(self._seed, symbol, period, index), _gaussian(self._seed, symbol, period, index + 1)
            total += math.sqrt(period / DAY_MS) * (here + (there - here) * share)
        return _AMPLITUDE * total

    def _draw(self, symbol: str, purpose: str, index: int) -> int:
        name = f"{self._seed}:{symbol}:{purpose}:{index}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=4).digest())


@lru_cache(maxsize=200_000)
def _gaussian(seed: int, symbol: str, period_ms: int, index: int) -> float:
    """One standard normal number that depends on nothing but its arguments (Box-Muller over a hash)."""
    raw = hashlib.blake2b(f"{seed}:{symbol}:{period_ms}:{index}".encode(), digest_size=16).digest()
    uniform = (int.from_bytes(raw[:8]) + 1) / (2**64 + 1)
    angle = int.from_bytes(raw[8:]) / 2**64 * 2 * math.pi
    return math.sqrt(-2 * math.log(uniform)) * math.cos(angle)


def _on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick
