"""Say why a kept backtest must not weigh an account's money. Pure.

Anybody may keep backtests: with short positions, under other limits, on an hour that has not come. Only one that says
what the account itself could have done counts, and only where all its figures can be read: what is missing is no zero.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from models.backtest import KeptBacktest
from models.exits import ExitLimits

_WEIGHED = {"sharpe": (-math.inf, math.inf), "win_rate": (0.0, 1.0), "return_fraction": (-1.0, math.inf)}
_LATEST = timedelta(hours=1)  # how far the clock that wrote a row may be ahead


def unfit(kept: KeptBacktest, limits: ExitLimits, *, oldest: datetime, now: datetime) -> str | None:
    """Return in words why the backtest does not count; None: it does.

    `limits`: of the account's policy. `oldest`: what its prices must reach.
    """
    if kept.until < oldest:
        return f"its prices end on {kept.until:%Y-%m-%d}"
    if kept.until > now + _LATEST:
        return f"its prices end on {kept.until:%Y-%m-%d}, which has not come yet"
    broken = [name for name, within in _WEIGHED.items() if not _can_be_read(kept.figures, name, *within)]
    if broken:
        return f"no number is kept as its {', '.join(broken)}"
    if kept.settings.get("allow_short") is not False:
        return "it was tested with short positions"
    wanted = _as_kept(limits)
    others = [name for name, limit in wanted.items() if kept.settings.get(name, "nothing") != limit]
    return f"it was tested under another {', '.join(others)} than its policy's" if others else None


def _can_be_read(figures: Mapping[str, Any], name: str, least: float, most: float) -> bool:
    """Whether a figure is there, as a number that it can be or as not defined."""
    figure = figures.get(name, "missing")
    if figure is None:
        return True
    is_number = isinstance(figure, int | float) and not isinstance(figure, bool)
    return is_number and math.isfinite(figure) and least <= figure <= most


def _as_kept(limits: ExitLimits) -> dict[str, float | int | None]:
    """Return the limits as a backtest keeps what it assumed."""
    fractions = {
        "stop_loss_fraction": limits.stop_loss_fraction,
        "take_profit_fraction": limits.take_profit_fraction,
        "trailing_stop_fraction": limits.trailing_stop_fraction,
    }
    hold = limits.longest_hold
    told = {name: None if fraction is None else float(fraction) for name, fraction in fractions.items()}
    return {**told, "longest_hold_seconds": None if hold is None else int(hold.total_seconds())}
