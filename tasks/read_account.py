"""Read one account, value it, and hold it to its contracts: what comes out may be planned on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.errors import (
    BalanceLagging,
    ContractBroken,
    EmptyLooking,
    EquityMismatched,
    NotAsked,
    StoreError,
    VenueError,
)
from models.fleet import Account
from models.position import Snapshot
from models.reasons import Mode, NoPrice
from models.store.balances import count_failed_read
from models.store.tracked import last_cash, last_read_at, tracked_positions
from rules.reconcile import equity_mismatch
from rules.tracking import looks_empty, not_yet_shown
from rules.valuation import value_holdings
from tasks.runtime import AccountAt, Runtime
from validations.gate import Asked

log = logging.getLogger(__name__)

_ZERO = Decimal(0)
_LAG_POLL = timedelta(milliseconds=500)
_LONGEST_LAG = timedelta(seconds=10)  # on top of what the policy waits for settlement
_LAG_IS_OVER_AFTER = timedelta(minutes=2)  # what was sold earlier shows in any balance


async def read_snapshot(at: AccountAt) -> Snapshot:
    """Read balances, open orders and prices together.

    Raises: VenueUnavailable, VenueRefused.
    """
    tickers, holdings, open_orders, equity = await asyncio.gather(
        at.venue.tickers(at.policy),
        at.client.holdings(),
        at.client.open_orders(),
        at.client.reported_equity(at.account.quote) if at.policy.check_equity else _none(),
    )
    now = at.clock.now()
    at.tickers = tickers
    quote = at.account.quote
    markets = at.venue.markets(quote)
    positions = value_holdings(
        holdings,
        quote=quote,
        markets=markets,
        prices=tickers.prices,
        now=now,
        max_price_age=at.max_price_age,
    )
    cash = next((h for h in holdings if h.asset == quote), None)
    return Snapshot(
        account=at.id,
        taken_at=now,
        cash_free=_ZERO if cash is None else cash.free,
        cash_total=_ZERO if cash is None else cash.total,
        positions=positions,
        markets={p.symbol: markets[p.symbol] for p in positions if p.symbol in markets},
        open_orders=open_orders,
        reported_equity=equity,
    )


async def read_what_is_left(at: AccountAt) -> Snapshot:
    """Read until the balance shows what was sold since the account was read last.

    A plan on an older balance would sell the same again, or something else in its stead.
    Raises: VenueUnavailable, VenueRefused, StoreError; BalanceLagging when it still does not show in the end.
    """
    sold = await at.ledger.filled_since(
        at.id, await last_read_at(at.store, at.id), sent_after=at.client.now() - _LAG_IS_OVER_AFTER
    )
    end = at.clock.elapsed() + _LONGEST_LAG
    while True:
        snapshot = await read_snapshot(at)
        lagging = not_yet_shown(sold, snapshot)
        if not lagging:
            return snapshot
        if at.clock.elapsed() > end:
            raise BalanceLagging(at.id, lagging)
        await at.clock.sleep(_LAG_POLL)


async def check_snapshot(at: AccountAt, snapshot: Snapshot) -> None:
    """Hold a snapshot to its contracts and to what was tracked before.

    Raises: ContractBroken, EquityMismatched, EmptyLooking: nothing may be written to the account.
    """
    # A delisted coin is in no market list any more; the balance that names it is all there is, and it is unvalued.
    unlisted = {p.holding.asset for p in snapshot.positions if p.no_price is NoPrice.NO_MARKET}
    known = at.venue.assets() | unlisted
    tickers = at.tickers
    asked = Asked(snapshot, tickers.prices, known, snapshot.taken_at, at.policy, passed=tickers.passed)
    _, prices = await at.runtime.gate.passes(asked)
    tickers.passed.update(prices.accepted)
    mismatch = equity_mismatch(snapshot, at.policy.equity_tolerance_fraction)
    if mismatch is not None:
        raise EquityMismatched(at.id, mismatch.computed, mismatch.reported)
    await refuse_empty_looking(at, snapshot)


async def refuse_empty_looking(at: AccountAt, snapshot: Snapshot) -> None:
    """Refuse a read without holdings that nothing explains. Raises: EmptyLooking, StoreError."""
    if not snapshot.positions:
        tracked = await tracked_positions(at.store, at.id)
        if looks_empty({s: t.value for s, t in tracked.items()}, await last_cash(at.store, at.id), snapshot):
            raise EmptyLooking(at.id, len(tracked))


async def read_and_check(at: AccountAt) -> None:
    """Read, value and check one account; it becomes `at.snapshot`. Raises: as the three above."""
    async with failure_counted(at.runtime, at.account, at.mode):
        snapshot = await read_what_is_left(at)
        await check_snapshot(at, snapshot)
    at.snapshot = snapshot


@asynccontextmanager
async def failure_counted(runtime: Runtime, account: Account, mode: Mode) -> AsyncIterator[None]:
    """Count a read of the account that fails inside the block against its balance; the fault goes on.

    What our own guards kept back is none: nobody asked, and the balance grows old by itself.
    """
    try:
        yield
    except NotAsked:
        raise
    except (VenueError, ContractBroken, EmptyLooking, BalanceLagging) as error:
        version, now = runtime.fleet.policies[account.id].version, runtime.clock.now()
        try:
            await count_failed_read(
                runtime.store, account.id, code=error.code, mode=mode, policy_version=version, now=now
            )
        except StoreError as fault:  # why the account was not read is worth more
            log.warning("a failed read was not counted", extra={"account": account.id, "code": fault.code})
        raise


@task(name="read", task_run_name="read {at.id}", cache_policy=NO_CACHE, retries=0)  # retried call by call, in brokers
async def read_account(at: AccountAt) -> None:
    """Read, value and check one account."""
    await read_and_check(at)


async def _none() -> None:
    return None
