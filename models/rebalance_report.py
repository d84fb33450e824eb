"""A rebalancing as the outside reads it: weights with their scores, and the change of each market.

Amounts and weights are strings; fields are kept and grow only by addition.
"""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from models.amounts import money
from models.reasons import Reason
from models.rebalance import Change, Rebalance, Weighed

_CENT = Decimal("0.01")
_DIGITS = Decimal("0.0001")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class StrategyWeight(_Part):
    """One strategy: how it did, its score from 0 to 1, and its weight, a fraction.

    `verdict`: of its backtest; one that failed is weighed like any other. `not_known` counted as zero.
    """

    strategy: str
    symbol: str
    weight: str
    score: str
    sharpe: float | None
    win_rate: float | None
    return_fraction: float | None
    not_known: list[str]
    trades: int
    verdict: str
    backtest_id: int
    measured_at: datetime


class SymbolChange(_Part):
    """One market: what is held and what should be, in quote currency and as fractions of what is rebalanced.

    `change_usd`: above zero it is bought, below sold. `planned`: an order is; else `reason` says why there is none.
    """

    symbol: str
    current_weight: str | None
    target_weight: str
    current_usd: str
    target_usd: str
    change_usd: str
    planned: bool
    reason: Reason
    detail: str


class RebalanceReport(_Part):
    """The analysis behind an account's plan. `managed_usd`: its cash and what it holds in these markets."""

    managed_usd: str | None
    cash_weight: str
    strategies: list[StrategyWeight]
    changes: list[SymbolChange]


def rebalance_report(found: Rebalance) -> RebalanceReport:
    """Return the report of an analysis."""
    return RebalanceReport(
        managed_usd=None if found.managed is None else _cents(found.managed),
        cash_weight=_weight(found.cash_weight),
        strategies=[_strategy(one) for one in found.strategies],
        changes=[_change(one, found.managed) for one in found.changes],
    )


def _strategy(one: Weighed) -> StrategyWeight:
    how = one.measured
    return StrategyWeight(
        strategy=one.label,
        symbol=one.symbol,
        weight=_weight(one.weight),
        score=_weight(one.score),
        sharpe=how.sharpe,
        win_rate=how.win_rate,
        return_fraction=how.return_fraction,
        not_known=list(one.unknown),
        trades=how.trades,
        verdict=how.verdict,
        backtest_id=how.backtest_id,
        measured_at=how.measured_at,
    )


def _change(one: Change, managed: Decimal | None) -> SymbolChange:
    return SymbolChange(
        symbol=one.symbol,
        current_weight=_weight(one.current / managed) if managed else None,
        target_weight=_weight(one.weight),
        current_usd=_cents(one.current),
        target_usd=_cents(one.target),
        change_usd=_cents(one.amount),
        planned=one.is_planned,
        reason=one.reason,
        detail=one.detail,
    )


def _weight(fraction: Decimal) -> str:
    return f"{fraction.quantize(_DIGITS):f}"


def _cents(amount: Decimal) -> str:
    return money(amount.quantize(_CENT))
