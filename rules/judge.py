"""Judge one position under the policy: does it take a slot, what is done with it, or why is it left alone. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.amounts import money
from models.dust import DustMark
from models.plan import Action, Skip
from models.policy import Policy
from models.position import Position, Snapshot
from models.reasons import ActionKind, Reason
from rules.cap import takes_slot
from rules.dust import has_regrown
from rules.sellable import Sellable, sellable
from rules.unsellable import NO_OTHER_WAYS, Ways

WITHHELD = frozenset({Reason.LOCKED_AT_VENUE, Reason.FUNDS_HELD})  # these pass by themselves: nothing to mark


@dataclass(frozen=True, slots=True)
class Judged:
    """One position, judged alone. At most one of `action` and `skip`; neither: kept, within policy.

    `frees_slot`: the action leaves nothing behind that counts. `trim`: the sale that would free its slot, should the
    cap need it. `is_pending`: an undecided order may free it already, so nothing larger is sold in its stead.
    """

    account: str
    position: Position
    counts: bool
    is_pending: bool = False
    regrown: bool = False
    action: Action | None = None
    frees_slot: bool = False
    skip: Skip | None = None
    trim: Sellable | None = None

    @property
    def stays(self) -> bool:
        """Whether it takes a slot still once its own action is done."""
        return self.counts and not self.frees_slot


def judge(
    position: Position,
    *,
    snapshot: Snapshot,
    policy: Policy,
    mark: DustMark | None,
    is_pending: bool,
    now: datetime,
    ways: Ways = NO_OTHER_WAYS,
) -> Judged:
    """Judge one position by itself; whether the cap needs its slot is decided over all of them."""
    value = position.value
    case = _Case(position, value or Decimal(0), snapshot, policy, mark, now, ways)
    if value is None:
        return case.left_alone(Reason.UNVALUED, position.no_price or "", is_pending=is_pending)
    if is_pending:
        return case.left_alone(Reason.ORDER_PENDING, is_pending=True)
    return case.by_value()


@dataclass(frozen=True, slots=True)
class _Case:
    position: Position
    value: Decimal
    snapshot: Snapshot
    policy: Policy
    mark: DustMark | None
    now: datetime
    ways: Ways

    def by_value(self) -> Judged:
        counts = takes_slot(self.position, policy=self.policy, mark=self.mark)
        if self.value >= self.policy.consolidation_threshold_usd and counts:
            return self.keeper()
        if self.mark is not None and self.mark.is_by_hand:
            return self.set_aside(counts=counts)
        if not counts:
            return self.dust()
        return self.small() if self.value < self.policy.minimum_position_usd else self.consolidation_candidate()

    def set_aside(self, *, counts: bool) -> Judged:
        """Leave alone what an operator put on the blacklist. What counts may still go for the cap, in its turn."""
        detail = f"by hand, worth {money(self.value)}"
        return self.left_alone(
            Reason.BLACKLISTED, detail, counts=counts, trim=self._trim(self._sale()) if counts else None
        )

    def dust(self) -> Judged:
        if self.policy.dust_cleanup_dry_run:
            return self.left_alone(Reason.DUST_DRY_RUN, counts=False)
        if self._is_backed_off:
            return self.left_alone(Reason.REFUSED_BEFORE, counts=False)
        if self.value >= self.policy.dust_threshold_usd:
            detail = f"worth {money(self.value)}, counts again from {money(self.policy.regrown_threshold_usd)}"
            return self.left_alone(Reason.BLACKLISTED, detail, counts=False)
        sale = self._sale()
        if isinstance(sale, Reason):
            return self._unsellable(sale, counts=False)
        reason = Reason.BELOW_DUST_THRESHOLD
        return self._closed(ActionKind.CLOSE_DUST, sale, reason, self.policy.dust_threshold_usd, counts=False)

    def small(self) -> Judged:
        if self._is_backed_off:
            return self.left_alone(Reason.REFUSED_BEFORE)
        sale = self._sale()
        if isinstance(sale, Reason):
            return self.left_alone(sale) if sale in WITHHELD else self._unsellable(sale, counts=True)
        if pointless := self._pointless(sale):
            return self.left_alone(pointless)
        reason = Reason.BELOW_MINIMUM_POSITION
        return self._closed(ActionKind.CLOSE_SMALL, sale, reason, self.policy.minimum_position_usd, counts=True)

    def consolidation_candidate(self) -> Judged:
        sale = self._sale()
        if self.policy.close_consolidation_candidates:
            if self._is_backed_off:
                return self.left_alone(Reason.REFUSED_BEFORE)
            if isinstance(sale, Sellable) and not self._pointless(sale):
                reason, below = Reason.CONSOLIDATION_CANDIDATE, self.policy.consolidation_threshold_usd
                return self._closed(ActionKind.CLOSE_SMALL, sale, reason, below, counts=True)
        detail = f"worth {money(self.value)}, below {money(self.policy.consolidation_threshold_usd)}"
        return self.left_alone(Reason.CONSOLIDATION_CANDIDATE, detail, trim=self._trim(sale))

    def keeper(self) -> Judged:
        return Judged(
            account=self.snapshot.account,
            position=self.position,
            counts=True,
            regrown=self._regrown,
            trim=self._trim(self._sale()),
        )

    def left_alone(
        self,
        reason: Reason,
        detail: str = "",
        *,
        counts: bool = True,
        is_pending: bool = False,
        trim: Sellable | None = None,
    ) -> Judged:
        return Judged(
            account=self.snapshot.account,
            position=self.position,
            counts=counts,
            is_pending=is_pending,
            regrown=self._regrown,
            skip=Skip(self.position.symbol, reason, detail),
            trim=trim,
        )

    def _closed(self, kind: ActionKind, sale: Sellable, reason: Reason, below: Decimal, *, counts: bool) -> Judged:
        action = Action(
            kind=kind,
            symbol=self.position.symbol,
            quantity=sale.quantity,
            value=self.value,
            reason=reason,
            detail=f"worth {money(self.value)}, below {money(below)}",
            cancel_first=sale.cancel_first,
        )
        return Judged(
            account=self.snapshot.account,
            position=self.position,
            counts=counts,
            regrown=self._regrown,
            action=action,
            frees_slot=self._frees_slot(sale),
        )

    def _unsellable(self, why: Reason, *, counts: bool) -> Judged:
        if (other := self.ways.out(self.position, why, snapshot=self.snapshot, policy=self.policy)) is not None:
            rest = self.position.holding.total - other.quantity
            converted = other.kind is ActionKind.CONVERT_DUST
            return Judged(
                account=self.snapshot.account,
                position=self.position,
                counts=counts,
                action=other,
                frees_slot=converted and self._worth(max(rest, Decimal(0))) < self.policy.dust_threshold_usd,
            )
        if self.mark is not None:
            return self.left_alone(Reason.BLACKLISTED, why, counts=counts)
        action = Action(
            kind=ActionKind.MARK_DUST,
            symbol=self.position.symbol,
            quantity=self.position.holding.total,
            value=self.value,
            reason=why,
            detail=f"worth {money(self.value)}, cannot be sold",
        )
        return Judged(account=self.snapshot.account, position=self.position, counts=counts, action=action)

    def _sale(self) -> Sellable | Reason:
        return sellable(self.position, snapshot=self.snapshot, policy=self.policy)

    def _trim(self, sale: Sellable | Reason) -> Sellable | None:
        if isinstance(sale, Reason) or self._is_backed_off or not self._frees_slot(sale):
            return None
        return sale

    def _pointless(self, sale: Sellable) -> Reason | None:
        """Name what withholds so much that it would count by itself: selling the rest frees nothing."""
        return sale.withheld_by if self._worth(sale.withheld) >= self.policy.dust_threshold_usd else None

    def _frees_slot(self, sale: Sellable) -> bool:
        return sale.remainder <= 0 or self._worth(sale.remainder) < self.policy.dust_threshold_usd

    def _worth(self, quantity: Decimal) -> Decimal:
        return Decimal(0) if self.position.price is None else quantity * self.position.price.value

    @property
    def _is_backed_off(self) -> bool:
        return self.mark is not None and self.mark.retry_at is not None and self.mark.retry_at > self.now

    @property
    def _regrown(self) -> bool:
        return self.position.value is not None and has_regrown(self.value, self.policy, self.mark)
