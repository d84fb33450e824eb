"""Plan an account towards the weights of its strategies: sell what is too much, then buy what is missing. Pure.

Only cash and what is held in the strategies' markets is shared out; every other holding is left alone. Sales go first,
and what they bring is bought with once it is there: a buy is never planned on money that is not free yet.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from models.amounts import floor_to_step, money, plain
from models.dust import DustMark
from models.market import Market, Price
from models.plan import Action, Plan, Skip
from models.policy import Policy
from models.position import Holding, Position, Snapshot
from models.reasons import ActionKind, Reason
from models.rebalance import Change
from rules.cap import slots_taken
from rules.sellable import sellable, too_small
from rules.unsellable import UNKNOWN_FEE_FRACTION

PRICE_MARGIN = Decimal("0.01")  # what a price may move by before the order arrives, and be away from what is offered
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class RebalanceFacts:
    """What is known beside the snapshot. `weights`, `markets` and `prices` by symbol, of all that has a weight.

    `pending`: symbols with an undecided order. `refused`: what the venue refused in this very run, with its words.
    `buys_by_quantity`: the venue's market buys name a quantity.
    """

    weights: Mapping[str, Decimal]
    markets: Mapping[str, Market]
    prices: Mapping[str, Price]
    pending: Collection[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, DustMark] = field(default_factory=dict)
    buys_by_quantity: bool = True


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """A plan with the analysis behind it; `managed` None: something that is shared out has no value."""

    plan: Plan
    changes: tuple[Change, ...]
    managed: Decimal | None


def managed_value(snapshot: Snapshot, symbols: Collection[str]) -> Decimal | None:
    """Return cash and what is held in the symbols, in quote units; None: one of the holdings has no value."""
    values = [p.value for p in snapshot.positions if p.symbol in symbols]
    known = [value for value in values if value is not None]
    return snapshot.cash_total + sum(known, _ZERO) if len(known) == len(values) else None


def make_rebalance_plan(snapshot: Snapshot, policy: Policy, facts: RebalanceFacts, *, now: datetime) -> Rebalanced:
    """Return the orders that bring each market nearer to its weight, and for each of them what is done and why.

    Every position of the snapshot stands once in the plan: sold, bought, skipped with its reason, or kept. A buy still
    has to pass the entry check: see `without_blocked`.
    """
    managed = managed_value(snapshot, facts.weights.keys())
    cases = _Cases(snapshot, policy, facts, managed)
    changes, actions = cases.sales_and_buys()
    held = {p.symbol for p in snapshot.positions}
    counted = slots_taken(snapshot, policy, marks=facts.marks, pending=facts.pending)
    plan = Plan(
        account=snapshot.account,
        policy_version=policy.version,
        made_at=now,
        expires_at=now + timedelta(seconds=policy.plan_ttl_seconds),
        counted=len(counted),
        actions=tuple(actions),
        dust=tuple(sorted(held - set(counted))),
        weights=tuple(sorted(facts.weights.items())),
    )
    return Rebalanced(_sorted_out(plan, changes, held), changes, managed)


def without_blocked(found: Rebalanced, blocked: Mapping[str, Collection[str]], snapshot: Snapshot) -> Rebalanced:
    """Return the same without the buys that the entry check does not allow. `blocked`: why, by symbol.

    What they leave of the cash is not spread over the others: those were judged for as much as they are.
    """
    changes = tuple(
        replace(c, reason=Reason.ENTRY_BLOCKED, detail=", ".join(blocked[c.symbol]), is_planned=False)
        if c.symbol in blocked
        else c
        for c in found.changes
    )
    actions = tuple(action for action in found.plan.actions if action.symbol not in blocked)
    plan = _sorted_out(replace(found.plan, actions=actions), changes, {p.symbol for p in snapshot.positions})
    return replace(found, plan=plan, changes=changes)


def _sorted_out(plan: Plan, changes: Collection[Change], held: Collection[str]) -> Plan:
    """Name every position that the plan does nothing about, where there is something to say of it."""
    acting = {action.symbol for action in plan.actions}
    skips = [
        Skip(c.symbol, c.reason, c.detail)
        for c in changes
        if c.symbol in held and c.symbol not in acting and c.reason is not Reason.WITHIN_THRESHOLD
    ]
    return replace(
        plan,
        skips=tuple(sorted(skips, key=lambda skip: skip.symbol)),
        kept=tuple(sorted(set(held) - acting - {skip.symbol for skip in skips})),
        entered=tuple(sorted(acting - set(held))),
    )


@dataclass(frozen=True, slots=True)
class _Cases:
    snapshot: Snapshot
    policy: Policy
    facts: RebalanceFacts
    managed: Decimal | None

    def sales_and_buys(self) -> tuple[tuple[Change, ...], list[Action]]:
        """Judge every market that has a weight; sales first, the largest first, then buys likewise."""
        judged: dict[str, tuple[Change, Action | None]] = {}
        for symbol in self._by_distance():
            if self._amount(symbol) <= 0 or self.managed is None:
                judged[symbol] = self._sale(symbol)
        sells = any(action is not None for _, action in judged.values())
        cash = self.snapshot.cash_free
        for symbol in self._by_distance():
            if symbol not in judged:
                judged[symbol] = self._buy(symbol, cash, waits=sells)
                if (action := judged[symbol][1]) is not None:
                    cash -= action.value * (1 + self._costs(symbol))
        changes = tuple(judged[symbol][0] for symbol in sorted(judged))
        return changes, [action for _, action in judged.values() if action is not None]

    def _sale(self, symbol: str) -> tuple[Change, Action | None]:
        if (reason := self._why_not(symbol)) is not None:
            return reason, None
        position = self._position(symbol)
        sale = sellable(position, snapshot=self.snapshot, policy=self.policy)
        market, price = self.facts.markets.get(symbol), position.price
        if isinstance(sale, Reason) or market is None or price is None:
            return self._left(symbol, sale if isinstance(sale, Reason) else Reason.NO_MARKET), None
        wanted = floor_to_step(-self._amount(symbol) / price.value, market.lot_step)
        quantity = min(wanted, sale.quantity)
        if too_small(position.holding.total - quantity, price=price.value, market=market) is not None:
            quantity = sale.quantity  # what remained could never be sold
        if (small := too_small(quantity, price=price.value, market=market)) is not None:
            return self._left(symbol, small), None
        action = Action(
            kind=ActionKind.REBALANCE_SELL,
            symbol=symbol,
            quantity=quantity,
            value=quantity * price.value,
            reason=Reason.ABOVE_TARGET_WEIGHT,
            detail=self._words(symbol),
            weight=self.facts.weights[symbol],
            cancel_first=sale.cancel_first if quantity > position.holding.free else (),
        )
        return self._left(symbol, action.reason, is_planned=True), action

    def _buy(self, symbol: str, cash: Decimal, *, waits: bool) -> tuple[Change, Action | None]:
        market, price = self.facts.markets.get(symbol), self.facts.prices.get(symbol)
        if (reason := self._why_not(symbol) or self._why_no_buy(symbol, waits=waits)) is not None:
            return reason, None
        if market is None or market.lot_step <= 0 or price is None:
            return self._left(symbol, Reason.NO_PRICE if price is None else Reason.NO_MARKET), None
        affordable = cash / (1 + self._costs(symbol))
        spends = min(self._amount(symbol), max(affordable, _ZERO))
        most = spends / price.value
        if market.maximum_quantity is not None:
            most = min(most, market.maximum_quantity)
        quantity = floor_to_step(most, market.lot_step)
        if (small := too_small(quantity, price=price.value, market=market)) is not None:
            return self._left(symbol, Reason.CASH_SPENT if affordable < self._amount(symbol) else small), None
        # A fee may be taken out of what is bought, and its price may fall: it must still be worth its slot then.
        worth = (self._current(symbol) + quantity * price.value) * (1 - self._costs(symbol))
        if worth < self.policy.minimum_position_usd:  # normalising would close again what is bought
            spent = affordable < self._amount(symbol)
            return self._left(symbol, Reason.CASH_SPENT if spent else Reason.BELOW_MINIMUM_POSITION), None
        action = Action(
            kind=ActionKind.REBALANCE_BUY,
            symbol=symbol,
            quantity=quantity,
            value=quantity * price.value,
            reason=Reason.BELOW_TARGET_WEIGHT,
            detail=self._words(symbol),
            weight=self.facts.weights[symbol],
        )
        return self._left(symbol, action.reason, is_planned=True), action

    def _why_not(self, symbol: str) -> Change | None:
        """Say why a market is left alone whichever way it is off."""
        return next((self._left(symbol, reason, detail) for reason, detail in self._obstacles(symbol)), None)

    def _obstacles(self, symbol: str) -> Iterator[tuple[Reason, str]]:
        if self.managed is None:
            unvalued = [p.symbol for p in self.snapshot.unvalued if p.symbol in self.facts.weights]
            yield Reason.UNVALUED, f"without a price of {', '.join(unvalued)} no weight is known"
        if symbol in self.facts.pending:
            yield Reason.ORDER_PENDING, ""
        if any(o.symbol == symbol and o.side == "buy" for o in self.snapshot.open_orders):
            yield Reason.ORDER_PENDING, "a buy rests at the venue"
        if (mark := self.facts.marks.get(symbol)) is not None and mark.is_by_hand:
            yield Reason.BLACKLISTED, "by hand"
        if symbol in self.facts.refused:
            yield Reason.REFUSED_BEFORE, self.facts.refused[symbol]
        if abs(self._amount(symbol)) <= (self.managed or _ZERO) * self.policy.rebalance_threshold_fraction:
            yield Reason.WITHIN_THRESHOLD, ""
        if (words := self._far_off(symbol)) is not None:
            yield Reason.SPREAD_TOO_WIDE, words

    def _far_off(self, symbol: str) -> str | None:
        """Say that nobody trades near the price that all is reckoned by; None: somebody does, or it is not known."""
        price = self._position(symbol).price
        if price is None:
            return None
        if self._amount(symbol) > 0 and price.ask is not None and price.ask > price.value * (1 + PRICE_MARGIN):
            return f"last traded at {plain(price.value)}, offered at {plain(price.ask)}"
        if self._amount(symbol) < 0 and price.bid is not None and price.bid < price.value * (1 - PRICE_MARGIN):
            return f"last traded at {plain(price.value)}, wanted at {plain(price.bid)}"
        return None

    def _why_no_buy(self, symbol: str, *, waits: bool) -> Change | None:
        if not self.facts.buys_by_quantity:
            return self._left(symbol, Reason.NO_MARKET_BUYS, "the venue's market buys name no quantity")
        if self._target(symbol) < self.policy.minimum_position_usd:
            return self._left(symbol, Reason.BELOW_MINIMUM_POSITION)
        return self._left(symbol, Reason.WAITS_FOR_SALES) if waits else None

    def _by_distance(self) -> list[str]:
        return sorted(self.facts.weights, key=lambda symbol: (-abs(self._amount(symbol)), symbol))

    def _amount(self, symbol: str) -> Decimal:
        return self._target(symbol) - self._current(symbol)

    def _target(self, symbol: str) -> Decimal:
        return self.facts.weights[symbol] * (self.managed or _ZERO)

    def _current(self, symbol: str) -> Decimal:
        return self._position(symbol).value or _ZERO

    def _position(self, symbol: str) -> Position:
        held = next((p for p in self.snapshot.positions if p.symbol == symbol), None)
        return held or Position(symbol, Holding(symbol.split("/", maxsplit=1)[0], _ZERO), self.facts.prices.get(symbol))

    def _costs(self, symbol: str) -> Decimal:
        market = self.facts.markets.get(symbol)
        known = None if market is None else market.taker_fee_fraction
        fee = UNKNOWN_FEE_FRACTION if known is None else known
        return fee + PRICE_MARGIN

    def _words(self, symbol: str) -> str:
        weight = self.facts.weights[symbol]
        return f"worth {money(_cents(self._current(symbol)))}, {weight:.2%} is {money(_cents(self._target(symbol)))}"

    def _left(self, symbol: str, reason: Reason, detail: str = "", *, is_planned: bool = False) -> Change:
        return Change(
            symbol=symbol,
            current=self._current(symbol),
            target=self._target(symbol),
            weight=self.facts.weights[symbol],
            reason=reason,
            detail=detail,
            is_planned=is_planned,
        )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
