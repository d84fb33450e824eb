"""How likely the best of many backtests is luck: deflated Sharpe ratio, probability of backtest overfitting.

Sharpe ratios here are per bar, not annualised. All of it is computed from sums over blocks of a combination's returns,
so no return series need be kept.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

BLOCKS = 16  # as in the paper: 12,870 ways to cut the time into two halves
_NORMAL = NormalDist()
_SPLITS_AT_ONCE = 512
_FLAT = 1e-18  # a variance below it is that of a combination that never traded


@dataclass(frozen=True, slots=True)
class Moments:
    """What is kept of a combination's returns per bar: sums over equal blocks of time, and the shape of the whole."""

    count: tuple[int, ...]
    total: tuple[float, ...]
    squares: tuple[float, ...]
    skewness: float
    kurtosis: float  # 3 for a normal distribution

    @property
    def document(self) -> dict[str, Any]:
        """The same as plain data, to be kept."""
        return asdict(self)

    @property
    def bars(self) -> int:
        """How many returns there are."""
        return sum(self.count)

    @property
    def sharpe(self) -> float:
        """The Sharpe ratio per bar, of the whole."""
        return float(_sharpe(np.array(self.count).sum(), np.array(self.total).sum(), np.array(self.squares).sum()))


def moments_of(returns: Numbers, blocks: int = BLOCKS) -> Moments:
    """Return what is kept of a series of simple returns per bar, at least one for each block."""
    pieces = np.array_split(returns, blocks)
    centred = returns - returns.mean()
    squared = centred * centred
    variance = float(squared.mean())
    flat = variance <= _FLAT
    return Moments(
        tuple(len(piece) for piece in pieces),
        tuple(float(piece.sum()) for piece in pieces),
        tuple(_product(piece, piece) for piece in pieces),
        0.0 if flat else _product(squared, centred) / len(returns) / variance**1.5,
        3.0 if flat else _product(squared, squared) / len(returns) / variance**2,
    )


def probabilistic_sharpe(moments: Moments, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark`, both per bar.

    Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 2012.
    """
    sharpe = moments.sharpe
    spread = 1 - moments.skewness * sharpe + (moments.kurtosis - 1) / 4 * sharpe**2
    if spread <= 0 or moments.bars < 2:  # noqa: PLR2004 - one return has no spread
        return 0.0
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(moments.bars - 1) / math.sqrt(spread))


def expected_maximum(variance: float, trials: int) -> float:
    """Return the Sharpe ratio that the best of so many trials without any skill is expected to show.

    `variance`: of the Sharpe ratios over the trials. Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio,
    Journal of Portfolio Management 40(5), 2014, equation 1, with a true mean of zero.
    """
    if trials < 2:  # noqa: PLR2004 - nothing was chosen
        return 0.0
    first, second = _NORMAL.inv_cdf(1 - 1 / trials), _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - np.euler_gamma) * first + np.euler_gamma * second)


def deflated_sharpe(best: Moments, trials: Sequence[Moments], tried: int) -> float:
    """Return the probability that the best combination's true Sharpe ratio is above what luck alone would show.

    `trials`: of all combinations that ran over the whole time; `tried`: how many were looked at, pruned ones included.
    That they resemble each other is not allowed for, which errs on the side of "luck".
    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 2014.
    """
    return probabilistic_sharpe(best, expected_maximum(luck_variance(trials), tried))


def luck_variance(trials: Sequence[Moments]) -> float:
    """Return how far Sharpe ratios of trials without skill lie apart: as these do, but no further than by luck.

    The paper takes the variance over the trials. Where they truly differ, in what they pay for costs or in what they
    earn, that variance is no longer luck's. Luck's own is at most 1 / (bars - 1), the sampling variance of a Sharpe
    ratio whose true value is zero: Lo, The Statistics of Sharpe Ratios, Financial Analysts Journal 58(4), 2002.
    """
    if len(trials) < 2:  # noqa: PLR2004 - one does not vary
        return 0.0
    seen = float(np.var([trial.sharpe for trial in trials], ddof=1))
    return min(seen, 1 / max(trials[0].bars - 1, 1))


@dataclass(frozen=True, slots=True)
class Pbo:
    """What choosing the best of one half of the time meant in the other half, over all ways to halve it.

    `probability`: that the chosen one was no better than the median there. `loss`: that its Sharpe ratio was negative.
    """

    probability: float
    loss: float
    splits: int


def backtest_overfitting(trials: Sequence[Moments]) -> Pbo | None:
    """Return the probability of backtest overfitting, by combinatorially symmetric cross-validation (CSCV).

    None: of a single trial. Chosen and judged by the Sharpe ratio; equal ones share their rank.
    Source: Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting, Journal of Computational
    Finance 20(4), 2017 (2015 as a preprint).
    """
    if len(trials) < 2:  # noqa: PLR2004 - nothing was chosen
        return None
    count = np.array(trials[0].count, dtype=np.float64)
    total, squares = (np.array([getattr(t, name) for t in trials]) for name in ("total", "squares"))
    blocks = len(count)
    halves = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[row, chosen] = 1
    worse = losses = 0
    for start in range(0, len(halves), _SPLITS_AT_ONCE):
        inside = halves[start : start + _SPLITS_AT_ONCE]
        seen = _sharpe((inside @ count)[:, None], inside @ total.T, inside @ squares.T)
        outside = 1 - inside
        later = _sharpe((outside @ count)[:, None], outside @ total.T, outside @ squares.T)
        best = np.take_along_axis(later, seen.argmax(axis=1)[:, None], axis=1)
        below, equal = (later < best).sum(axis=1), (later == best).sum(axis=1)
        rank = below + (equal + 1) / 2  # from 1 on
        worse += int((rank / (len(trials) + 1) <= 0.5).sum())  # noqa: PLR2004 - the median: its logit is zero
        losses += int((best[:, 0] < 0).sum())
    return Pbo(worse / len(halves), losses / len(halves), len(halves))


def _product(left: Numbers, right: Numbers) -> float:
    """Return the sum of products, on this thread: BLAS would start its own, and many searches' would stand in line."""
    return float(np.einsum("i,i->", left, right))


def _sharpe(count: "Numbers | np.int64", total: "Numbers | np.float64", squares: "Numbers | np.float64") -> "Numbers":
    """Return mean over standard deviation; zero where nothing moved."""
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0) * count / np.maximum(count - 1, 1)
    return np.where(variance > _FLAT, mean / np.sqrt(np.maximum(variance, _FLAT)), 0.0)
