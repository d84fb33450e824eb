"""By what a base size is multiplied at each bar: the factors of `rules.sizing`, in floats, all bars at once."""

import numpy as np

from models.sizing import SizingMethod
from research.bars import Bars, Floats, sealed
from research.kernel.averages import deviations
from research.settings import Sizing
from rules.sizing import HIGH_FRACTION, HIGH_SHARE, MODERATE_FRACTION, MODERATE_SHARE, UNKNOWN_SHARE


def factors(bars: Bars, sizing: Sizing) -> Floats:
    """Return one factor per bar, from closes up to that bar's own; a single one where nothing depends on the bars.

    A volatility is not known before there are `periods` closes; the smaller size is taken then.
    """
    if sizing.method is None:
        return _ONE
    volatility = volatilities(bars.close, sizing.periods)
    known = ~np.isnan(volatility)
    if sizing.method is SizingMethod.TIERS:
        found = np.select(
            [volatility > float(HIGH_FRACTION), volatility > float(MODERATE_FRACTION)],
            [float(HIGH_SHARE), float(MODERATE_SHARE)],
            1.0,
        )
    else:
        with np.errstate(divide="ignore"):
            found = sizing.base_volatility / volatility
    return sealed(np.where(known, found, float(UNKNOWN_SHARE)))


def volatilities(closes: Floats, periods: int) -> Floats:
    """Return at each close the deviation of the simple returns between the newest `periods` closes; NaN: too few.

    The figure is that of `rules.volatility.volatility`, a fraction per bar.
    """
    found = np.full(len(closes), np.nan)
    deviations(closes, periods, found)
    return found


_ONE = sealed(np.ones(1))
