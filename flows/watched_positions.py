"""The positions of one account under watch, with their newest prices: each new price is judged once."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.hub import Tickers
from models.exit_watch import Watched
from models.exits import ExitSignal
from models.market import Price
from rules.exit_watch import judge_watched, reloaded
from rules.valuation import price_problem

BY_AGE_AGAIN_AFTER = timedelta(seconds=1)  # a price that stands still can only set a time limit off


class WatchedPositions:
    """Positions by symbol, as the store had them last and as prices went since then."""

    def __init__(self, max_price_age: timedelta) -> None:
        self.held: dict[str, Watched] = {}
        self.prices: dict[str, Price] = {}
        self._max_price_age = max_price_age
        self._judged: dict[str, tuple[Watched, Decimal]] = {}  # that are held on to, and at which price
        self._by_age_at: datetime | None = None

    def judge(self, tickers: Tickers, now: datetime) -> dict[str, ExitSignal | None]:
        """Judge on new prices; return what sets each exit off, None where a position is held on to.

        Left out is what was judged as it is, and whose price is missing, old or no number: that says nothing, neither
        way.
        """
        is_by_age = self._by_age_at is None or abs(now - self._by_age_at) >= BY_AGE_AGAIN_AFTER
        self._by_age_at = now if is_by_age else self._by_age_at
        found: dict[str, ExitSignal | None] = {}
        for symbol, watched in list(self.held.items()):
            price = tickers.prices.get(symbol)
            if price is None or (not is_by_age and self._judged.get(symbol) == (watched, price.value)):
                continue
            if price_problem(price, now=now, max_price_age=self._max_price_age) is not None:
                continue
            self.prices[symbol] = price
            self.held[symbol], found[symbol] = judge_watched(watched, price.value, now)
            if found[symbol] is None:
                self._judged[symbol] = self.held[symbol], price.value
            else:
                self._judged.pop(symbol, None)
        return found

    def reload(self, stored: Mapping[str, Watched], but: Collection[str]) -> None:
        """Take what the store tracks by now, with the peaks seen meanwhile; `but` is left out: it was just sold."""
        self.held = {s: reloaded(self.held.get(s), watched) for s, watched in stored.items() if s not in but}

    def leave(self, symbol: str) -> None:
        """Watch a position no more."""
        self.held.pop(symbol, None)
        self._judged.pop(symbol, None)
