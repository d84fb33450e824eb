"""A private bench: a simulated venue in this process, one account there, and a home and store that vanish with it.

What is run on it is what runs in earnest, over HTTP, in the real venue's wire format. Nothing of it can reach anything
else: the fleet has one account, its address is on loopback, and its keys are the simulator's.
"""

import dataclasses
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlalchemy import update

from brokers.simulator.handle import RunningVenue
from brokers.simulator.manners import MANNERS, VenueName
from brokers.simulator.orders import Status
from brokers.simulator.world import World
from flows.account import normalize_account
from flows.entry_check import check_entry
from models.errors import ConfigError
from models.fleet import Account, Fleet
from models.policy import Policy
from models.position import Tracked
from models.reasons import Mode
from models.report import AccountReport, EntryReport
from models.scope import Scope
from models.settings import Credentials, MasterKeySettings, Settings
from models.store.engine import Store
from models.store.runs import start_run
from models.store.tables import TRACKED
from models.store.tracked import tracked_positions
from tasks.credentials import Vault
from tasks.runtime import AccountAt, Runtime, open_account, open_runtime

T = TypeVar("T")
Number = str | int | Decimal

ACCOUNT = "verification"
_CASH = 1000
_TIMEOUT_SECONDS = 5
# Whatever is worth a cent can be sold: no question here is about the venue's minimums.
_NO_MINIMUMS = {"lot_step": "0.00000001", "min_quantity": "0.00000001", "min_notional": "0"}
# Nothing here is about waiting, nor about limits on entries.
_QUICK: dict[str, Any] = {
    "settle_seconds": 0,
    "balance_fetch_base_delay": 0,
    "balance_fetch_max_attempts": 1,
    "order_timeout_seconds": 5,
    "risk_max_position_usd": None,
    "risk_max_exposure_usd": None,
    "risk_max_positions": None,
    "risk_max_daily_loss_usd": None,
    "risk_max_drawdown_fraction": None,
    "minimum_balance_usd": 0,
    "low_balance_warning_usd": 0,
}


