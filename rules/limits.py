"""Judge an account's day after a read, its low balance, and what the rest of the fleet holds. Pure."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC
from decimal import Decimal

from models.amounts import money, plain
from models.dust import DustMark
from models.policy import Policy
from models.position import Snapshot
from models.reasons import Block, HaltCause
from models.risk import RISK_CAUSES, JudgedDay, RiskDay, RiskLimits, Trip
from rules.dust import is_dust
from rules.risk import day_after, trips

_CENT = Decimal("0.01")


def day_judge(snapshot: Snapshot, limits: RiskLimits) -> Callable[[RiskDay | None], JudgedDay] | None:
    """Return what makes of an account's day before this read the day after it.

    None where the read says nothing of it: a holding without a price makes the equity too low by an unknown amount.
    """
    if snapshot.unvalued:
        return None

    def judge(before: RiskDay | None) -> JudgedDay:
        day = day_after(before, snapshot.equity, snapshot.taken_at.astimezone(UTC).date())
        return JudgedDay(day, tuple(_trip(cause, day, limits) for cause in trips(day, limits)))

    return judge


def is_stopped(causes: Collection[HaltCause], set_aside: Collection[Block]) -> bool:
    """Tell whether a halt stands that no person has set aside; one for the cap never is."""
    return any(RISK_CAUSES.get(cause) not in set_aside for cause in causes)


def is_balance_too_low(snapshot: Snapshot, policy: Policy) -> bool:
    """Tell whether the account's equity is below what an entry needs; not said of what is known in part only."""
    return not snapshot.unvalued and snapshot.equity < policy.minimum_balance_usd


def low_balance_words(snapshot: Snapshot | None, policy: Policy, quote: str) -> str | None:
    """Say that the account's equity is low; None: it is not, or is not known."""
    if snapshot is None or snapshot.unvalued or snapshot.equity >= policy.low_balance_warning_usd:
        return None
    low, least = money(policy.low_balance_warning_usd), money(policy.minimum_balance_usd)
    return f"the account is worth {money(snapshot.equity)} {quote}, below {low}; entries need {least}"


def slots_tracked(
    values: Mapping[str, Decimal | None], policy: Policy, marks: Mapping[str, DustMark]
) -> frozenset[str]:
    """Return the symbols that take a slot by what was last read of them; None: held without a price, which counts."""
    return frozenset(
        symbol for symbol, value in values.items() if value is None or not is_dust(value, policy, marks.get(symbol))
    )


def _trip(cause: HaltCause, day: RiskDay, limits: RiskLimits) -> Trip:
    if cause is HaltCause.DAILY_LOSS:
        most = "" if limits.daily_loss is None else f", more than {money(limits.daily_loss)}"
        detail = f"lost {money(-day.gain)} on {day.day}, from {money(day.began_with)} to {money(day.equity)}{most}"
        return Trip(cause, detail, "a read sees the next day in UTC, or an operator lifts it")
    most = "" if limits.drawdown_fraction is None else f", more than {_percent(limits.drawdown_fraction)}"
    detail = f"{_percent(day.drawdown_fraction)} below the peak of {money(day.peak)}, at {money(day.equity)}{most}"
    return Trip(cause, detail, "an operator lifts it; the peak is then what the account is worth")


def _percent(fraction: Decimal) -> str:
    return f"{plain((fraction * 100).quantize(_CENT))} %"
