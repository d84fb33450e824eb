"""Run a simulated venue in this process, on a thread of its own, and read its truth from here."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from copy import copy
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from brokers.simulator.calls import CallRecord
from brokers.simulator.credentials import Keys
from brokers.simulator.faults import Applied, FaultPlan, FaultRule, as_plan
from brokers.simulator.orders import Conversion, Fill, Order
from brokers.simulator.server import Server
from brokers.simulator.venue import Venue
from brokers.simulator.world import FillMode, FillRule, MarketStatus, World

_START_SECONDS = 10.0
_T = TypeVar("_T")
Amount = Decimal | str | int


class RunningVenue:
    """A venue that serves between `with` and its end. Every method is safe to call from the test's thread."""

    def __init__(
        self,
        world: World,
        *,
        state_path: Path | None = None,
        faults: FaultPlan | Sequence[FaultRule | dict[str, Any]] | None = None,
        port: int = 0,
    ) -> None:
        """Prepare to serve this world; with a state path it goes on where the last run stopped."""
        self.world = world
        self.url = ""
        self._state_path, self._port = state_path, port
        self._faults = None if faults is None else _plan(faults)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._venue: Venue | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="simulated-venue", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError(f"the simulated venue did not start within {_START_SECONDS} s")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()

    def credentials(self, account: str) -> Keys:
        """Keys of an account."""
        return self.world.accounts[account].credentials(account, self.world.venue)

    def orders(self, account: str) -> list[Order]:
        """Orders of an account as the venue has them, oldest first."""
        return self._at(lambda venue: [copy(order) for order in _settled(venue).book.by_account.get(account, [])])

    def fills(self, account: str) -> list[Fill]:
        """Return the executions of an account, oldest first."""
        return self._at(lambda venue: list(_settled(venue).book.fills.get(account, [])))

    def conversions(self, account: str) -> list[Conversion]:
        """Return the small balances that were converted, oldest first."""
        return self._at(lambda venue: [c for c in venue.book.conversions if c.account == account])

    def balances(self, account: str) -> dict[str, Decimal]:
        """Return what an account really owns, whatever a lag or a fault shows."""
        return self._at(lambda venue: dict(_settled(venue).book.totals.get(account, {})))

    def held(self, account: str, asset: str) -> Decimal:
        """Return what open orders keep back of an asset."""
        return self._at(lambda venue: _settled(venue).book.held(account, asset))

    def calls(self, operation: str, account: str | None = None) -> int:
        """Count the calls received of one operation, or `any`."""
        return self._at(lambda venue: venue.calls.count(operation, account))

    def call_log(self) -> list[CallRecord]:
        """Return the newest calls in full."""
        return self._at(lambda venue: list(venue.calls.records))

    def applied_faults(self) -> list[Applied]:
        """Faults of the current plan that were put to calls so far."""
        return self._at(lambda venue: list(venue.faults.applied))

    def price(self, symbol: str) -> Decimal | None:
        """Price now."""
        return self._at(lambda venue: venue.prices.last(symbol, venue.now_ms()))

    def set_faults(self, *rules: FaultRule | dict[str, Any]) -> None:
        """Replace the fault plan; without rules nothing goes wrong any more."""
        plan = _plan(rules)
        self._at(lambda venue: venue.set_faults(plan))

    def when_called(self, told: Callable[[FaultRule | None], object] | None) -> None:
        """Have each call told, with the fault it is to meet, on the venue's own thread and before it has any effect."""
        self._at(lambda venue: setattr(venue, "on_call", told))

    def set_balance_lag(self, seconds: float) -> None:
        """Show balances as they were so long ago."""
        self._at(lambda venue: setattr(venue.engine, "lag_ms", int(seconds * 1000)))

    def set_balances(self, account: str, **totals: Amount) -> None:
        """Replace what an account owns of the named assets."""
        exact = {asset: Decimal(total) for asset, total in totals.items()}
        self._at(lambda venue: venue.set_balances(account, exact))

    def set_price(self, symbol: str, price: Amount | None) -> None:
        """Move a price, or take the ticker away."""
        exact = None if price is None else Decimal(price)
        self._at(lambda venue: venue.set_price(symbol, exact))

    def set_market(self, symbol: str, status: MarketStatus | str | None = None, **change: Any) -> None:
        """Change a market's status, sizes, spread or volatility."""
        changed = change if status is None else change | {"status": status}
        self._at(lambda venue: venue.set_market(symbol, changed))

    def set_fills(
        self,
        mode: FillMode | str,
        *,
        account: str | None = None,
        symbol: str | None = None,
        after_seconds: Amount | float | None = None,
        fraction: Amount | float = "0.5",
        cancel_rest: bool = False,
    ) -> None:
        """Change how orders are filled from now on, the waiting ones included."""
        rule = FillRule(
            account=account,
            symbol=symbol,
            mode=FillMode(mode),
            after_seconds=None if after_seconds is None else Decimal(str(after_seconds)),
            fraction=Decimal(str(fraction)),
            cancel_rest=cancel_rest,
        )
        self._at(lambda venue: venue.add_fill_rule(rule))

    def _at(self, act: Callable[[Venue], _T]) -> _T:
        """Run on the venue's own loop, so that nothing is read half changed."""
        if self._loop is None or self._venue is None:
            raise RuntimeError("the simulated venue is not running")
        venue = self._venue

        async def run() -> _T:
            return act(venue)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_START_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            venue = Venue(self.world, state_path=self._state_path, faults=self._faults)
            server = Server(venue, port=self._port)
            self.url = await server.start()
        except (OSError, ValueError) as error:
            self._failure = error
            self._ready.set()
            return
        self._loop, self._venue, self._stop = asyncio.get_running_loop(), venue, server.stop_asked
        self._ready.set()
        try:
            await server.wait()
        finally:
            await server.close()


def _plan(faults: FaultPlan | Sequence[FaultRule | dict[str, Any]]) -> FaultPlan:
    if isinstance(faults, FaultPlan):
        return faults
    return as_plan([rule.model_dump() if isinstance(rule, FaultRule) else rule for rule in faults])


def _settled(venue: Venue) -> Venue:
    venue.settle()
    venue.save()
    return venue
