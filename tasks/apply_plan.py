"""Apply one plan: every order exactly once, through the ledger."""

from datetime import timedelta
from decimal import Decimal

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.amounts import floor_to_step
from models.dust import DustMark
from models.errors import PlanExpired
from models.order import Intent, LedgerOrder
from models.plan import Action, Plan
from models.position import Position, Snapshot
from models.reasons import ActionKind, OrderState, Reason
from models.store.dust import mark
from tasks.runtime import AccountAt

# Refusals that speak of this order; the others speak of the key, the venue or the moment.
_ABOUT_THE_ORDER = frozenset({"INVALID_ORDER", "BAD_REQUEST", "BAD_SYMBOL"})


async def send_orders(at: AccountAt, cycle: int) -> None:
    """Commit every intent of `at.plan`, then send them one after the other.

    Raises: PlanExpired before anything is sent; LeaseLost, StoreError: what was not sent stays unsent.
    """
    plan, snapshot = at.plan, at.snapshot
    if at.clock.now() > plan.expires_at:
        raise PlanExpired(at.id, plan.expires_at)
    lease = at.held_lease()
    positions = {p.symbol: p for p in snapshot.positions}
    intents = [_intent(at, plan, action, positions[action.symbol], cycle) for action in plan.orders]
    accepted = await at.ledger.commit(lease, intents, at.clock.now())
    conversions = [i for i in intents if i.kind is ActionKind.CONVERT_DUST and i.client_order_id in accepted]
    for action, intent in zip(plan.orders, intents, strict=True):
        if intent.client_order_id not in accepted or intent in conversions:
            continue
        if action.cancel_first and not await _free_what_is_held(at, action, snapshot):
            await at.ledger.closed_without_fill(
                intent.client_order_id, "FUNDS_HELD", "open orders still hold it", at.clock.now()
            )
            continue
        await at.orders.send_once(lease, intent)
    await at.orders.conversions.send_once(lease, conversions)


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
    rejected = [o for o in orders if o.state is OrderState.REJECTED]
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


def _intent(at: AccountAt, plan: Plan, action: Action, position: Position, cycle: int) -> Intent:
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