class Bench:
    """One venue and one account of it. Every run is wired anew, as a process of its own would be."""

    def __init__(self, venue: VenueName, folder: Path, store: Path) -> None:
        """Prepare for a venue; `store` is an empty store that is up to date, to begin with a copy of."""
        self.venue_name = venue
        self.quote = MANNERS[venue].quote
        self.venue: RunningVenue
        self._home = folder / uuid.uuid4().hex
        self._home.mkdir(parents=True)
        shutil.copyfile(store, self._home / "nija.db")
        self._policy: dict[str, Any] = dict(_QUICK)

    def symbol(self, asset: str) -> str:
        """Return the market of an asset at this venue."""
        return f"{asset}/{self.quote}"

    @asynccontextmanager
    async def holding(self, values: Mapping[str, Number | None], **world: Any) -> AsyncIterator["Bench"]:
        """Open the venue: the account holds one unit of each asset, worth so much in quote units; None: no ticker."""
        markets = [{"symbol": self.symbol(asset), "price": price, **_NO_MINIMUMS} for asset, price in values.items()]
        account = {"balances": {self.quote: _CASH, **dict.fromkeys(values, 1)}, **world.pop("account", {})}
        built = {"venue": self.venue_name, "markets": markets, "accounts": {ACCOUNT: account}, **world}
        with RunningVenue(World.model_validate(built)) as self.venue:
            yield self

    def sets_policy(self, **policy: Any) -> None:
        """Change what the account's policy says, from the next run on."""
        self._policy |= policy

    def moves(self, **prices: Number | None) -> None:
        """Move prices, by asset."""
        for asset, price in prices.items():
            self.venue.set_price(self.symbol(asset), price)

    async def run(self, scope: Scope = Scope.ALL) -> AccountReport:
        """Normalise the account in earnest."""
        run_id = str(uuid.uuid4())

        async def act(runtime: Runtime) -> AccountReport:
            now = runtime.clock.now()
            await start_run(runtime.store, run_id, pipeline="verification", mode="live", fleet=ACCOUNT, now=now)
            return await normalize_account(runtime, self._account, run_id=run_id, live=True, scope=scope)

        return await self.at_runtime(act)

    async def entry(self, asset: str, quote_amount: Number = 20) -> EntryReport:
        """Ask whether an entry is allowed."""
        return await self.at_runtime(
            lambda runtime: check_entry(runtime, self._account, self.symbol(asset), Decimal(quote_amount))
        )

    async def at_runtime(self, act: Callable[[Runtime], Awaitable[T]]) -> T:
        """Wire a run for the length of one act."""
        async with open_runtime(self._settings, self._fleet) as runtime:
            return await act(dataclasses.replace(runtime, vault=_Keys(runtime.store, self.venue)))

    async def at_account(self, act: Callable[[AccountAt], Awaitable[T]]) -> T:
        """Reach the account for the length of one act."""

        async def reach(runtime: Runtime) -> T:
            async with open_account(runtime, self._account, run_id=str(uuid.uuid4()), mode=Mode.PLAN) as at:
                return await act(at)

        return await self.at_runtime(reach)

    async def in_store(self, act: Callable[[Store], Awaitable[T]]) -> T:
        """Look into the bench's store, or put something there."""
        async with await Store.open(self._settings.store_url) as store:
            return await act(store)

    async def tracked(self) -> dict[str, Tracked]:
        """Return what is tracked of the account, by symbol."""
        return await self.in_store(lambda store: tracked_positions(store, ACCOUNT))

    async def remember(self, asset: str, **values: Any) -> None:
        """Change what the store remembers of a position."""
        mine = (TRACKED.c.account == ACCOUNT, TRACKED.c.symbol == self.symbol(asset))
        await self.in_store(lambda store: store.execute(update(TRACKED).where(*mine).values(**values)))

    def left(self) -> set[str]:
        """Return what the account really holds beside its cash."""
        return {a for a, total in self.venue.balances(ACCOUNT).items() if total > 0 and a != self.quote}

    def sold(self) -> list[str]:
        """Return the assets of the orders that the venue filled whole, in its order."""
        filled = [order for order in self.venue.orders(ACCOUNT) if order.status is Status.FILLED]
        return [order.symbol.split("/", maxsplit=1)[0] for order in filled]

    def order_count(self) -> int:
        """Return how many orders the venue has got, whatever became of them."""
        return len(self.venue.orders(ACCOUNT))

    @property
    def _account(self) -> Account:
        return Account.model_validate(
            {"id": ACCOUNT, "kind": "platform", "venue": self.venue_name, "quote": self.quote, "url": self.venue.url}
        )

    @property
    def _fleet(self) -> Fleet:
        account = self._account
        policies = {account.id: Policy.model_validate(self._policy)}
        return Fleet(path=self._home / "fleet.yaml", accounts=(account,), policies=policies)

    @property
    def _settings(self) -> Settings:
        return Settings(
            home=self._home,
            fleet=self._home / "fleet.yaml",
            database_url=f"sqlite:///{self._home / 'nija.db'}",
            max_concurrent_accounts=1,
            connect_cool_down_seconds=0,
            venue_timeout_seconds=_TIMEOUT_SECONDS,
            limits_factor=1000,  # the simulated venue does not count calls
        )


async def empty_store(folder: Path) -> Path:
    """Make a store that is up to date and empty. Raises: StoreError."""
    path = folder / "empty.db"
    async with await Store.open(f"sqlite:///{path}"):
        pass
    return path


class _Keys(Vault):
    """The simulator's own keys, in the place of stored ones."""

    def __init__(self, store: Store, venue: RunningVenue) -> None:
        super().__init__(store, MasterKeySettings(None, Path()))
        self._venue = venue

    async def open(self, account: str) -> Credentials | None:
        """Return the account's keys at the simulated venue. Raises: ConfigError for one that has none there."""
        if account != ACCOUNT:
            raise ConfigError("verification", f"{account!r} is no account of its bench")
        key, secret, passphrase = self._venue.credentials(account)
        return Credentials(SecretStr(key), SecretStr(secret), None if passphrase is None else SecretStr(passphrase))
