"""Reach one account of a running venue the way the product does."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from brokers.account import AccountClient
from brokers.hub import SharedVenue, Venues
from brokers.nonces import Turns
from brokers.simulator.handle import RunningVenue
from brokers.simulator.manners import MANNERS
from brokers.simulator.world import World
from models.clock import Clock, SystemClock
from models.fleet import Account
from models.policy import Policy
from models.settings import Credentials
from models.store.engine import Store
from models.store.leases import Holder
from tests.builders import a_policy

_migrated: list[bytes] = []
TRIES = 2
TIMEOUT_SECONDS = 0.3
QUOTE = {str(name): manners.quote for name, manners in MANNERS.items()}


@dataclass(frozen=True)
class Reached:
    """One account and what it shares with the others of its venue."""

    shared: SharedVenue
    account: AccountClient


def impatient(**values: Any) -> Policy:
    """Return a policy that waits for nothing and tries twice."""
    return a_policy(**{"balance_fetch_base_delay": 0, "balance_fetch_max_attempts": TRIES, **values})


def a_world(venue: str, accounts: dict[str, dict[str, str]], **changes: Any) -> World:
    """Return a world of three priced markets and one without a price, where next to nothing is too small."""
    quote, tiny = QUOTE[venue], {"min_quantity": "0.00000001", "min_notional": "0", "lot_step": "0.00000001"}
    default = {
        "venue": venue,
        "markets": [
            {"symbol": f"BTC/{quote}", "price": "50000.1", "tick": "0.1", **tiny},
            {"symbol": f"ETH/{quote}", "price": "2500.01", "tick": "0.01", **tiny},
            {"symbol": f"DOGE/{quote}", "price": "0.0812345", "tick": "0.0000001", **tiny},
            {"symbol": f"AUT/{quote}"},
        ],
        "accounts": {account: {"balances": balances} for account, balances in accounts.items()},
    }
    return World.model_validate(default | changes)


@asynccontextmanager
async def hub(clock: Clock | None = None) -> AsyncIterator[Venues]:
    """Open the venues of one run, with a store for the turns of its keys."""
    clock = clock or SystemClock()
    with TemporaryDirectory() as folder, Holder(Path(folder)) as holder:
        store_path = Path(folder) / "nija.db"
        if _migrated:
            store_path.write_bytes(_migrated[0])
        async with await Store.open(f"sqlite:///{store_path}") as store:
            if not _migrated:
                _migrated.append(await asyncio.to_thread(_whole, store_path))
            turns = Turns(store, holder, clock, TIMEOUT_SECONDS, timedelta(0))
            async with Venues(clock, TIMEOUT_SECONDS, turns) as venues:
                yield venues


def _whole(store_path: Path) -> bytes:
    """Return a migrated store, to start the next one from."""
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return store_path.read_bytes()


def shared_at(venues: Venues, venue: RunningVenue, account: str = "platform") -> SharedVenue:
    """Return what an account shares with the others of its venue."""
    name = str(venue.world.venue)
    row = Account(id=account, kind="platform", venue=name, quote=QUOTE[name], url=venue.url)
    return venues.shared(row, venue.url, keys_of(venue, account))


def keys_of(venue: RunningVenue, account: str = "platform", secret: str | None = None) -> Credentials:
    """Return an account's keys; `secret` is another one than the venue knows."""
    keys = venue.credentials(account)
    passphrase = None if keys.passphrase is None else SecretStr(keys.passphrase)
    return Credentials(SecretStr(keys.api_key), SecretStr(secret or keys.api_secret), passphrase)


@asynccontextmanager
async def reach(
    venue: RunningVenue,
    account: str = "platform",
    *,
    policy: Policy | None = None,
    venues: Venues | None = None,
    secret: str | None = None,
) -> AsyncIterator[Reached]:
    """Connect to an account; `secret` is another one than the venue knows."""
    policy = policy or impatient()
    if venues is None:
        async with hub() as own, reach(venue, account, policy=policy, venues=own, secret=secret) as reached:
            yield reached
        return
    shared = shared_at(venues, venue, account)
    await shared.load(policy)
    client = shared.account_client(account, keys_of(venue, account, secret), policy)
    try:
        yield Reached(shared, client)
    finally:
        await client.close()
