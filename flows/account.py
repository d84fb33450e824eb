"""Normalise one account: lease, recover, read, plan, apply, settle, verify, and again until it holds or is halted."""

import logging
from contextlib import AsyncExitStack

from flows.account_metrics import account_metrics
from flows.account_report import Story
from flows.balance_report import tell_last_balance
from flows.exit_alerts import tell_exits
from models.errors import (
    BalanceLagging,
    ContractBroken,
    EmptyLooking,
    KeyMayWithdraw,
    LeaseHeld,
    NijaError,
    NotMeasured,
    PlanExpired,
    VenueError,
)
from models.fleet import Account
from models.log_context import about, about_plan
from models.order import LedgerOrder
from models.reasons import AccountStatus, ActionKind, HaltCause, OrderState
from models.report import AccountReport
from models.scope import Scope
from models.store.dust import standing_marks
from models.store.freezes import freezes
from models.store.halts import clear_halts, halt, standing_halts
from models.store.leases import hold
from models.store.runs import save_account_run
from rules.exit_plan import standing_stops
from rules.plan import is_compliant, over_cap, over_cap_here
from tasks.apply_plan import apply_plan, mark_dust, mark_refused
from tasks.check_key import refuse_withdrawal_key
from tasks.plan_account import plan_account, plan_on
from tasks.progress import Stage, tell
from tasks.read_account import failure_counted, read_account
from tasks.runtime import AccountAt, Runtime, mode_of, open_account
from tasks.settle_orders import recover_orders, settle_orders
from tasks.step import step
from tasks.verify_account import verify_account

log = logging.getLogger(__name__)

# What leaves an account alone on purpose; every other fault of ours is a failure.
_BLOCKING = (
    VenueError,
    ContractBroken,
    EmptyLooking,
    BalanceLagging,
    KeyMayWithdraw,
    LeaseHeld,
    PlanExpired,
    NotMeasured,
)
_NOT_WELL = frozenset({AccountStatus.BLOCKED, AccountStatus.FAILED})


async def normalize_account(
    runtime: Runtime,
    account: Account,
    *,
    run_id: str,
    live: bool,
    approved: str | None = None,
    scope: Scope = Scope.ALL,
) -> AccountReport:
    """Bring one account into the shape of its policy, or plan to. Never raises: a fault is this account's alone.

    `approved`: the content hash of the plan a person saw; another plan is then not applied.
    """
    with about(account.id, run_id):
        return await _normalized(runtime, account, run_id, live=live, approved=approved, scope=scope)


async def _normalized(
    runtime: Runtime, account: Account, run_id: str, *, live: bool, approved: str | None, scope: Scope
) -> AccountReport:
    policy = runtime.fleet.policies[account.id]
    story = Story(account.id, policy.max_positions, policy.version, live=live)
    run = _Run(runtime, account, run_id, story, approved, scope)
    try:
        status = await (run.apply() if live else run.plan_only())
    except _BLOCKING as error:
        story.error(error.code, str(error))
        status = AccountStatus.BLOCKED
    except NijaError as error:
        story.error(error.code, str(error))
        status = AccountStatus.FAILED
    except Exception as error:
        log.exception("account failed", extra={"account": account.id})
        story.error("INTERNAL_ERROR", f"{type(error).__name__}, see the log; nothing more was sent")
        status = AccountStatus.FAILED
    tell(account.id, Stage.DONE)
    return await run.report(status)


