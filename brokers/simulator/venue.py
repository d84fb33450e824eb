"""Hold one simulated venue together: world, markets, prices, book, engine, faults and the record of calls."""

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from brokers.simulator.book import Book
from brokers.simulator.calls import CallLog
from brokers.simulator.dust import DustCounter
from brokers.simulator.engine import Engine
from brokers.simulator.faults import FaultDesk, FaultPlan, FaultRule
from brokers.simulator.past import record_past
from brokers.simulator.prices import PricePath
from brokers.simulator.state import StateFile
from brokers.simulator.world import FillRule, Listing, Market, MarketStatus, World


class Venue:
    """The venue's truth and the ways to change it while it runs. Only the loop that serves it may call it."""

    def __init__(self, world: World, *, state_path: Path | None = None, faults: FaultPlan | None = None) -> None:
        """Start new, or go on from the state file: what was set while running outlives the process."""
        self.world = world
        self._skew_ms = int(world.clock_skew_seconds * 1000)
        self.state = StateFile(state_path)
        facts = self.state.facts()
        changes: dict[str, dict[str, Any]] = facts.get("markets", {})
        self.markets: dict[str, Market] = {market.symbol: market for market in world.markets}
        for symbol, change in changes.items():
            if symbol in self.markets:
                self.markets[symbol] = Market.model_validate(change)
        self.listings: dict[str, Listing] = {s: m.completed(world.venue) for s, m in self.markets.items()}
        self.prices = PricePath(world.seed, self.listings)
        for symbol, history in facts.get("prices", {}).items():
            self.prices.settings[symbol] = [(at, None if raw is None else Decimal(raw)) for at, raw in history]
        self.book = Book(world, self.state)
        record_past(self.book, world, self.now_ms())
        self.engine = Engine(world, self.listings, self.prices, self.book)
        self.dust = DustCounter(world, self.listings, self.prices, self.book)
        if "fills" in facts:
            self.engine.fill_rules = [FillRule.model_validate(rule) for rule in facts["fills"]]
        stored = FaultDesk.from_document(facts["faults"]) if "faults" in facts else FaultDesk(FaultPlan())
        self.faults = stored if faults is None else FaultDesk(faults)
        self.calls = CallLog(facts.get("calls", {}))
        self.nonces: dict[str, int] = facts.get("nonces", {})
        self.keys = {name: account.credentials(name, world.venue) for name, account in world.accounts.items()}
        self.accounts_by_key = {keys.api_key: name for name, keys in self.keys.items()}
        self.on_call: Callable[[FaultRule | None], object] | None = None  # told of each, and its fault, before anything
        self.version = 0  # grows when a kept answer may no longer be true
        self.book.save()

    def now_ms(self) -> int:
        """Tell the venue's time."""
        return time.time_ns() // 1_000_000 + self._skew_ms

    def save(self, *names: str) -> None:
        """Store what changed, with the named facts and the counts of calls."""
        documents: dict[str, Callable[[], Any]] = {
            "nonces": lambda: self.nonces,
            "faults": self.faults.document,
            "fills": lambda: [rule.model_dump(mode="json") for rule in self.engine.fill_rules],
            "markets": lambda: {symbol: market.model_dump(mode="json") for symbol, market in self.markets.items()},
            "prices": lambda: {
                symbol: [(at, None if price is None else str(price)) for at, price in history]
                for symbol, history in self.prices.settings.items()
            },
            "calls": self.calls.counts,
        }
        self.book.save((name, documents[name]()) for name in names)

    def settle(self, account: str | None = None) -> None:
        """Let orders fill that time or price has reached."""
        self.engine.settle(self.now_ms(), account)

    def set_price(self, symbol: str, price: Decimal | None) -> None:
        """Move a market's price now, or take its ticker away, and fill what the new price reaches."""
        if symbol not in self.listings:
            raise KeyError(symbol)
        self.settle()  # what the old price reaches is filled at the old price
        self.prices.set_price(symbol, price, self.now_ms())
        self.version += 1
        self.settle()
        self.save("prices")

    def set_market(self, symbol: str, change: dict[str, Any]) -> None:
        """Change a market's status, sizes, spread or volatility."""
        merged = self.markets[symbol].model_dump(exclude_unset=True) | change | {"symbol": symbol}
        self.markets[symbol] = Market.model_validate(merged)
        self.listings[symbol] = self.markets[symbol].completed(self.world.venue)
        self.version += 1
        self.settle()
        if self.listings[symbol].status is MarketStatus.DELISTED:
            self._cancel_all(symbol)  # a venue ends the orders of a market it closes
        self.save("markets")

    def _cancel_all(self, symbol: str) -> None:
        waiting = [order for orders in self.book.open.values() for order in orders.values() if order.symbol == symbol]
        for order in waiting:
            self.engine.cancel(order, self.now_ms())

    def set_balances(self, account: str, totals: dict[str, Decimal]) -> None:
        """Replace what an account owns of the named assets."""
        if account not in self.world.accounts:
            raise KeyError(account)
        for asset, total in totals.items():
            self.book.set_total(account, asset, total)
        self.version += 1
        self.save()

    def add_fill_rule(self, rule: FillRule) -> None:
        """Change how orders are filled; an earlier rule for the same account and market is replaced."""
        same = (rule.account, rule.symbol)
        kept = [old for old in self.engine.fill_rules if (old.account, old.symbol) != same]
        self.engine.fill_rules = [*kept, rule]
        self.settle()
        self.save("fills")

    def set_faults(self, plan: FaultPlan) -> None:
        """Replace the fault plan."""
        self.faults = FaultDesk(plan)
        self.save("faults")

    def close(self) -> None:
        """Store the last counts and close the file."""
        self.save("calls", "faults", "nonces")
        self.state.close()
