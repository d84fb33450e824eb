"""Plan one account on a snapshot that passed its contracts, and write snapshot and plan down."""

import logging
from collections.abc import Collection
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.dust import DustOffer
from models.errors import VenueError
from models.plan import Plan
from models.reasons import ActionKind, Mode, OrderState, Reason
from models.scope import Scope
from models.store.dust import standing_marks
from models.store.freezes import freezes
from models.store.halts import standing_halts
from models.store.position_configs import position_configs
from models.store.runs import save_plan
from models.store.tracked import save_snapshot, tracked_positions
from rules.adoption import adopt, gone
from rules.exit_plan import ExitFacts, make_exit_plan
from rules.limits import day_judge
from rules.plan import make_plan, positions_read
from tasks.bought import entries_of_buys
from tasks.judge_freezes import judge_freezes
from tasks.plan_rebalance import plan_rebalance
from tasks.read_account import read_snapshot
from tasks.runtime import AccountAt, open_account

log = logging.getLogger(__name__)


async def plan_on(at: AccountAt, cycle: int) -> None:
    """Plan on `at.snapshot`, and keep the plan in the store before anything of it is sent. Raises: StoreError."""
    if at.scope is Scope.EXITS:
        await _plan_exits(at)
    elif at.scope is Scope.REBALANCE:
        await plan_rebalance(at)
    else:
        await _plan_policy(at, cycle)
    if positions_read(at.plan) != len(at.snapshot.positions):
        raise RuntimeError(f"{at.id}: the plan speaks of {positions_read(at.plan)} of {len(at.snapshot.positions)}")
    await save_plan(at.store, at.plan, run_id=at.run_id, cycle=cycle, mode=at.mode)


async def _plan_exits(at: AccountAt) -> None:
    refused = {
        order.intent.symbol: f"{order.error_code}: {order.detail}"
        for order in await at.ledger.of_run(at.id, at.run_id)
        if order.state is OrderState.REJECTED
    }
    facts = ExitFacts(
        tracked=await tracked_positions(at.store, at.id),
        configs=await position_configs(at.store, at.id),
        marks=await standing_marks(at.store, at.id),
        pending={o.intent.symbol for o in await at.ledger.undecided(at.id)},
        refused=refused,
    )
    at.plan = make_exit_plan(at.snapshot, at.policy, facts, now=at.clock.now())


async def _plan_policy(at: AccountAt, cycle: int) -> None:
    siblings = []
    for sibling in at.runtime.fleet.siblings(at.account):
        async with open_account(at.runtime, sibling, run_id=at.run_id, mode=Mode.PLAN) as there:
            siblings.append(await read_snapshot(there))
    marks = await standing_marks(at.store, at.id)
    frozen = await freezes(at.store, at.id) if at.policy.top_up_dust else ()
    is_halted = at.policy.top_up_dust and bool(await standing_halts(at.store, at.id))  # what is topped up is bought
    plan = partial(
        make_plan,
        at.snapshot,
        at.policy,
        marks=marks,
        pending={o.intent.symbol for o in await at.ledger.undecided(at.id)},
        now=at.clock.now(),
        siblings=siblings,
        sibling_marks={s.account: await standing_marks(at.store, s.account) for s in siblings},
        sibling_pending={s.account: {o.intent.symbol for o in await at.ledger.undecided(s.account)} for s in siblings},
        may_top_up=not is_halted
        and at.client.capabilities.buys_by_quantity
        and cycle < at.policy.max_enforcement_cycles,
        frozen={freeze.symbol for freeze in frozen if freeze.is_frozen},
    )
    at.plan = plan()
    if offers := await _dust_offers(at, at.plan, {s for s, mark in marks.items() if mark.is_by_hand}):
        at.plan = plan(offers=offers)


async def _dust_offers(at: AccountAt, plan: Plan, by_hand: Collection[str]) -> dict[str, DustOffer]:
    """Ask what the venue would convert of what cannot be sold; by symbol. A venue that cannot say offers nothing.

    `by_hand`: symbols that an operator wants left alone.
    """
    if not at.policy.convert_dust or at.client.capabilities.dust is None:
        return {}
    symbols = [a.symbol for a in plan.actions if a.kind in {ActionKind.MARK_DUST, ActionKind.TOP_UP}]
    symbols += [s.symbol for s in plan.skips if s.reason is Reason.BLACKLISTED and s.symbol not in by_hand]
    if not symbols:
        return {}
    bases = [symbol.split("/", maxsplit=1)[0] for symbol in symbols]
    try:
        offers = await at.client.dust_offers(bases)
    except VenueError as error:
        log.warning("conversions are not known", extra={"account": at.id, "code": error.code})
        return {}
    return {f"{offer.asset}/{at.account.quote}": offer for offer in offers if offer.quantity > 0}


async def keep_and_plan(at: AccountAt, cycle: int) -> None:
    """Keep `at.snapshot` as what is tracked now, and plan on it; the plan becomes `at.plan`. Raises: StoreError."""
    before, snapshot = await tracked_positions(at.store, at.id), at.snapshot
    after = adopt(before, snapshot, now=snapshot.taken_at, entry_prices=await entries_of_buys(at, before))
    for symbol in gone(before, snapshot):
        del after[symbol]
    await save_snapshot(
        at.store,
        snapshot,
        after,
        run_id=at.run_id,
        cycle=cycle,
        mode=at.mode,
        policy_version=at.policy.version,
        judge_day=day_judge(snapshot, at.policy.risk_limits),
    )
    if cycle == 1:  # a run counts a price that fails once, however often it reads
        await judge_freezes(at)
    await plan_on(at, cycle)


@task(name="plan", task_run_name="plan {at.id}", cache_policy=NO_CACHE, retries=0)
async def plan_account(at: AccountAt, cycle: int) -> None:
    """Write the snapshot down, and plan on it."""
    await keep_and_plan(at, cycle)