class _Run:
    """One account's run; `at` is set once the account is reached."""

    def __init__(  # noqa: PLR0917 - see `normalize_account`, which alone builds it
        self, runtime: Runtime, account: Account, run_id: str, story: Story, approved: str | None, scope: Scope
    ) -> None:
        self.runtime = runtime
        self.account = account
        self.run_id = run_id
        self.story = story
        self.approved = approved
        self.scope = scope
        self.mode = mode_of(account, live=story.live)
        self.at: AccountAt | None = None

    async def plan_only(self) -> AccountStatus:
        """Read and plan. Nothing is sent, nothing is marked, nobody's lease is taken."""
        async with AsyncExitStack() as stack:
            at = await self._open(stack)
            await self._read_and_plan(at)
            try:
                await refuse_withdrawal_key(at)
            except (KeyMayWithdraw, VenueError) as error:  # it would stop a live run; the plan is shown all the same
                self.story.error(error.code, str(error))
            if await self._is_halted(at, lift=False):
                return AccountStatus.BLOCKED
            is_well = is_compliant(at.plan, at.policy.max_positions) and not standing_stops(at.plan)
            return AccountStatus.COMPLIANT if is_well else AccountStatus.PENDING

    async def apply(self) -> AccountStatus:
        """Hold the lease and enforce the policy."""
        async with AsyncExitStack() as stack:
            lease = await stack.enter_async_context(hold(self.runtime.store, self.account.id, self.runtime.holder))
            at = await self._open(stack)
            # Two accounts of a fleet, or of two fleets, may have been given the same key.
            await stack.enter_async_context(hold(self.runtime.store, f"the key {at.key}", self.runtime.holder))
            at.lease = lease
            tell(at.id, Stage.RECOVERING)
            if await at.ledger.undecided(at.id):
                await recover_orders(at)
            await self._read_and_plan(at)
            await self._refuse_withdrawal_key(at)
            if await self._is_halted(at, lift=True):
                return AccountStatus.BLOCKED
            if self.approved is not None and at.plan.content_hash != self.approved:
                self.story.error("PLAN_CHANGED", "the account changed since its plan was approved; look at the new one")
                return AccountStatus.BLOCKED
            await self._enforce(at)
            return await self._judge(at)

    async def report(self, status: AccountStatus) -> AccountReport:
        """Return the account's report, kept in the store where that is possible."""
        orders: tuple[LedgerOrder, ...] = ()
        marked: list[str] = []
        try:
            if self.at is not None:
                orders = await self.at.ledger.of_run(self.account.id, self.run_id)
                marked = sorted(await standing_marks(self.runtime.store, self.account.id))
                self.story.name_frozen(await freezes(self.runtime.store, self.account.id))
                if self.scope is Scope.EXITS:
                    await tell_exits(self.runtime.store, self.story, orders, self.runtime.clock.now())
            if status in _NOT_WELL:
                policy, now = self.runtime.fleet.policies[self.account.id], self.runtime.clock.now()
                await tell_last_balance(self.runtime.store, self.story, policy, self.account.quote, now)
            told = self.story.told(status, orders, marked)
            log.info("account metrics", extra=account_metrics(self.account, told, self.story))
            await save_account_run(
                self.runtime.store,
                self.run_id,
                account=self.account.id,
                mode=self.mode,
                policy_version=self.story.policy_version,
                status=status,
                report=told.model_dump(mode="json"),
                now=self.runtime.clock.now(),
            )
        except NijaError as error:  # the store went away: what is known is still said
            self.story.error(error.code, str(error))
            return self.story.told(AccountStatus.FAILED, orders, marked)
        return told

    async def _open(self, stack: AsyncExitStack) -> AccountAt:
        tell(self.account.id, Stage.CONNECTING)
        account = open_account(self.runtime, self.account, run_id=self.run_id, mode=self.mode, scope=self.scope)
        async with failure_counted(self.runtime, self.account, self.mode):
            self.at = await stack.enter_async_context(account)
        return self.at

    async def _read_and_plan(self, at: AccountAt) -> None:
        tell(at.id, Stage.READING)
        await step(read_account, at)
        tell(at.id, Stage.PLANNING)
        await step(plan_account, at, 1)
        self._keep(at)

    async def _verify(self, at: AccountAt, cycle: int) -> None:
        tell(at.id, Stage.READING)
        await verify_account(at, cycle)
        self._keep(at)

    def _keep(self, at: AccountAt) -> None:
        self.story.snapshots.append(at.snapshot)
        self.story.plans.append(at.plan)
        self.story.rebalance = self.story.rebalance or at.rebalance
        about_plan(at.plan.plan_id)

    async def _refuse_withdrawal_key(self, at: AccountAt) -> None:
        try:
            await refuse_withdrawal_key(at)
        except VenueError as error:
            if self.scope is not Scope.EXITS:
                raise
            self.story.error(error.code, str(error))  # no stop waits for an answer that says nothing of it

    async def _is_halted(self, at: AccountAt, *, lift: bool) -> bool:
        """Whether a halt keeps this run off. One whose stated condition holds by now is lifted, where it may write.

        An account whose cap was not reached is left alone; every other cause stops entries only, and none an exit.
        """
        halts = await standing_halts(at.store, at.id)
        cap_halts = [h for h in halts if h.cause is HaltCause.CAP_NOT_REACHED]
        sees_cap = self.scope in {Scope.ALL, Scope.CAP}
        if cap_halts and lift and sees_cap and not over_cap(at.plan, at.policy.max_positions):
            reason = f"{at.plan.counted} positions read at the venue, cap {at.policy.max_positions}"
            await clear_halts(
                at.store,
                at.id,
                causes=[HaltCause.CAP_NOT_REACHED],
                by="clear condition",
                reason=reason,
                now=at.clock.now(),
            )
            self.story.error("HALT_CLEARED", reason)
            halts, cap_halts = tuple(h for h in halts if h not in cap_halts), []
        for standing in halts:
            self.story.error("HALTED", standing.sentence)
        return bool(cap_halts) and self.scope is not Scope.EXITS

    async def _enforce(self, at: AccountAt) -> None:
        """Apply, settle and verify until nothing can be done any more."""
        while True:
            if any(a.kind is ActionKind.MARK_DUST for a in at.plan.actions) and not at.plan.orders:
                await mark_dust(at)
                self.story.applied.append((self.story.cycles, at.plan))
                await plan_on(at, self.story.cycles + 1)
                self.story.plans.append(at.plan)
            if not at.plan.orders or self.story.cycles == at.policy.max_enforcement_cycles or self._unseen(at):
                return
            self.story.cycles += 1
            cycle = self.story.cycles
            self.story.applied.append((cycle, at.plan))
            tell(at.id, Stage.SELLING)
            await apply_plan(at, cycle)
            await mark_dust(at)
            tell(at.id, Stage.SETTLING)
            await settle_orders(at)
            sent = await at.ledger.by_id([at.plan.client_order_id(a, cycle) for a in at.plan.orders])
            orders = tuple(sent.values())
            await mark_refused(at, orders)
            self._alarm_without_progress(orders)
            await self._verify(at, cycle + 1)
            if at.kept_back is not None:  # the account is left alone until the venue may be asked again: no halt
                raise at.kept_back

    def _unseen(self, at: AccountAt) -> list[str]:
        """Return what a later cycle would sell and a person who approved the first one has not seen."""
        if self.approved is None or not self.story.applied:
            return []
        seen = {action.symbol for action in self.story.plans[0].orders}
        if self.story.rebalance is not None:  # a buy that waited for sales was in the analysis
            seen |= {change.symbol for change in self.story.rebalance.changes}
        return sorted({action.symbol for action in at.plan.orders} - seen)

    def _alarm_without_progress(self, orders: tuple[LedgerOrder, ...]) -> None:
        """Say so when a whole cycle filled nothing: that is never only a matter of its orders."""
        if any(order.filled > 0 for order in orders):
            return
        codes = sorted({order.error_code for order in orders if order.error_code})
        said = f" ({', '.join(codes)})" if codes else ""
        self.story.error("ZERO_PROGRESS", f"cycle {self.story.cycles}: none of {len(orders)} orders filled{said}")

    async def _judge(self, at: AccountAt) -> AccountStatus:
        """Say how the account came out, from what was read last."""
        undecided = await at.ledger.undecided(at.id)
        for order in undecided:
            message = f"{order.intent.client_order_id} is {order.state}; nothing else is sent for it: nija recover"
            self.story.error("ORDER_UNDECIDED", message, order.intent.symbol)
        for order in await at.ledger.of_run(at.id, at.run_id):
            if order.state is OrderState.REJECTED:
                self.story.error(order.error_code or "REJECTED", order.detail, order.intent.symbol)
        if unseen := self._unseen(at):
            self.story.error("PLAN_CHANGED", f"what is left to do was not approved: {', '.join(unseen)}")
            return AccountStatus.BLOCKED
        over = over_cap_here(at.plan, at.policy.max_positions)
        spent = self.story.cycles == at.policy.max_enforcement_cycles
        if over and (spent or not undecided):
            await self._halt(at, over)
            return AccountStatus.HALTED
        if undecided:
            return AccountStatus.BLOCKED
        if at.plan.actions:
            self.story.error("ACTIONS_LEFT", f"{len(at.plan.actions)} actions left after {self.story.cycles} cycles")
            return AccountStatus.FAILED
        if standing_stops(at.plan):  # named in the report, where every way out of a run comes by
            return AccountStatus.FAILED
        if elsewhere := over_cap(at.plan, at.policy.max_positions):
            self.story.error("OVER_ELSEWHERE", f"the owner's other accounts have {elsewhere} to close for the cap")
        return AccountStatus.COMPLIANT

    async def _halt(self, at: AccountAt, over: int) -> None:
        detail = f"{over} over the cap of {at.policy.max_positions} after {self.story.cycles} cycles"
        if not at.plan.orders:
            detail += "; nothing of the rest can be sold"
        clears_when = f"a read shows at most {at.policy.max_positions} positions, or an operator lifts it"
        await halt(
            at.store,
            at.id,
            mode=at.mode,
            policy_version=at.policy.version,
            run_id=at.run_id,
            cause=HaltCause.CAP_NOT_REACHED,
            detail=detail,
            clears_when=clears_when,
            now=at.clock.now(),
        )
        self.story.error(HaltCause.CAP_NOT_REACHED, f"{detail}; clears when {clears_when}")
