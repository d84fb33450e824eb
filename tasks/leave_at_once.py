"""Leave some positions of an account within few steps: leases, balance, contracts, plan and intent, the order.

It is the scan for exits for those symbols alone: its rules, gate, leases and ledger. What it leaves out is what
no stop waits for: other positions, open orders, equity, the read that verifies. The next full read does all that.
An order waits for two commits: that of the leases, and that of its plan and its intent.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from brokers.exit_ledger import commit_as_sent, filled_since, undecided_orders
from brokers.hub import Tickers
from models.errors import BalanceLagging, NotAsked, PlanExpired
from models.order import Intent, LedgerOrder
from models.plan import Plan
from models.position import Holding, Snapshot
from models.store.exit_facts import KnownPositions, known_positions
from models.store.leases import hold_together
from models.store.runs import keep_plan, save_plan
from rules.exit_plan import ExitFacts, make_exit_plan
from rules.tracking import not_yet_shown
from rules.valuation import value_holdings
from tasks.apply_plan import intent_of, send_orders
from tasks.runtime import AccountAt
from validations.gate import Asked

LAG_IS_OVER_AFTER = timedelta(minutes=2)
SETTLED_WITHIN = timedelta(seconds=5)  # what takes longer is looked up by the next run; other stops do not wait for it

_Facts = tuple[KnownPositions, tuple[LedgerOrder, ...], tuple[LedgerOrder, ...]]  # positions, undecided, just filled


async def leave_at_once(at: AccountAt, symbols: Collection[str], tickers: Tickers) -> tuple[LedgerOrder, ...]:
    """Sell what is due of some positions at prices just read; return the orders, none where nothing is due or free.

    `at.plan` is what was planned by then, whatever happens.
    Raises: LeaseHeld, LeaseLost, StoreError, VenueError, ContractBroken, BalanceLagging, PlanExpired: what was sent by
    then is in the ledger.
    """
    now = at.clock.now()
    at.plan = Plan(at.id, at.policy.version, made_at=now, expires_at=now, counted=0, actions=())
    with at.runtime.gate.expecting() as arrival:
        async with hold_together(at.store, (at.id, f"the key {at.key}"), at.runtime.holder) as (lease, _):
            at.lease, at.kept_back, at.tickers = lease, None, tickers
            try:
                facts = await _read(at, symbols, arrival)
                at.plan = make_exit_plan(at.snapshot, at.policy, facts, now=at.clock.now())
                return await _sent(at) if at.plan.orders else ()
            finally:
                at.lease = None


async def _read(at: AccountAt, symbols: Collection[str], arrival: object) -> ExitFacts:
    """Read the balance; the named positions of it become `at.snapshot`, held to their contracts. Return the facts."""
    since = at.client.now() - LAG_IS_OVER_AFTER
    (known, undecided, sold), holdings = await asyncio.gather(
        at.store.read(partial(_facts, account=at.id, symbols=symbols, sent_after=since)), at.client.holdings()
    )
    at.snapshot = _valued(at, holdings, symbols)
    if lagging := not_yet_shown([o for o in sold if o.intent.symbol in symbols], at.snapshot):
        raise BalanceLagging(at.id, lagging)
    assets = at.venue.assets() | {p.holding.asset for p in at.snapshot.positions}
    asked = Asked(at.snapshot, at.prices, assets, at.snapshot.taken_at, at.policy, passed=at.tickers.passed)
    _, prices = await at.runtime.gate.passes(asked, arrival)
    at.tickers.passed.update(prices.accepted)
    return ExitFacts(known.tracked, known.configs, known.marks, pending={o.intent.symbol for o in undecided})


def _facts(connection: Connection, account: str, symbols: Collection[str], sent_after: datetime) -> _Facts:
    known = known_positions(connection, account, symbols)
    sold = filled_since(connection, account, known.last_read_at, sent_after=sent_after)
    return known, undecided_orders(connection, account), sold


def _valued(at: AccountAt, holdings: Collection[Holding], symbols: Collection[str]) -> Snapshot:
    """Return the named positions of a balance, with its cash."""
    now, quote = at.clock.now(), at.account.quote
    markets = at.venue.markets(quote)
    cash = next((h for h in holdings if h.asset == quote), None)
    positions = value_holdings(
        (h for h in holdings if f"{h.asset}/{quote}" in symbols),
        quote=quote,
        markets=markets,
        prices=at.prices,
        now=now,
        max_price_age=at.max_price_age,
    )
    return Snapshot(
        account=at.id,
        taken_at=now,
        cash_free=Decimal(0) if cash is None else cash.free,
        cash_total=Decimal(0) if cash is None else cash.total,
        positions=positions,
        markets={p.symbol: markets[p.symbol] for p in positions if p.symbol in markets},
    )


async def _sent(at: AccountAt) -> tuple[LedgerOrder, ...]:
    """Send the orders of `at.plan`, and follow them for a while; return what is known of them."""
    has_to_wait = at.client.capabilities.ordered_nonces and len(at.plan.orders) > 1
    if has_to_wait or any(action.cancel_first for action in at.plan.orders):
        await save_plan(at.store, at.plan, run_id=at.run_id, cycle=1, mode=at.mode)
        await send_orders(at, 1)
    else:
        await _send_together(at)
    orders = await at.ledger.of_run(at.id, at.run_id)
    if not all(order.is_decided for order in orders):
        patience = timedelta(seconds=at.policy.order_timeout_seconds)
        await at.orders.settle(min(patience, SETTLED_WITHIN))
        orders = await at.ledger.of_run(at.id, at.run_id)
    if at.kept_back is not None:
        raise at.kept_back
    return orders


async def _send_together(at: AccountAt) -> None:
    """Commit plan and intents in one transaction, and send at once what may be; each order comes to its end.

    The intents are committed as SENT: nothing lies between this commit and the orders, which leave all together.
    """
    plan, lease, now, sent_at = at.plan, at.held_lease(), at.clock.now(), at.client.now()
    if now > plan.expires_at:
        raise PlanExpired(at.id, plan.expires_at)
    positions = {p.symbol: p for p in at.snapshot.positions}
    intents: list[Intent] = [intent_of(at, plan, a, positions[a.symbol], 1) for a in plan.orders]

    def commit(connection: Connection) -> frozenset[str]:
        keep_plan(connection, plan, run_id=at.run_id, cycle=1, mode=at.mode)
        return commit_as_sent(connection, lease, intents, now=now, sent_at=sent_at)

    ours = await at.store.write(commit)
    sending = (at.orders.send_stamped(lease, i, sent_at) for i in intents if i.client_order_id in ours)
    ends = await asyncio.gather(*sending, return_exceptions=True)
    faults = [end for end in ends if end is not None]
    at.kept_back = next((end for end in faults if isinstance(end, NotAsked)), None)
    for fault in faults:
        if not isinstance(fault, NotAsked):
            raise fault
