"""What a rebalancing decides: a weight for each strategy, and for each market how far the account is from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.reasons import Reason


@dataclass(frozen=True, slots=True)
class Measured:
    """How a strategy did in its newest stored backtest. Fractions; None: the figure is not defined."""

    backtest_id: int
    verdict: str
    measured_at: datetime
    trades: int
    sharpe: float | None
    win_rate: float | None
    return_fraction: float | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """One strategy of an account with its score from 0 to 1 and the weight that came of it.

    `unknown`: figures that are not defined and counted as zero.
    """

    label: str
    symbol: str
    measured: Measured
    score: Decimal
    weight: Decimal
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How far one market is from its weight, in quote units, and what is done about it now.

    `amount`: what is to be bought (above zero) or sold (below). `reason`: of the order that is planned, or why there is
    none. `is_planned`: an order is.
    """

    symbol: str
    current: Decimal
    target: Decimal
    weight: Decimal
    reason: Reason
    detail: str = ""
    is_planned: bool = False

    @property
    def amount(self) -> Decimal:
        """What is missing, or too much."""
        return self.target - self.current


@dataclass(frozen=True, slots=True)
class Rebalance:
    """The whole of it for one account: `managed` is its cash and what it holds in its strategies' markets."""

    managed: Decimal | None  # None: a holding among them has no value
    strategies: tuple[Weighed, ...]
    changes: tuple[Change, ...]

    @property
    def cash_weight(self) -> Decimal:
        """The part that stays cash."""
        return 1 - sum((one.weight for one in self.strategies), Decimal(0))


def weights_by_symbol(strategies: tuple[Weighed, ...]) -> Mapping[str, Decimal]:
    """Add up the weights of strategies on the same market."""
    weights: dict[str, Decimal] = {}
    for one in strategies:
        weights[one.symbol] = weights.get(one.symbol, Decimal(0)) + one.weight
    return weights
