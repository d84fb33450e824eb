"""The one place that wires a run: settings, fleet, store, venues, and each account with its client and its keys."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from brokers.account import AccountClient
from brokers.breaker import Breakers
from brokers.hub import SharedVenue, Tickers, Venues
from brokers.ledger import Ledger
from brokers.nonces import Turns
from brokers.orders import Orders
from brokers.simulator.launch import LaunchError, ensure_running
from brokers.simulator.world import WorldError
from brokers.throttle import Throttle
from brokers.venues import check_venues
from models.clock import Clock, SystemClock
from models.errors import ConfigError, NotAsked
from models.fleet import Account, Fleet, load_fleet
from models.market import Price
from models.order import VenueOrder
from models.plan import Plan
from models.policy import Policy
from models.position import Snapshot
from models.reasons import Mode
from models.rebalance import Rebalance
from models.scope import Scope
from models.settings import Credentials, Settings, master_key_settings, policy_defaults
from models.store.engine import Store
from models.store.leases import Holder, Lease
from models.vault import fingerprint
from tasks.credentials import Vault, find_credentials
from validations.together import Gate


@dataclass(frozen=True)
class Runtime:
    """What all accounts of a run share."""

    settings: Settings
    fleet: Fleet
    store: Store
    venues: Venues
    holder: Holder
    clock: Clock
    gate: Gate
    vault: Vault


class AccountAt:
    """One account at its venue, as the tasks of one run see it. Prints without its keys."""

    def __init__(self, runtime: Runtime, account: Account, run_id: str, mode: Mode, scope: Scope = Scope.ALL) -> None:
        self.runtime = runtime
        self.account = account
        self.run_id = run_id
        self.mode = mode
        self.scope = scope
        self.policy: Policy = runtime.fleet.policies[account.id].scoped(scope)
        self.store = runtime.store
        self.clock = runtime.clock
        self.ledger = Ledger(runtime.store)
        self.key: str  # tells keys apart, opens nothing
        self.venue: SharedVenue
        self.client: AccountClient
        self.orders: Orders
        self.lease: Lease | None = None
        self.kept_back: NotAsked | None = None  # what a guard of ours said to an order: no more are sent in this run
        self.tickers = Tickers({}, runtime.clock.now())  # none before the first read
        # What the account looks like now, and what is to be done about it. They live here and not in the tasks'
        # parameters, because Prefect walks through every value of a parameter, one position at a time.
        self.snapshot: Snapshot
        self.plan: Plan
        self.rebalance: Rebalance | None = None  # the analysis behind the plan, where it is one towards weights

    def __repr__(self) -> str:
        return f"AccountAt({self.account.id})"

    @property
    def id(self) -> str:
        """The account's id."""
        return self.account.id

    @property
    def prices(self) -> Mapping[str, Price]:
        """The prices of the last read, by symbol; none before it."""
        return self.tickers.prices

    @property
    def max_price_age(self) -> timedelta:
        """How old a price may be that values a holding."""
        return timedelta(seconds=self.policy.max_price_age_seconds)

    def held_lease(self) -> Lease:
        """Return the lease. Raises: RuntimeError when none is held: a write was about to happen without one."""
        if self.lease is None:
            raise RuntimeError(f"{self.id}: a write needs the account's lease")
        return self.lease

    def fee_in_quote(self, order: VenueOrder) -> Decimal | None:
        """Convert an order's fee to the quote currency; None where the fee's asset has no known price."""
        base = order.symbol.split("/", maxsplit=1)[0]
        if order.fee is None or order.fee_asset is None:
            return None
        if order.fee_asset == base:
            return None if order.average_price is None else order.fee * order.average_price
        return self.worth(order.fee_asset, order.fee)

    def worth(self, asset: str, amount: Decimal) -> Decimal | None:
        """Convert an amount to the quote currency; None where the asset has no known price."""
        if asset == self.account.quote:
            return amount
        price = self.prices.get(f"{asset}/{self.account.quote}")
        return None if price is None else amount * price.value


def mode_of(account: Account, *, live: bool) -> Mode:
    """Say whether a run over the account moves nothing, simulated money, or real money."""
    if not live:
        return Mode.PLAN
    return Mode.PAPER if account.simulated else Mode.LIVE


def read_fleet(settings: Settings, path: Path | None) -> Fleet:
    """Load and check the fleet file. Raises: ConfigError."""
    fleet = load_fleet(path or settings.fleet, policy_defaults())
    check_venues(fleet)
    return fleet


@asynccontextmanager
async def open_runtime(settings: Settings, fleet: Fleet, clock: Clock | None = None) -> AsyncIterator[Runtime]:
    """Open store and venues for the length of the block. Raises: StoreError."""
    clock = clock or SystemClock()
    with Holder(settings.home) as holder:
        async with await Store.open(settings.store_url) as store:
            cool_down = timedelta(seconds=settings.connect_cool_down_seconds)
            turns = Turns(store, holder, clock, settings.venue_timeout_seconds, cool_down)
            vault = Vault(store, master_key_settings(settings.home))
            breakers = Breakers(store, holder, clock, settings.venue_timeout_seconds)
            throttle = Throttle(store, clock, settings.limits_factor)
            async with Venues(clock, settings.venue_timeout_seconds, turns, breakers, throttle) as venues:
                yield Runtime(settings, fleet, store, venues, holder, clock, Gate(), vault)


@asynccontextmanager
async def open_account(
    runtime: Runtime, account: Account, *, run_id: str, mode: Mode, scope: Scope = Scope.ALL
) -> AsyncIterator[AccountAt]:
    """Connect to one account for the length of the block: its venue's markets are loaded, nothing of it is read yet.

    Raises: ConfigError without credentials, VaultLocked where they cannot be opened; VenueUnavailable, VenueRefused
    when the markets cannot be loaded.
    """
    at = AccountAt(runtime, account, run_id, mode, scope)
    credentials, url = await reach(runtime, account)
    at.key = fingerprint(credentials.api_key)
    at.venue = runtime.venues.shared(account, url, credentials)
    await at.venue.load(at.policy)
    at.client = at.venue.account_client(account.id, credentials, at.policy)
    at.orders = Orders(at.client, at.ledger, at.clock, at.policy, at.fee_in_quote, at.worth)
    try:
        yield at
    finally:
        await at.client.close()


async def reach(runtime: Runtime, account: Account) -> tuple[Credentials, str | None]:
    """Return an account's keys and address; the venue of a simulated one is started."""
    if account.simulated is None:
        credentials, _ = await find_credentials(runtime.vault, account)
        return credentials, None if account.url is None else str(account.url)
    path = (runtime.fleet.path.parent / account.simulated).resolve()
    where = f"{runtime.fleet.path}: account {account.id}.simulated"
    try:
        served = await asyncio.to_thread(ensure_running, path, runtime.settings.home.resolve())
    except (WorldError, LaunchError) as error:
        raise ConfigError(where, str(error)) from error
    if served.world.venue != account.venue:
        raise ConfigError(where, f"{path} is a world of {served.world.venue}, the account is on {account.venue}")
    if account.id not in served.world.accounts:
        raise ConfigError(where, f"{path} has no account {account.id!r}", ", ".join(served.world.accounts))
    if not served.world.rate_limits:
        runtime.venues.spare(served.url)
    keys = served.world.accounts[account.id].credentials(account.id, served.world.venue)
    passphrase = None if keys.passphrase is None else SecretStr(keys.passphrase)
    return Credentials(SecretStr(keys.api_key), SecretStr(keys.api_secret), passphrase), served.url
