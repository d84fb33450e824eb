"""Plan which positions are left now: stops first, nothing unvalued, nothing while an order is pending. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from models.amounts import money, plain
from models.dust import DustMark
from models.exits import ExitReason, ExitSignal, PositionConfig
from models.plan import Action, Plan, Skip
from models.policy import Policy
from models.position import Position, Snapshot, Tracked
from models.reasons import ActionKind, Reason
from rules.cap import takes_slot
from rules.exit_limits import entry_in_force, limits_in_force, needs_entry
from rules.exits import judge_exit
from rules.sellable import Sellable, sellable

KINDS = {reason: ActionKind(reason.value) for reason in ExitReason}  # in the order in which they are sent
STOPS = frozenset(kind for reason, kind in KINDS.items() if reason.is_stop)
_ORDER_OF_KINDS = sorted(KINDS.values(), key=lambda kind: kind not in STOPS)


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """What is known of an account's positions beside its snapshot, by symbol.

    `pending`: symbols with an undecided order. `refused`: what the venue refused in this very run, with its words; the
    next run tries it again.
    """

    tracked: Mapping[str, Tracked]
    configs: Mapping[str, PositionConfig] = field(default_factory=dict)
    marks: Mapping[str, DustMark] = field(default_factory=dict)
    pending: Collection[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


def make_exit_plan(snapshot: Snapshot, policy: Policy, facts: ExitFacts, *, now: datetime) -> Plan:
    """Return the exits that are due now. Every position stands once: sold, skipped with its reason, or kept."""
    cases = [_Case(position, snapshot, policy, facts, now) for position in snapshot.positions]
    judged = {case.position.symbol: case.judged() for case in cases}
    actions = [j for j in judged.values() if isinstance(j, Action)]
    skips = [j for j in judged.values() if isinstance(j, Skip)]
    return Plan(
        account=snapshot.account,
        policy_version=policy.version,
        made_at=now,
        expires_at=now + timedelta(seconds=policy.plan_ttl_seconds),
        counted=sum(case.counts for case in cases),
        actions=tuple(sorted(actions, key=lambda a: (_ORDER_OF_KINDS.index(a.kind), -a.value, a.symbol))),
        skips=tuple(sorted(skips, key=lambda s: s.symbol)),
        dust=tuple(sorted(case.position.symbol for case in cases if not case.counts)),
        kept=tuple(sorted(symbol for symbol, j in judged.items() if j is None)),
    )


def standing_stops(plan: Plan) -> dict[str, str]:
    """Return the stops that a plan finds due, by symbol, with why each is not carried out as far as that is known."""
    due = {a.symbol: a.detail for a in plan.actions if a.kind in STOPS}
    return due | {s.symbol: f"{s.detail}: {s.reason}" for s in plan.skips if s.wanted in STOPS}


def unknown_entries(plan: Plan) -> tuple[str, ...]:
    """Return the symbols that are held although nobody knows what they cost."""
    return tuple(s.symbol for s in plan.skips if s.reason is Reason.ENTRY_UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Case:
    position: Position
    snapshot: Snapshot
    policy: Policy
    facts: ExitFacts
    now: datetime

    def judged(self) -> Action | Skip | None:
        """Return the exit that is due, why it is not made, or None: the position is held on to."""
        position, symbol = self.position, self.position.symbol
        if position.price is None:
            return Skip(symbol, Reason.UNVALUED, position.no_price or "")
        if self._mark is not None and self._mark.is_by_hand and not self.counts:
            return Skip(symbol, Reason.BLACKLISTED, "by hand")
        own = self.facts.configs.get(symbol)
        tracked = self.facts.tracked.get(symbol) or Tracked(symbol, position.holding.total, None, self.now)
        entry, limits = entry_in_force(tracked, own), limits_in_force(self.policy, own)
        signal = judge_exit(
            position.price.value,
            entry_price=entry,
            peak_price=tracked.peak_price,
            first_seen_at=tracked.first_seen_at,
            now=self.now,
            limits=limits,
        )
        if signal is not None:
            return self._exit(signal, f"{signal} at {plain(position.price.value)}", entry, tracked.first_seen_at)
        if symbol in self.facts.pending:
            return Skip(symbol, Reason.ORDER_PENDING)
        is_missed = entry is None and self.counts and needs_entry(limits)
        return Skip(symbol, Reason.ENTRY_UNKNOWN, "what it cost is not known") if is_missed else None

    @property
    def counts(self) -> bool:
        """Whether the position takes a slot: what is dust by now is the dust cleanup's to mind."""
        is_pending = self.position.symbol in self.facts.pending
        return takes_slot(self.position, policy=self.policy, mark=self._mark, is_pending=is_pending)

    def _exit(self, signal: ExitSignal, words: str, entry: Decimal | None, held_since: datetime) -> Action | Skip:
        kind, symbol, value = KINDS[signal.reason], self.position.symbol, self.position.value or Decimal(0)
        sale = self._sale(signal)
        if isinstance(sale, Reason):
            said = self.facts.refused.get(symbol, "")
            return Skip(symbol, sale, f"{words}, {said}" if said else words, kind if self.counts else None)
        return Action(
            kind=kind,
            symbol=symbol,
            quantity=sale.quantity,
            value=value,
            reason=Reason(kind.value),
            detail=f"{words}, worth {money(value)}",
            cancel_first=sale.cancel_first,
            entry_price=entry,
            held_since=held_since,
        )

    def _sale(self, signal: ExitSignal) -> Sellable | Reason:
        """Return what can be sold, or why nothing can. A stop does not rest for having been refused some time ago."""
        if self.position.symbol in self.facts.pending:
            return Reason.ORDER_PENDING
        mark = self._mark
        rests = mark is not None and mark.retry_at is not None and mark.retry_at > self.now
        if self.position.symbol in self.facts.refused or (rests and not signal.reason.is_stop):
            return Reason.REFUSED_BEFORE
        return sellable(self.position, snapshot=self.snapshot, policy=self.policy)

    @property
    def _mark(self) -> DustMark | None:
        return self.facts.marks.get(self.position.symbol)
