"""The venues of a week, on the week's own hour, and the people who trade there past Nija."""

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Self

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Kind, Request, Side
from brokers.simulator.refusals import Refusal
from brokers.simulator.world import World
from tests.drills.desk import NO_MINIMUMS, QUOTES

OWNERS = {"ann": "kraken", "ben": "kraken", "cleo": "binance", "dan": "coinbase"}
PRICES = {
    "BTC": "60000",
    "ETH": "2500",
    "SOL": "150",
    "LINK": "15",
    "DOT": "6",
    "ADA": "0.5",
    "XLM": "0.11",
    "DOGE": "0.08",
    "AUT": "3",
}
HELD = {"BTC": "0.002", "ETH": "0.03", "ADA": "60"}
VOLATILITY = "0.02"
_STEP = Decimal("0.00000001")
_GROWN = Decimal("1.25")  # what was marked as dust counts again from here on


class TownVenue(RunningVenue):
    """A venue whose hour is moved on from outside, and where people may buy."""

    def set_ahead(self, ahead: timedelta) -> None:
        """Let it be so much later there than on this machine."""
        self._at(lambda venue: setattr(venue, "_skew_ms", int(ahead / timedelta(milliseconds=1))))

    def buy(self, account: str, symbol: str, usd: Decimal) -> bool:
        """Buy at the market, as an app on a phone does; return whether the venue took it."""
        price = self.price(symbol)
        if price is None:
            return False
        return self._trade(account, symbol, Side.BUY, (usd / price).quantize(_STEP, ROUND_DOWN))

    def sell(self, account: str, symbol: str, quantity: Decimal) -> bool:
        """Sell likewise."""
        return self._trade(account, symbol, Side.SELL, quantity)

    def _trade(self, account: str, symbol: str, side: Side, quantity: Decimal) -> bool:
        asked = Request(account=account, symbol=symbol, side=side, kind=Kind.MARKET, quantity=quantity)

        def place(venue: Any) -> bool:
            try:
                venue.engine.place(asked, venue.now_ms())
            except Refusal:
                return False
            venue.version += 1  # what was answered before is not true any more
            venue.save()
            return True

        return self._at(place)


class Town:
    """All of them; `arrived` counts what came to an account, by account and symbol."""

    def __init__(self, ahead: timedelta) -> None:
        self.venues: dict[str, TownVenue] = {}
        self.arrived: Counter[tuple[str, str]] = Counter()
        self._ahead = ahead
        self._stack = ExitStack()
        self._troubles: dict[str, dict[int, list[dict[str, Any]]]] = {}

    def __enter__(self) -> Self:
        for name in dict.fromkeys(OWNERS.values()):
            self.venues[name] = self._stack.enter_context(TownVenue(self._world(name)))
            self._troubles[name] = {}
        for owner in OWNERS:
            for asset in HELD:
                self.arrived[owner, self.symbol(owner, asset)] += 1
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def venue(self, owner: str) -> TownVenue:
        """Return where an account is."""
        return self.venues[OWNERS[owner]]

    def symbol(self, owner: str, asset: str) -> str:
        """Return how an asset is traded there."""
        return f"{asset}/{QUOTES[OWNERS[owner]]}"

    def slots(self, owner: str) -> set[str]:
        """Return the assets that take a slot, whatever is known of their past: no dust, and none that just grew."""
        venue, cash = self.venue(owner), QUOTES[OWNERS[owner]]
        worth = {a: (n, venue.price(self.symbol(owner, a))) for a, n in venue.balances(owner).items() if a in PRICES}
        return {a for a, (n, price) in worth.items() if a != cash and n and (price is None or n * price >= _GROWN)}

    def set_ahead(self, ahead: timedelta) -> None:
        """Let it be so much later everywhere."""
        for venue in self.venues.values():
            venue.set_ahead(ahead)

    def brings(self, owner: str, asset: str, usd: Decimal) -> bool:
        """Let somebody deposit so much of an asset, or of cash."""
        venue = self.venue(owner)
        price = Decimal(1) if asset == "cash" else venue.price(self.symbol(owner, asset))
        if price is None:
            return False
        name = QUOTES[OWNERS[owner]] if asset == "cash" else asset
        more = (usd / price).quantize(_STEP, ROUND_DOWN)
        venue.set_balances(owner, **{name: venue.balances(owner).get(name, Decimal(0)) + more})
        if asset != "cash":
            self.arrived[owner, self.symbol(owner, asset)] += 1
        return True

    def buys(self, owner: str, asset: str, usd: Decimal) -> bool:
        """Let somebody buy past Nija."""
        symbol = self.symbol(owner, asset)
        if not self.venue(owner).buy(owner, symbol, usd):
            return False
        self.arrived[owner, symbol] += 1
        return True

    def moves(self, asset: str, factor: str) -> None:
        """Let a price move at once, everywhere."""
        for name, venue in self.venues.items():
            symbol = f"{asset}/{QUOTES[name]}"
            price = venue.price(symbol)
            if price is not None:
                venue.set_price(symbol, (price * Decimal(factor)).quantize(_STEP))

    def delists(self, asset: str) -> None:
        """Let an asset's market be closed for good, everywhere."""
        for name, venue in self.venues.items():
            venue.set_market(f"{asset}/{QUOTES[name]}", "delisted")

    def trouble(self, venue: str, number: int, rules: list[dict[str, Any]]) -> None:
        """Put faults to a venue's calls, beside those that are there."""
        self._troubles[venue][number] = rules
        self._set_faults(venue)

    def trouble_over(self, venue: str, number: int, **_: object) -> None:
        """Lift these faults again."""
        self._troubles[venue].pop(number, None)
        self._set_faults(venue)

    def _set_faults(self, venue: str) -> None:
        self.venues[venue].set_faults(*(rule for rules in self._troubles[venue].values() for rule in rules))

    def _world(self, name: str) -> World:
        quote = QUOTES[name]
        listed = [
            {"symbol": f"{asset}/{quote}", "price": price, "volatility_per_day": VOLATILITY, **NO_MINIMUMS}
            for asset, price in PRICES.items()
        ]
        owners = [owner for owner, venue in OWNERS.items() if venue == name]
        accounts = {owner: {"balances": {quote: "2000", **HELD}} for owner in owners}
        skew = {"clock_skew_seconds": str(self._ahead.total_seconds())}
        return World.model_validate({"venue": name, "markets": listed, "accounts": accounts, **skew})
