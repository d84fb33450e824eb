"""What an equity curve is like: its return, how steady it came, and how far it fell on the way."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from research.bars import Floats, Integers, sealed
from research.kernel.shape import shape

YEAR_SECONDS = 365 * 86_400  # these markets never close
_NOISE = 1e-13  # of a return: less than this is rounding


class Undefined(StrEnum):
    """Why a figure is not there."""

    NO_TRADES = "no_trades"
    NO_LOSS = "no_loss"  # a profit factor has nothing to be divided by
    NO_DEVIATION = "no_deviation"  # every bar returned the same
    NO_FALL = "no_fall"  # no bar lost anything
    NOTHING_LEFT = "nothing_left"  # the equity fell to zero or below: there is no return on it
    TOO_SHORT = "too_short"  # a single bar


@dataclass(frozen=True, slots=True)
class Curve:
    """Figures of an equity curve. `drawdown_fraction`: the farthest it was below an earlier peak, zero or more.

    `drawdown_seconds`: the longest time from a peak until it was reached again, or until the end. `average_equity`: of
    all bars. `sharpe` and `sortino` are annualised by the number of bars in 365 days, against no riskless return. None:
    `undefined` says why.
    """

    return_fraction: float
    cagr_fraction: float | None
    sharpe: float | None
    sortino: float | None
    drawdown_fraction: float
    drawdown_seconds: int
    average_equity: float
    undefined: Mapping[str, Undefined]


def curve(equity: Floats, time: Integers, step_seconds: int, initial: float) -> Curve:
    """Measure an equity curve.

    Shape: the equity at each bar's close and the bar's open time; what there was before the first bar is `initial`.
    Source: of Sharpe's ratio: Sharpe (1994), Journal of Portfolio Management 21; of Sortino's: Sortino and Price
    (1994), Journal of Investing 3, with a target of zero.
    """
    found = shape(sealed(equity), sealed(time), step_seconds, float(initial))
    average, mean, deviation, downside, worst, start, end = found
    periods = YEAR_SECONDS / step_seconds
    undefined: dict[str, Undefined] = {}
    sharpe = sortino = cagr = None
    final = float(equity[-1])
    if worst >= 1:
        undefined |= dict.fromkeys(("sharpe", "sortino"), Undefined.NOTHING_LEFT)
    elif len(equity) < 2:  # noqa: PLR2004 - one return has no deviation
        undefined |= dict.fromkeys(("sharpe", "sortino"), Undefined.TOO_SHORT)
    else:
        if deviation > _NOISE:
            sharpe = mean / deviation * math.sqrt(periods)
        else:
            undefined["sharpe"] = Undefined.NO_DEVIATION
        if downside > _NOISE:
            sortino = mean / downside * math.sqrt(periods)
        else:
            undefined["sortino"] = Undefined.NO_FALL
    if final > 0:
        years = (int(time[-1]) + step_seconds - int(time[0])) / YEAR_SECONDS
        cagr = _power(final / initial, 1 / years)
    else:
        undefined["cagr_fraction"] = Undefined.NOTHING_LEFT
    return Curve(final / initial - 1, cagr, sharpe, sortino, worst, int(end - start), average, undefined)


def _power(growth: float, exponent: float) -> float:
    """Return growth to a power, less one; infinite where no float holds what a few minutes make of a year."""
    try:
        return math.expm1(math.log(growth) * exponent)
    except OverflowError:
        return math.inf
