"""Say what a backtest recommends, with the points of each of its figures shown. Pure: figures in, a verdict out.

A figure that is not known gives no points. Few trades prove little, whatever they earned: that is said, and the points
stand. Without any trade there is nothing to recommend.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# Below so many trades a win rate is known to no better than some 18 percentage points (95 %, the normal approximation
# at one half: 1.96 * sqrt(0.25 / 30)), which is most of the way between two verdicts.
FEW_TRADES = 30

_RETURN = ((0.20, 30), (0.10, 20), (0.05, 10), (0.0, 5))
_WIN_RATE = ((0.60, 25), (0.50, 20), (0.40, 10))
_SHARPE = ((2.0, 25), (1.0, 20), (0.5, 10))
_DRAWDOWN = ((0.05, 20), (0.10, 15), (0.20, 10), (0.30, 5))


class Verdict(StrEnum):
    """What the points add up to."""

    EXCELLENT = "EXCELLENT"  # 80 and more
    GOOD = "GOOD"  # 60 and more
    MARGINAL = "MARGINAL"  # 40 and more
    FAILED = "FAILED"


_VERDICTS = ((80, Verdict.EXCELLENT), (60, Verdict.GOOD), (40, Verdict.MARGINAL))


@dataclass(frozen=True, slots=True)
class Points:
    """What one figure earned: `points` of at most `most`, and why. `value` None: it is not known."""

    figure: str
    value: float | None
    points: int
    most: int
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A verdict with all that it is made of."""

    verdict: Verdict
    points: tuple[Points, ...]
    trades: int

    @property
    def total(self) -> int:
        """All points together, of 100."""
        return sum(one.points for one in self.points)

    @property
    def too_few_trades(self) -> bool:
        """Whether there were fewer trades than it takes to believe the rest."""
        return self.trades < FEW_TRADES

    @property
    def words(self) -> str:
        """The verdict in a line."""
        few = f"; too few trades to believe it: {self.trades}, {FEW_TRADES} at least" if self.too_few_trades else ""
        return f"{self.verdict} ({self.total} of 100 points){few}"


def recommend(
    *,
    return_fraction: float | None,
    win_rate: float | None,
    sharpe: float | None,
    drawdown_fraction: float | None,
    trades: int,
) -> Recommendation:
    """Return what a backtest's figures recommend.

    Unit: fractions (0.2 is 20 %); `drawdown_fraction` is how far below its peak the equity fell, zero or more; `sharpe`
    is annualised. None, nan and infinity: not known. Raises: ValueError for a number of trades below zero.
    """
    if trades < 0:
        raise ValueError(f"expected trades of zero or more, found {trades}")
    if not trades:
        figures = {
            "return": (return_fraction, 30),
            "win rate": (win_rate, 25),
            "Sharpe": (sharpe, 25),
            "drawdown": (drawdown_fraction, 20),
        }
        none = tuple(Points(name, _known(value), 0, most, "no trade") for name, (value, most) in figures.items())
        return Recommendation(Verdict.FAILED, none, 0)
    points = (
        _above("return", return_fraction, _RETURN, percent=True),
        _above("win rate", win_rate, _WIN_RATE, percent=True),
        _above("Sharpe", sharpe, _SHARPE, percent=False),
        _below("drawdown", drawdown_fraction, _DRAWDOWN),
    )
    total = sum(one.points for one in points)
    verdict = next((verdict for least, verdict in _VERDICTS if total >= least), Verdict.FAILED)
    return Recommendation(verdict, points, trades)


def _above(figure: str, value: float | None, steps: Sequence[tuple[float, int]], *, percent: bool) -> Points:
    number, most = _known(value), steps[0][1]
    if number is None:
        return Points(figure, None, 0, most, "not defined")
    for limit, points in steps:
        if number > limit:
            return Points(figure, number, points, most, f"above {_said(limit, percent=percent)}")
    return Points(figure, number, 0, most, f"not above {_said(steps[-1][0], percent=percent)}")


def _below(figure: str, value: float | None, steps: Sequence[tuple[float, int]]) -> Points:
    number, most = _known(value), steps[0][1]
    if number is None:
        return Points(figure, None, 0, most, "not defined")
    for limit, points in steps:
        if number < limit:
            return Points(figure, number, points, most, f"below {_said(limit, percent=True)}")
    return Points(figure, number, 0, most, f"not below {_said(steps[-1][0], percent=True)}")


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _said(limit: float, *, percent: bool) -> str:
    return f"{limit * 100:g} %" if percent else f"{limit:g}"
