"""Collect what a run does with one account, and turn it into its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.amounts import money, plain
from models.freeze import WORDS, Freeze
from models.order import LedgerOrder
from models.plan import Action, Plan
from models.position import Snapshot
from models.reasons import AccountStatus, ActionKind, FreezeCause, OrderState, Outcome
from models.rebalance import Rebalance
from models.rebalance_report import rebalance_report
from models.report import AccountReport, ActionReport, BalanceReport, ErrorReport, SkipReport
from rules.orders import FillFinding, outcome_of, verification_of


@dataclass
class Story:
    """One account's run as it unfolds: snapshots and plans in order, and what went wrong."""

    account: str
    cap: int
    policy_version: str
    live: bool
    snapshots: list[Snapshot] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    applied: list[tuple[int, Plan]] = field(default_factory=list)  # (cycle, plan)
    cycles: int = 0
    errors: list[ErrorReport] = field(default_factory=list)
    balance: BalanceReport | None = None  # what was read last, where this run could not read it
    rebalance: Rebalance | None = None  # the analysis behind the first plan

    def error(self, code: str, message: str, symbol: str | None = None) -> None:
        """Add something that must be known; the same thing is said once."""
        report = ErrorReport(code=code, symbol=symbol, message=message)
        if report not in self.errors:
            self.errors.append(report)

    def name_frozen(self, freezes: Sequence[Freeze]) -> None:
        """Name what stops entries into a symbol, with its cause and what clears it."""
        for freeze in freezes:
            if freeze.is_frozen:
                self.error("SYMBOL_FROZEN", freeze.sentence, freeze.symbol)

    def told(
        self, status: AccountStatus, orders: Sequence[LedgerOrder] = (), blacklisted: Sequence[str] = ()
    ) -> AccountReport:
        """Return the report. `orders`: the ledger's of this run; `blacklisted`: symbols with a standing mark."""
        by_id = {order.intent.client_order_id: order for order in orders}
        first, last = (self.snapshots[0], self.snapshots[-1]) if self.snapshots else (None, None)
        plan_first, plan_last = (self.plans[0], self.plans[-1]) if self.plans else (None, None)
        self._name_unvalued(last)
        self._name_regrown()
        self._name_bad_fills(orders)
        return AccountReport(
            account=self.account,
            status=status,
            cap=self.cap,
            holdings_before=None if first is None else len(first.positions),
            holdings_after=None if last is None else len(last.positions),
            positions_before=None if plan_first is None else plan_first.counted,
            positions_after=None if plan_last is None else plan_last.counted,
            cycles=self.cycles,
            unvalued=[] if last is None else [p.symbol for p in last.unvalued],
            dust=[] if plan_first is None else list(plan_first.dust),
            blacklisted=list(blacklisted),
            cash_usd=None if last is None else money(last.cash_total),
            equity_before_usd=None if first is None else money(first.equity),
            equity_after_usd=None if last is None else money(last.equity),
            policy_version=self.policy_version,
            plan_hash=None if plan_first is None else plan_first.content_hash,
            plan_expires_at=None if plan_first is None else plan_first.expires_at,
            actions=self._actions(by_id),
            skipped=[]
            if plan_last is None
            else [SkipReport(symbol=s.symbol, reason=s.reason, detail=s.detail) for s in plan_last.skips],
            errors=self.errors,
            balance=self.balance,
            rebalance=None if self.rebalance is None else rebalance_report(self.rebalance),
        )

    def _actions(self, orders: Mapping[str, LedgerOrder]) -> list[ActionReport]:
        if not self.applied:
            return [_planned(plan, action, live=self.live) for plan in self.plans[:1] for action in plan.actions]
        return [_done(plan, action, cycle, orders) for cycle, plan in self.applied for action in plan.actions]

    def _name_unvalued(self, snapshot: Snapshot | None) -> None:
        for position in snapshot.unvalued if snapshot else ():
            why = WORDS[FreezeCause(position.no_price)] if position.no_price else "it has no usable price"
            message = f"{plain(position.holding.total)} held, {why}: it counts, and is never sold without a price"
            self.error("PRICE_FETCH_ERROR", message, position.symbol)

    def _name_regrown(self) -> None:
        for plan in self.plans[-1:]:
            for symbol in plan.regrown:
                self.error("DUST_REGREW", "marked as dust before, worth more now: it counts again", symbol)

    def _name_bad_fills(self, orders: Sequence[LedgerOrder]) -> None:
        for order in orders:
            if order.state is OrderState.REJECTED:
                continue  # told under the venue's own reason
            for finding in verification_of(order):
                if (message := _bad_fill(order, finding)) is not None:
                    self.error(finding.name, message, order.intent.symbol)


def _bad_fill(order: LedgerOrder, finding: FillFinding) -> str | None:
    """Say in figures what is wrong with an order's fills; None: nothing, or nothing that an operator must know."""
    wanted, why = plain(order.intent.quantity), "its time was over" if order.timed_out_at else order.detail
    because = f": {why}" if why else ""
    match finding:
        case FillFinding.PARTIAL_FILL:
            return f"filled {plain(order.filled)} of {wanted}{because}"
        case FillFinding.FAILED:
            return f"filled nothing of {wanted}{because}"
        case FillFinding.SLIPPAGE_HIGH if order.average_price is not None:
            return f"expected {plain(order.intent.expected_price)}, got {plain(order.average_price)}"
        case _:
            return None


def _planned(plan: Plan, action: Action, *, live: bool) -> ActionReport:
    """Report an action of a plan that was not applied: planned in a dry run, skipped in a live one."""
    return _action(plan, action, 1, Outcome.SKIPPED if live else Outcome.PLANNED, None)


def _done(plan: Plan, action: Action, cycle: int, orders: Mapping[str, LedgerOrder]) -> ActionReport:
    order = orders.get(plan.client_order_id(action, cycle))
    return _action(plan, action, cycle, Outcome.SKIPPED if order is None else outcome_of(order), order)


def _action(plan: Plan, action: Action, cycle: int, outcome: Outcome, order: LedgerOrder | None) -> ActionReport:
    refusal = "" if order is None or order.error_code is None else f"{order.error_code}: {order.detail}"
    marked = action.kind is ActionKind.MARK_DUST and outcome is Outcome.SKIPPED
    return ActionReport(
        kind=action.kind,
        symbol=action.symbol,
        quantity=plain(action.quantity),
        value_usd=money(action.value),
        reason=action.reason,
        client_order_id=plan.client_order_id(action, cycle) if action.is_order else None,
        outcome=outcome,
        filled="0" if order is None else plain(order.filled),
        average_price=None if order is None or order.average_price is None else plain(order.average_price),
        fee_usd=None if order is None or order.fee_quote is None else plain(order.fee_quote),
        cycle=cycle,
        expected_price=None if order is None else plain(order.intent.expected_price),
        verification=[] if order is None else [finding.name for finding in verification_of(order)],
        timed_out=order is not None and order.timed_out_at is not None,
        detail=refusal or (f"{action.detail}; recorded in the blacklist" if marked else action.detail),
    )
