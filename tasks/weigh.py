"""Weigh an account's strategies by their newest stored backtests."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from models.backtest import Backtested, KeptBacktest
from models.errors import ConfigError, NotMeasured
from models.fleet import Account
from models.policy import Policy
from models.rebalance import Measured, Weighed
from models.store.backtests import backtests_of
from models.store.engine import Store
from models.strategy_plan import PlannedStrategy
from rules.backtest_fit import unfit
from rules.exit_limits import limits_in_force
from rules.rebalancing import Score, score, weigh

if TYPE_CHECKING:
    from research.registry import Registry
    from research.strategies.base import Strategy


def strategy_of(account: Account, planned: PlannedStrategy, registry: "Registry") -> "Strategy":
    """Return the strategy that the fleet file means. Raises: ConfigError."""
    strategy = registry.named(planned.name).built(planned.parameters)
    if strategy.series != 1:
        where = f"account {account.id}: strategies: {planned.name}"
        raise ConfigError(where, f"reads {strategy.series} series, and a weight is held in one market", "one of one")
    return strategy


def backtested(account: Account, planned: PlannedStrategy, strategy: "Strategy") -> Backtested:
    """Return what a backtest must be about to count: the account's own venue's stored candles."""
    return Backtested(planned.name, strategy.values(), account.venue, planned.symbol, planned.timeframe)


async def weighed(store: Store, account: Account, policy: Policy, now: datetime) -> tuple[Weighed, ...]:
    """Return the account's strategies with their weights, in the order of the fleet file.

    Each is weighed by its newest backtest that says what this account could have done: see `rules.backtest_fit`.
    Raises: ConfigError for one that there is not; NotMeasured where one has no such backtest: weights are shared by
    all, and what is missing is no zero; StoreError.
    """
    from research.registry import found  # noqa: PLC0415 - a second that runs without weights need not pay

    registry = found()
    wanted = [(one, backtested(account, one, strategy_of(account, one, registry))) for one in account.strategies]
    oldest = now - timedelta(days=policy.rebalance_result_max_age_days)
    kept = await backtests_of(store, [about for _, about in wanted], since=oldest)
    usable: dict[str, KeptBacktest] = {}
    why_not: dict[str, str] = {}
    for key, candidates in kept.items():
        for one in candidates:
            why = unfit(one, limits_in_force(policy), oldest=oldest, now=now)
            if why is None:
                usable[key] = one
                break
            why_not.setdefault(key, why)  # of the newest
    missing = tuple(_lacking(planned, why_not.get(about.key)) for planned, about in wanted if about.key not in usable)
    if missing:
        raise NotMeasured(account.id, missing, Decimal(str(policy.rebalance_result_max_age_days)))
    results = [(planned, usable[about.key]) for planned, about in wanted]
    measured = [_measured(one) for _, one in results]
    scores = [_score(one) for one in measured]
    weights = weigh([one.value for one in scores])
    return tuple(
        Weighed(planned.label, planned.symbol, how, one.value, weight, one.unknown)
        for (planned, _), how, one, weight in zip(results, measured, scores, weights, strict=True)
    )


def _lacking(planned: PlannedStrategy, why: str | None) -> str:
    return planned.label if why is None else f"{planned.label} ({why})"


def _measured(kept: KeptBacktest) -> Measured:
    figures = kept.figures
    return Measured(
        backtest_id=kept.backtest_id,
        verdict=kept.verdict,
        measured_at=kept.measured_at,
        trades=kept.trades,
        sharpe=figures.get("sharpe"),
        win_rate=figures.get("win_rate"),
        return_fraction=figures.get("return_fraction"),
    )


def _score(measured: Measured) -> Score:
    return score(sharpe=measured.sharpe, win_rate=measured.win_rate, return_fraction=measured.return_fraction)
