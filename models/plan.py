"""A plan: ordered actions with reasons, a hash of what it would do, and an instant after which it is void."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.amounts import plain
from models.reasons import ActionKind, Reason

CLIENT_ORDER_ID_DIGITS = 32  # hex digits; the longest that every venue takes


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with one holding. Quantity in base units, value in quote units at the plan's prices."""

    kind: ActionKind
    symbol: str
    quantity: Decimal
    value: Decimal
    reason: Reason
    detail: str = ""  # for a person: the figures behind the reason
    cancel_first: tuple[str, ...] = ()  # order ids at the venue that hold part of the quantity
    entry_price: Decimal | None = None  # of an exit: what it was judged by, where that is known
    held_since: datetime | None = None  # of an exit: when the position was first seen
    weight: Decimal | None = None  # of a rebalancing: what the quantity follows from at the prices of the moment

    @property
    def is_order(self) -> bool:
        """Whether the action sends an order; the others are notes in the store."""
        return self.kind is not ActionKind.MARK_DUST

    @property
    def side(self) -> str:
        """Which way the action moves the holding: buy or sell."""
        return self.kind.side


@dataclass(frozen=True, slots=True)
class Skip:
    """A holding that the plan leaves alone, with the reason. `wanted`: the exit that is due and cannot be made now."""

    symbol: str
    reason: Reason
    detail: str = ""
    wanted: ActionKind | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between policy and venue for one account, and what stays as it is and why.

    `counted` is how many positions take a slot before the plan, `counted_elsewhere` the same for the other accounts of
    the owner, `leaving_elsewhere` how many of those are theirs to close; `dust`, `regrown` and `kept` are symbols.
    Every position stands once in actions, skips or `kept`; `entered` are symbols of actions that are not held yet.
    `weights`: of a rebalancing, the part of each market, by symbol; what waits for its sales is among them.
    """

    account: str
    policy_version: str
    made_at: datetime
    expires_at: datetime
    counted: int
    actions: tuple[Action, ...]
    skips: tuple[Skip, ...] = ()
    dust: tuple[str, ...] = ()
    regrown: tuple[str, ...] = ()  # marked as dust before, grown past the threshold: they count again
    kept: tuple[str, ...] = ()  # nothing to do and nothing to say: within policy
    counted_elsewhere: int = 0
    leaving_elsewhere: int = 0
    entered: tuple[str, ...] = ()
    weights: tuple[tuple[str, Decimal], ...] = ()

    @property
    def content_hash(self) -> str:
        """Identify what the plan would do, whatever the prices of the moment: account, policy and ordered actions.

        Of a rebalancing a person approves the weights, those of the buys that wait for sales too: the quantities that
        lead there change with every price.
        """
        actions = [[a.kind, a.symbol, plain(a.quantity if a.weight is None else a.weight)] for a in self.actions]
        weights = [[[symbol, plain(weight)] for symbol, weight in self.weights]] if self.weights else []
        return _digest([self.account, self.policy_version, actions, *weights])

    @property
    def plan_id(self) -> str:
        """Identify this plan: its content and the instant it was made for."""
        return _digest([self.content_hash, self.made_at.isoformat()])

    @property
    def orders(self) -> tuple[Action, ...]:
        """The actions that send an order, in plan order."""
        return tuple(a for a in self.actions if a.is_order)

    def client_order_id(self, action: Action, cycle: int) -> str:
        """Return the id that finds this action's order again: 32 hex digits from account, plan, action and cycle."""
        return _digest([self.account, self.plan_id, action.kind, action.symbol, cycle])


def _digest(content: object) -> str:
    encoded = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    return hashlib.sha256(encoded).hexdigest()[:CLIENT_ORDER_ID_DIGITS]
