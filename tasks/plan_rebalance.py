"""Plan an account towards the weights of its strategies, every buy held to the entry check."""

from collections.abc import Mapping
from datetime import timedelta

from models.market import Price
from models.reasons import ActionKind, Mode, OrderState
from models.rebalance import Rebalance, weights_by_symbol
from models.store.dust import standing_marks
from models.store.reservations import Reservation, release, renewed
from rules.rebalance_plan import RebalanceFacts, make_rebalance_plan, without_blocked
from rules.valuation import price_problem
from tasks.judge_entry import judged_entry
from tasks.runtime import AccountAt
from tasks.weigh import weighed


async def plan_rebalance(at: AccountAt) -> None:
    """Plan on `at.snapshot`; the analysis becomes `at.rebalance`. In a run that acts an allowed buy keeps its slot.

    A run weighs once: what is tested while it sells does not change what it then buys.
    Raises: ConfigError, NotMeasured, StoreError.
    """
    policy = at.runtime.fleet.policies[at.id]  # the whole of it: what a buy must be worth is not this scope's to lower
    now = at.clock.now()
    await _release_slots(at)
    known = at.rebalance
    strategies = await weighed(at.store, at.account, policy, now) if known is None else known.strategies
    weights, refused = weights_by_symbol(strategies), await _refused(at)
    markets = at.venue.markets(at.account.quote)
    facts = RebalanceFacts(
        weights=weights,
        markets={symbol: markets[symbol] for symbol in weights if symbol in markets},
        prices={symbol: price for symbol, price in _usable_prices(at).items() if symbol in weights},
        pending={order.intent.symbol for order in await at.ledger.undecided(at.id)},
        refused=refused,
        marks=await standing_marks(at.store, at.id),
        buys_by_quantity=at.client.capabilities.buys_by_quantity,
    )
    plan = make_rebalance_plan(at.snapshot, policy, facts, now=now)
    blocked: dict[str, list[str]] = {}
    slots: list[Reservation] = []
    for action in plan.plan.actions:
        if action.kind is ActionKind.REBALANCE_BUY:
            reserving = at.mode is not Mode.PLAN
            judged = await judged_entry(at.runtime, at.account, action.symbol, action.value, reserving=reserving)
            if not judged.verdict.is_allowed:
                blocked[action.symbol] = [block.value for block in judged.verdict.blocks]
            elif reserving:  # to judge the next one takes its time
                slots.append(Reservation(at.id, action.symbol, action.value))
                await renewed(at.store, slots, seconds=policy.entry_reservation_seconds)
    plan = without_blocked(plan, blocked, at.snapshot)
    at.plan, at.rebalance = plan.plan, Rebalance(plan.managed, strategies, plan.changes)


def _usable_prices(at: AccountAt) -> Mapping[str, Price]:
    """Return the prices that a quantity may follow from: of what is not held yet, nothing else has looked at them."""
    now, age = at.snapshot.taken_at, at.max_price_age
    return {s: p for s, p in at.prices.items() if price_problem(p, now=now, max_price_age=age) is None}


async def _release_slots(at: AccountAt) -> None:
    """Give back what buys had set aside that have come to their end, those of a run that was killed among them.

    What has filled by now counts by itself. A run that only plans holds no lease, and may stand beside one that buys.
    """
    if at.mode is Mode.PLAN:
        return
    policy = at.runtime.fleet.policies[at.id]
    since = at.clock.now() - timedelta(seconds=policy.entry_reservation_seconds)
    bought = [o for o in await at.ledger.changed_since(at.id, since) if o.intent.kind is ActionKind.REBALANCE_BUY]
    bought += [o for o in await at.ledger.of_run(at.id, at.run_id) if o.intent.kind is ActionKind.REBALANCE_BUY]
    done = [o.intent for o in bought if o.is_decided]
    await release(at.store, [Reservation(at.id, i.symbol, i.quantity * i.expected_price) for i in done])


async def _refused(at: AccountAt) -> dict[str, str]:
    return {
        order.intent.symbol: f"{order.error_code}: {order.detail}"
        for order in await at.ledger.of_run(at.id, at.run_id)
        if order.state is OrderState.REJECTED
    }
