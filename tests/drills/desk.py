"""A desk for whole incidents: simulated venues, a fleet file, an environment, and the commands an operator has.

A drill says what is held and what goes wrong, runs the real flows over the wire, and judges by the venue's own record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
import yaml

from brokers.simulator.handle import RunningVenue
from brokers.simulator.manners import MANNERS
from brokers.simulator.orders import Status
from brokers.simulator.world import World
from flows.doctor import examine_fleet
from flows.entry_check import check_entry
from flows.normalize import NormalizeRequest, normalize_accounts, normalize_fleet
from flows.recover import recover_fleet
from models.report import AccountReport, DoctorReport, EntryReport, RecoveryReport, RunReport
from models.settings import load_settings
from models.store.engine import Store
from models.store.tracked import Tracked, tracked_positions
from tasks.runtime import Runtime, open_runtime, read_fleet

T = TypeVar("T")
Number = str | int | Decimal

QUOTES = {str(name): manners.quote for name, manners in MANNERS.items()}
# Whatever is worth a cent can be sold: a drill about the venue's minimums states its own.
NO_MINIMUMS = {"lot_step": "0.00000001", "min_quantity": "0.00000001", "min_notional": "0"}
QUICK = {
    "settle_seconds": 0,
    "balance_fetch_base_delay": 0.01,
    "order_deadline_seconds": 2,
    "late_order_seconds": 2,
    "order_timeout_seconds": 0.25,
    "breaker_recovery_seconds": 0,  # it opens under every fault, and keeps nobody away from a venue that is well
    # A drill about limits states its own; the others hold whatever makes their point.
    "risk_max_position_usd": None,
    "risk_max_exposure_usd": None,
    "risk_max_positions": None,
    "risk_max_daily_loss_usd": None,
    "risk_max_drawdown_fraction": None,
    "minimum_balance_usd": 0,
    "low_balance_warning_usd": 0,
}


class Desk:
    """One operator's machine: a home, a store, a fleet file, and the venues it trades at."""

    def __init__(self, home: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home / "nija"
        self.fleet = home / "fleet.yaml"
        self.store_url = store_url
        self.policy: dict[str, Any] = dict(QUICK)
        self.limits: dict[str, Any] = {}  # of the fleet as a whole
        self.watch: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.on_prefect = True  # else as `tests.drills.plain` has it
        self.venues: list[RunningVenue] = []
        self._accounts: list[dict[str, Any]] = []
        self._venues = ExitStack()
        self._environment = monkeypatch
        monkeypatch.setenv("NIJA_HOME", str(self.home))
        monkeypatch.setenv("NIJA_DATABASE_URL", store_url)
        monkeypatch.setenv("NIJA_FLEET", str(self.fleet))
        monkeypatch.setenv("NIJA_VENUE_TIMEOUT_SECONDS", "15")  # a loaded machine answers late, too
        monkeypatch.setenv("NIJA_CONNECT_COOL_DOWN_SECONDS", "0")
        monkeypatch.setenv("NIJA_LIMITS_FACTOR", "1000")  # its venues do not count

    def __enter__(self) -> Self:
        return self

    def hurries(self) -> None:
        """Wait two seconds for an answer, where a drill has one that never comes."""
        self._environment.setenv("NIJA_VENUE_TIMEOUT_SECONDS", "2")

    def __exit__(self, *exc: object) -> None:
        self._venues.close()

    def opens(
        self,
        venue: str = "kraken",
        *,
        prices: Mapping[str, Number | None],
        holds: Mapping[str, Mapping[str, Number]],
        sizes: Mapping[str, Mapping[str, Number]] | None = None,
        cash: Number = 1000,
        owner: str | None = None,
        faults: list[dict[str, Any]] | None = None,
        keys: Mapping[str, bool] | None = None,
        settings: Mapping[str, Any] | None = None,
        trades: Mapping[str, list[dict[str, Any]]] | None = None,
        **world: Any,
    ) -> RunningVenue:
        """Start a venue and put its accounts into the fleet.

        `prices` by asset, None: no ticker. `holds` by account, then quantities by asset. `sizes` by asset: what the
        market asks for where it asks for anything. `keys`: what the accounts' keys may do (may_trade, may_withdraw).
        `settings`: what the fleet file says of the accounts besides. `trades` by account: what was traded before.
        """
        quote = QUOTES[venue]
        markets = [
            {"symbol": f"{asset}/{quote}", "price": price, **NO_MINIMUMS, **(sizes or {}).get(asset, {})}
            for asset, price in prices.items()
        ]
        accounts = {
            name: {"balances": {quote: cash, **held}, "trades": (trades or {}).get(name, []), **(keys or {})}
            for name, held in holds.items()
        }
        built = World.model_validate({"venue": venue, "markets": markets, "accounts": accounts, **world})
        running = self._venues.enter_context(RunningVenue(built, faults=faults))
        self.venues.append(running)
        for name in holds:
            self._joins(name, venue, running, owner, settings or {})
        return running

    def worth(
        self, values: Mapping[str, Number | None], *, account: str = "platform", venue: str = "kraken", **world: Any
    ) -> RunningVenue:
        """Start a venue where one account holds one unit of each asset, worth so much; None: unpriced."""
        return self.opens(venue, prices=values, holds={account: dict.fromkeys(values, 1)}, **world)

    def normalize(self, *accounts: str, live: bool = True, approved: dict[str, str] | None = None) -> RunReport:
        """Run the flow as `nija normalize` does."""
        return asyncio.run(self.normalizing(*accounts, live=live, approved=approved))

    async def normalizing(self, *accounts: str, live: bool = True, approved: dict[str, str] | None = None) -> RunReport:
        """Run the flow inside a loop that runs something else beside it."""
        self.write_fleet()
        request = NormalizeRequest(fleet=str(self.fleet), accounts=list(accounts), live=live, approved=approved)
        return await (normalize_accounts(request) if self.on_prefect else normalize_fleet(request))

    def run(self, account: str = "platform", *, live: bool = True, approved: str | None = None) -> AccountReport:
        """Normalise one account; return its part of the report."""
        report = self.normalize(account, live=live, approved=None if approved is None else {account: approved})
        return report.accounts[0]

    def interrupt(self, happened: Callable[[], bool]) -> None:
        """Run the flow and stop it in the middle of what it does, as soon as something has happened."""

        async def run() -> None:
            running = asyncio.create_task(self.normalizing())
            await until(lambda: happened() or running.done())
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

        asyncio.run(run())

    def examine(self) -> DoctorReport:
        """Examine as `nija doctor` does."""
        return self.at_runtime(lambda runtime: examine_fleet(runtime, runtime.fleet.accounts))

    def recover(self) -> RecoveryReport:
        """Recover as `nija recover` does."""
        return self.at_runtime(lambda runtime: recover_fleet(runtime, runtime.fleet.accounts))

    def entry(self, symbol: str, usd: Number = 20, account: str = "platform") -> EntryReport:
        """Ask for an entry as `nija entry-check` does."""
        return self.at_runtime(lambda runtime: self.entry_at(runtime, symbol, usd, account))

    @staticmethod
    async def entry_at(runtime: Runtime, symbol: str, usd: Number = 20, account: str = "platform") -> EntryReport:
        """Ask for an entry from inside a loop."""
        (chosen,) = runtime.fleet.choose([account])
        return await check_entry(runtime, chosen, symbol, Decimal(usd))

    def at_runtime(self, act: Callable[[Runtime], Awaitable[T]]) -> T:
        """Wire a run as a command does, for the length of one act."""
        self.write_fleet()

        async def run() -> T:
            settings = load_settings()
            async with open_runtime(settings, read_fleet(settings, None)) as runtime:
                return await act(runtime)

        return asyncio.run(run())

    def in_store(self, act: Callable[[Store], Awaitable[T]]) -> T:
        """Look into the store, or put something there, as a process of its own would."""

        async def run() -> T:
            async with await Store.open(self.store_url) as store:
                return await act(store)

        return asyncio.run(run())

    def tracked(self, account: str = "platform") -> dict[str, Tracked]:
        """Return what the store tracks of an account, by symbol."""
        return self.in_store(lambda store: tracked_positions(store, account))

    def write_fleet(self) -> None:
        """Write the fleet file as the policy stands now."""
        document: dict[str, Any] = {"version": 1, "policies": {"drill": self.policy}, "accounts": self._accounts}
        if self.limits:
            document["limits"] = self.limits
        if self.watch:
            document["watch"] = self.watch
        if self.history:
            document["history"] = self.history
        self.fleet.write_text(yaml.safe_dump(document), encoding="utf-8")

    def _joins(
        self, name: str, venue: str, running: RunningVenue, owner: str | None, settings: Mapping[str, Any]
    ) -> None:
        row = {"id": name, "kind": "platform", "venue": venue, "policy": "drill", "quote": QUOTES[venue]}
        self._accounts.append({**row, "url": running.url, **({"owner": owner} if owner else {}), **settings})
        know_the_keys(self._environment, running, name)


def know_the_keys(environment: pytest.MonkeyPatch, venue: RunningVenue, account: str) -> None:
    """Put an account's keys where the command looks for them."""
    prefix = f"NIJA_{account.upper().replace('-', '_')}"
    for part, value in zip(("API_KEY", "API_SECRET", "API_PASSPHRASE"), venue.credentials(account), strict=True):
        if value is not None:
            environment.setenv(f"{prefix}_{part}", value)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something at a venue, which has no event to wait for."""
    while not happened():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def sold(venue: RunningVenue, account: str = "platform") -> list[str]:
    """Return the assets of every order the venue filled whole, in the order it got them."""
    return [_base(o.symbol) for o in venue.orders(account) if o.status is Status.FILLED]


def left(venue: RunningVenue, account: str = "platform") -> set[str]:
    """Return what the account really holds now beside its cash."""
    cash = QUOTES[venue.world.venue]
    return {asset for asset, total in venue.balances(account).items() if total > 0 and asset != cash}


def codes(report: AccountReport) -> set[str]:
    """Return the codes of everything the report complains of."""
    return {error.code for error in report.errors}


def _base(symbol: str) -> str:
    return symbol.split("/", maxsplit=1)[0]
