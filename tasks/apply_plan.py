"""Apply one plan: every order exactly once, through the ledger."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.amounts import floor_to_step
from models.dust import DustMark
from models.errors import NotAsked, PlanExpired, VenueError
from models.order import Intent, LedgerOrder
from models.plan import Action, Plan
from models.position import Holding, Position, Snapshot
from models.reasons import ActionKind, OrderState, Reason
from models.scope import Scope
from models.store.dust import mark
from models.store.halts import standing_halts
from models.store.overrides import standing_overrides
from models.store.reservations import Reservation, renewed
from rules.limits import is_stopped
from tasks.runtime import AccountAt

# What is traded for its weight is no holding that cannot be got rid of: the next run tries it again.
_OF_WEIGHTS = frozenset({ActionKind.REBALANCE_SELL, ActionKind.REBALANCE_BUY})

# Refusals that speak of this order; the others speak of the key, the venue or the moment.
_ABOUT_THE_ORDER = frozenset({"INVALID_ORDER", "BAD_REQUEST", "BAD_SYMBOL"})


async def send_orders(at: AccountAt, cycle: int) -> None:
    """Commit every intent of `at.plan`, then send them one after the other; exits all at once where the venue lets us.

    What a guard of ours keeps back is no fault of the orders: it goes to `at.kept_back`, and none of the rest is sent.
    Raises: PlanExpired before anything is sent; LeaseLost, StoreError: what was not sent stays unsent.
    """
    plan, snapshot = at.plan, at.snapshot
    if at.clock.now() > plan.expires_at:
        raise PlanExpired(at.id, plan.expires_at)
    lease = at.held_lease()
    positions = {p.symbol: p for p in snapshot.positions}
    intents = [intent_of(at, plan, action, positions.get(action.symbol), cycle) for action in plan.orders]
    accepted = await at.ledger.commit(lease, intents, at.clock.now())
    conversions = [i for i in intents if i.kind is ActionKind.CONVERT_DUST and i.client_order_id in accepted]
    sales = [
        (action, intent)
        for action, intent in zip(plan.orders, intents, strict=True)
        if intent.client_order_id in accepted and intent not in conversions
    ]
    try:
        # A stop does not wait for another one's answer. Where nonces must arrive in order, it would wait with its hour
        # written on it, and arrive too late.
        if at.scope is Scope.EXITS and not at.client.capabilities.ordered_nonces:
            await _send_together(at, sales)
        else:
            for number, (action, intent) in enumerate(sales):
                if action.kind is not ActionKind.REBALANCE_BUY or await _may_still_buy(
                    at, intent, [other for _, other in sales[number:]]
                ):
                    await _send(at, action, intent)
        await at.orders.conversions.send_once(lease, conversions)
    except NotAsked as kept:
        at.kept_back = kept


async def _send_together(at: AccountAt, sales: Sequence[tuple[Action, Intent]]) -> None:
    """Send all at once; each comes to its end before the first fault is told. Raises: as `_send`."""
    ends = await asyncio.gather(*(_send(at, action, intent) for action, intent in sales), return_exceptions=True)
    faults = [end for end in ends if end is not None]
    for fault in sorted(faults, key=lambda end: isinstance(end, NotAsked)):  # what was only kept back is told last
        raise fault


async def _send(at: AccountAt, action: Action, intent: Intent) -> None:
    """Free what is held of a holding, and send its order. What goes wrong at the venue is this order's alone.

    Raises: NotAsked, LeaseLost, StoreError.
    """
    code, why = "FUNDS_HELD", "open orders still hold it"
    try:
        is_free = not action.cancel_first or await _free_what_is_held(at, action, at.snapshot)
    except NotAsked:
        raise
    except VenueError as error:
        is_free, code, why = False, error.code, f"what holds it could not be canceled: {error}"
    if is_free:
        await at.orders.send_once(at.held_lease(), intent)
    else:
        await at.ledger.closed_without_fill(intent.client_order_id, code, why, at.clock.now())


async def _may_still_buy(at: AccountAt, intent: Intent, waiting: Sequence[Intent]) -> bool:
    """Say whether a buy may still leave; one that may not is closed, with its reason.

    It was allowed a while ago. `waiting`: it and those after it, whose slots must last until their turn.
    Raises: StoreError.
    """
    policy, now = at.runtime.fleet.policies[at.id], at.clock.now()
    slots = [Reservation(at.id, i.symbol, i.quantity * i.expected_price) for i in waiting]
    kept = await renewed(at.store, slots, seconds=policy.entry_reservation_seconds)
    halts = await standing_halts(at.store, at.id)
    set_aside = [one.block for one in await standing_overrides(at.store, at.id, now=now)]
    if is_stopped([one.cause for one in halts], set_aside):
        code, why = "HALTED", "; ".join(one.sentence for one in halts)
    elif now > at.plan.expires_at:
        code, why = PlanExpired.code, str(PlanExpired(at.id, at.plan.expires_at))
    elif policy.entry_reservation_seconds and intent.symbol not in kept:  # without, the policy keeps none
        code, why = "SLOT_LOST", "what the entry check had set aside for it ran out before it was sent"
    else:
        return True
    await at.ledger.closed_without_fill(intent.client_order_id, code, why, now)
    return False


async def mark_dust(at: AccountAt) -> None:
    """Record every holding that the plan found unsellable. Raises: StoreError."""
    now = at.clock.now()
    marks = {
        a.symbol: DustMark(a.symbol, a.reason, a.value, now) for a in at.plan.actions if a.kind is ActionKind.MARK_DUST
    }
    await mark(at.store, at.id, marks, mode=at.mode, policy_version=at.policy.version)


async def mark_refused(at: AccountAt, orders: tuple[LedgerOrder, ...]) -> None:
    """Let a holding rest whose own sale the venue refused, so that it is not tried in every cycle.

    When every order of a plan was refused the fault is ours or the venue's, not the holdings': none is marked.
    """
    rejected = [o for o in orders if o.state is OrderState.REJECTED and o.intent.kind not in _OF_WEIGHTS]
    refused = [o for o in rejected if o.error_code in _ABOUT_THE_ORDER]
    if len(refused) == len(orders) > 1:
        refused = []
    # A venue converts a few times a day at most, and says no to all of a request: those that were in it wait.
    refused += [o for o in rejected if o.intent.kind is ActionKind.CONVERT_DUST and o not in refused]
    now = at.clock.now()
    retry_at = now + timedelta(hours=at.policy.refusal_backoff_hours)
    value = {a.symbol: a.value for a in at.plan.actions}
    marks = {
        o.intent.symbol: DustMark(o.intent.symbol, Reason.REFUSED_BEFORE, value[o.intent.symbol], now, retry_at)
        for o in refused
    }
    await mark(at.store, at.id, marks, mode=at.mode, policy_version=at.policy.version)


@task(name="apply", task_run_name="apply {at.id}", cache_policy=NO_CACHE, retries=0)  # run twice, it could sell twice
async def apply_plan(at: AccountAt, cycle: int) -> None:
    """Send the plan's orders, each once."""
    await send_orders(at, cycle)


