"""Decide whether a position is left now: stop first, then take profit, trailing stop, time. Pure.

Missing data is not a signal: without an entry price only the time limit can set an exit off.
"""

from datetime import datetime
from decimal import Decimal

from models.exits import ExitLimits, ExitReason, ExitSignal


def judge_exit(
    price: Decimal,
    *,
    entry_price: Decimal | None,
    peak_price: Decimal | None,
    first_seen_at: datetime,
    now: datetime,
    limits: ExitLimits,
) -> ExitSignal | None:
    """Return what sets an exit off at this price, or None to hold on.

    Unit: prices in quote per base unit. A limit is crossed, not touched: a loss of exactly `stop_loss_fraction` holds
    on. `peak_price`: the highest price seen since the entry; None: none seen yet.
    """
    age = now - first_seen_at
    gain = None if entry_price is None or entry_price <= 0 else price / entry_price - 1
    if gain is not None:
        if _exceeds(-gain, limits.stop_loss_fraction):
            return ExitSignal(ExitReason.STOP_LOSS, gain, age)
        if _exceeds(gain, limits.take_profit_fraction):
            return ExitSignal(ExitReason.TAKE_PROFIT, gain, age)
        peak = peak_of(peak_price, price, entry_price)
        decline = price / peak - 1
        if _exceeds(-decline, limits.trailing_stop_fraction):
            return ExitSignal(ExitReason.TRAILING_STOP, decline, age)
    if limits.longest_hold is not None and age > limits.longest_hold:
        return ExitSignal(ExitReason.TIME_LIMIT, gain, age)
    return None


def peak_of(known: Decimal | None, price: Decimal, entry_price: Decimal | None) -> Decimal:
    """Return the highest of what was seen before, the price now, and what was paid."""
    return max(p for p in (known, price, entry_price) if p is not None)


def _exceeds(fraction: Decimal, limit: Decimal | None) -> bool:
    return limit is not None and fraction > limit
