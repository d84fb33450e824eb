"""Weigh strategies by how they did: a score, and the nearest weights within bounds. Pure; exact fractions throughout.

A weight is a part of what the account has for its strategies; what no strategy may have stays cash.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

SHARPE_SHARE = Decimal("0.4")
WIN_RATE_SHARE = Decimal("0.3")
PROFIT_SHARE = Decimal("0.3")
# What earns a recommendation all of its points counts as one; so a score says nothing of the others it stands beside.
FULL_SHARPE = Decimal(2)
FULL_RETURN = Decimal("0.20")

LEAST_WEIGHT = Decimal("0.05")
MOST_WEIGHT = Decimal("0.40")
STEP = Decimal("0.0001")  # of a weight: a basis point
_DIGITS = Decimal("1e-12")  # of a figure that comes as a float
_MOST = 1e6  # far beyond where any figure is cut; the Sharpe ratio of a curve without a wiggle has no end


@dataclass(frozen=True, slots=True)
class Score:
    """How a strategy did, from 0 to 1; the parts are scaled to 0 to 1 too, before they are weighed.

    `unknown`: which figures are not known; each counts as zero.
    """

    sharpe: Decimal
    win_rate: Decimal
    profit: Decimal
    unknown: tuple[str, ...] = ()

    @property
    def value(self) -> Decimal:
        """The whole: 0.4 Sharpe, 0.3 win rate, 0.3 profit."""
        return SHARPE_SHARE * self.sharpe + WIN_RATE_SHARE * self.win_rate + PROFIT_SHARE * self.profit


def score(*, sharpe: float | None, win_rate: float | None, return_fraction: float | None) -> Score:
    """Return the score of a strategy.

    The annualised Sharpe ratio counts from 0 to 2, the win rate as it is, and the profit, as a fraction of the money it
    was made with, from 0 to 20 %. What lies beyond counts as the nearer end.
    """
    figures = {"sharpe": sharpe, "win_rate": win_rate, "profit": return_fraction}
    full = {"sharpe": FULL_SHARPE, "win_rate": Decimal(1), "profit": FULL_RETURN}
    known = {
        name: Decimal(str(min(max(value, -_MOST), _MOST))).quantize(_DIGITS)
        for name, value in figures.items()
        if value is not None and math.isfinite(value)
    }
    scaled = {name: min(max(known.get(name, Decimal(0)) / most, Decimal(0)), Decimal(1)) for name, most in full.items()}
    return Score(**scaled, unknown=tuple(name for name in figures if name not in known))


def weigh(
    scores: Sequence[Decimal], *, least: Decimal = LEAST_WEIGHT, most: Decimal = MOST_WEIGHT
) -> tuple[Decimal, ...]:
    """Return a weight for each score: the nearest to their proportion that sum to one and lie within the bounds.

    Nearest by the sum of squared differences. Where all of them at `most` make less than one, all get it and the rest
    is cash; where all of them at `least` make more than one, the worst go without, as many as must. Weights are whole
    basis points; of equal scores the earlier is served first. `least` and `most` must be whole basis points too.
    Source: the Euclidean projection onto a simplex with bounds, as in Held, Wolfe, Crowder (1974), Mathematical
    Programming 6, 62-88.
    Raises: ValueError for a score below zero, or bounds that leave nothing between them.
    """
    if any(one < 0 for one in scores) or not 0 < least <= most <= 1:
        raise ValueError(f"expected scores of zero or more and 0 < least <= most <= 1, found {scores}, {least}, {most}")
    if not scores:
        return ()
    if len(scores) * most <= 1:
        return tuple(most for _ in scores)
    served = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[: int(1 / least)]
    exact = _nearest([Fraction(scores[n]) for n in served], Fraction(least), Fraction(most))
    weights = dict(zip(served, _in_steps(exact), strict=True))
    return tuple(weights.get(n, Decimal(0)) for n in range(len(scores)))


def _nearest(scores: Sequence[Fraction], low: Fraction, high: Fraction) -> list[Fraction]:
    """Project the proportions of the scores onto what sums to one within the bounds.

    The projection is each proportion less one common shift, cut to the bounds. The sum falls as the shift grows, in
    straight pieces between the shifts at which one of them meets a bound.
    """
    total = sum(scores)
    wanted = [one / total if total else Fraction(1, len(scores)) for one in scores]

    def cut(shift: Fraction) -> list[Fraction]:
        return [min(max(one - shift, low), high) for one in wanted]

    bends = sorted({one - bound for one in wanted for bound in (low, high)})
    after = next(n for n, bend in enumerate(bends) if sum(cut(bend)) <= 1)
    if sum(cut(bends[after])) == 1:
        return cut(bends[after])
    left, right = bends[after - 1], bends[after]
    at_left, at_right = sum(cut(left)), sum(cut(right))
    return cut(left + (right - left) * (at_left - 1) / (at_left - at_right))


def _in_steps(exact: Sequence[Fraction]) -> list[Decimal]:
    """Round to whole basis points that still sum to one: down, and the largest remainders up."""
    step = Fraction(STEP)
    steps = [int(one / step) for one in exact]
    missing = int(1 / step) - sum(steps)
    by_remainder = sorted(range(len(exact)), key=lambda n: (steps[n] * step - exact[n], n))
    for n in by_remainder[:missing]:
        steps[n] += 1
    return [count * STEP for count in steps]