async def _free_what_is_held(at: AccountAt, action: Action, snapshot: Snapshot) -> bool:
    """Cancel the open orders that hold the quantity; say whether it is free now."""
    for order_id in action.cancel_first:
        await at.client.cancel(order_id, action.symbol)
    market = snapshot.markets[action.symbol]
    free = sum((h.free for h in await at.client.holdings() if h.asset == market.base), Decimal(0))
    return floor_to_step(free, market.lot_step) >= action.quantity


def intent_of(at: AccountAt, plan: Plan, action: Action, position: Position | None, cycle: int) -> Intent:
    """Return what an action means to send; `position` None: it buys what is not held yet."""
    if position is None:
        position = Position(action.symbol, Holding(action.symbol, Decimal(0)), at.prices.get(action.symbol))
    if position.price is None:
        raise RuntimeError(f"{at.id}: {action.symbol} has no price and cannot be in a plan")
    return Intent(
        client_order_id=plan.client_order_id(action, cycle),
        account=at.id,
        mode=at.mode,
        policy_version=plan.policy_version,
        run_id=at.run_id,
        plan_id=plan.plan_id,
        cycle=cycle,
        kind=action.kind,
        symbol=action.symbol,
        side=action.side,
        quantity=action.quantity,
        expected_price=position.price.value,
        holding_before=position.holding.total,
    )
