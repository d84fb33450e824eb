"""Leave some positions of an account within few steps: the balance, the contracts, the plan, the ledger, the order.

It is the scan for exits for those symbols alone: its rules, gate, leases and ledger. What it leaves out is what
no stop waits for: other positions, open orders, equity, the read that verifies. The next full read does all that.
"""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from brokers.hub import Tickers
from models.errors import BalanceLagging
from models.order import LedgerOrder
from models.position import Snapshot
from models.store.dust import standing_marks
from models.store.leases import hold
from models.store.position_configs import position_configs
from models.store.runs import save_plan
from models.store.tracked import last_read_at, tracked_positions
from rules.exit_plan import ExitFacts, make_exit_plan
from rules.tracking import not_yet_shown
from rules.valuation import value_holdings
from tasks.apply_plan import send_orders
from tasks.runtime import AccountAt
from validations.gate import Asked

LAG_IS_OVER_AFTER = timedelta(minutes=2)
SETTLED_WITHIN = timedelta(seconds=5)  # what takes longer is looked up by the next run; other stops do not wait for it


async def leave_at_once(at: AccountAt, symbols: Collection[str], tickers: Tickers) -> tuple[LedgerOrder, ...]:
    """Sell what is due of some positions at prices just read; return the orders, none where nothing is due or free.

    Raises: LeaseHeld, LeaseLost, StoreError, VenueError, ContractBroken, BalanceLagging, PlanExpired: what was sent by
    then is in the ledger.
    """
    holder = at.runtime.holder
    async with hold(at.store, at.id, holder) as lease, hold(at.store, f"the key {at.key}", holder):
        at.lease, at.kept_back, at.tickers = lease, None, tickers
        try:
            _, facts = await asyncio.gather(_read(at, symbols), _facts(at))
            at.plan = make_exit_plan(at.snapshot, at.policy, facts, now=at.clock.now())
            if not at.plan.orders:
                return ()
            await save_plan(at.store, at.plan, run_id=at.run_id, cycle=1, mode=at.mode)
            await send_orders(at, 1)
            patience = timedelta(seconds=at.policy.order_timeout_seconds)
            await at.orders.settle(min(patience, SETTLED_WITHIN))
            if at.kept_back is not None:
                raise at.kept_back
            return await at.ledger.of_run(at.id, at.run_id)
        finally:
            at.lease = None


async def _read(at: AccountAt, symbols: Collection[str]) -> None:
    """Read the balance; the named positions of it become `at.snapshot`, held to their contracts."""
    since = await last_read_at(at.store, at.id)
    sold, holdings = await asyncio.gather(
        at.ledger.filled_since(at.id, since, sent_after=at.client.now() - LAG_IS_OVER_AFTER), at.client.holdings()
    )
    now, markets = at.clock.now(), at.venue.markets(at.account.quote)
    positions = value_holdings(
        holdings,
        quote=at.account.quote,
        markets=markets,
        prices=at.prices,
        now=now,
        max_price_age=at.max_price_age,
    )
    cash = next((h for h in holdings if h.asset == at.account.quote), None)
    whole = Snapshot(
        account=at.id,
        taken_at=now,
        cash_free=Decimal(0) if cash is None else cash.free,
        cash_total=Decimal(0) if cash is None else cash.total,
        positions=positions,
    )
    if lagging := [s for s in not_yet_shown(sold, whole) if s in symbols]:
        raise BalanceLagging(at.id, tuple(lagging))
    chosen = tuple(p for p in positions if p.symbol in symbols)
    at.snapshot = replace(
        whole, positions=chosen, markets={p.symbol: markets[p.symbol] for p in chosen if p.symbol in markets}
    )
    known = at.venue.assets() | {p.holding.asset for p in chosen}
    asked = Asked(at.snapshot, at.prices, known, now, at.policy, passed=at.tickers.passed)
    _, prices = await at.runtime.gate.passes(asked)
    at.tickers.passed.update(prices.accepted)


async def _facts(at: AccountAt) -> ExitFacts:
    tracked, configs, marks, undecided = await asyncio.gather(
        tracked_positions(at.store, at.id),
        position_configs(at.store, at.id),
        standing_marks(at.store, at.id),
        at.ledger.undecided(at.id),
    )
    return ExitFacts(tracked, configs, marks, pending={o.intent.symbol for o in undecided})
