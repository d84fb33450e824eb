"""How luck is told from skill: the papers' own figures, and cases whose answer is known beforehand."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.overfitting import (
    Moments,
    backtest_overfitting,
    deflated_sharpe,
    expected_maximum,
    luck_variance,
    moments_of,
    probabilistic_sharpe,
)

DAYS_A_YEAR = 250


def with_sharpe(sharpe: float, bars: int, skewness: float = 0.0, kurtosis: float = 3.0) -> Moments:
    return Moments((bars,), (sharpe * bars,), ((bars - 1) + bars * sharpe**2,), skewness, kurtosis)


def noise(rows: int, columns: int, seed: int) -> "list[Moments]":
    found = np.random.default_rng(seed).normal(0, 0.01, (rows, columns))
    return [moments_of(found[:, n]) for n in range(columns)]


def test_the_example_of_the_deflated_sharpe_ratio() -> None:
    """An annual ratio of 2.5 over five years of days, skewness -3, kurtosis 10, best of 100 with a variance of 1/2."""
    luck = expected_maximum(0.5 / DAYS_A_YEAR, 100)
    best = with_sharpe(2.5 / math.sqrt(DAYS_A_YEAR), 5 * DAYS_A_YEAR, -3, 10)

    assert luck == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(best, luck) == pytest.approx(0.9004, abs=5e-5)


def test_one_try_needs_no_deflation_and_more_tries_need_more() -> None:
    best, trials = with_sharpe(0.08, 2000), noise(2000, 30, 1)

    assert deflated_sharpe(best, [best], 1) == probabilistic_sharpe(best)
    deflated = [deflated_sharpe(best, trials, tried) for tried in (2, 30, 1000, 10**6)]
    assert deflated == sorted(deflated, reverse=True)


def test_luck_is_no_wider_than_luck_can_be() -> None:
    trials = [with_sharpe(0.5 * n, 1000) for n in range(-5, 6)]

    assert luck_variance(trials) == pytest.approx(1 / 999)
    assert luck_variance(noise(1000, 200, 2)) == pytest.approx(1 / 999, rel=0.2)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(16, 400), scale=st.floats(1e-4, 0.1))
def test_what_is_kept_of_returns_is_enough_for_their_sharpe_ratio_and_shape(seed: int, rows: int, scale: float) -> None:
    returns = np.random.default_rng(seed).standard_t(4, rows) * scale
    kept = moments_of(returns)
    centred = returns - returns.mean()

    assert kept.bars == rows
    assert kept.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-9, abs=1e-12)
    assert kept.skewness == pytest.approx((centred**3).mean() / returns.std() ** 3, rel=1e-9, abs=1e-9)
    assert kept.kurtosis == pytest.approx((centred**4).mean() / returns.std() ** 4, rel=1e-9)


def test_a_combination_that_never_trades_has_no_sharpe_ratio() -> None:
    assert moments_of(np.zeros(100)).sharpe == 0


def test_what_is_always_best_is_not_overfit() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, (1600, 20)) + np.linspace(0, 0.003, 20)
    found = backtest_overfitting([moments_of(returns[:, n]) for n in range(20)])

    assert found is not None
    assert found.splits == math.comb(16, 8)
    assert found.probability < 0.01


def test_what_is_best_only_where_it_was_fitted_is_overfit() -> None:
    """Each column earns in one block and pays for it in all others: the best of a half is the worst of the other."""
    returns = np.random.default_rng(4).normal(0, 1e-5, (1600, 16))
    for block in range(16):
        returns[:, block] -= 0.001
        returns[block * 100 : (block + 1) * 100, block] += 0.016

    found = backtest_overfitting([moments_of(returns[:, n]) for n in range(16)])

    assert found is not None
    assert found.probability > 0.95
    assert found.loss > 0.95


def test_choosing_among_noise_is_a_coin_toss() -> None:
    probabilities = [found.probability for seed in range(12) if (found := backtest_overfitting(noise(800, 24, seed)))]

    assert 0.35 < np.mean(probabilities) < 0.65


@pytest.mark.parametrize("seed", range(4))
def test_the_sums_say_what_the_returns_themselves_say(seed: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0002, 0.01, (121, 5))
    blocks, columns = np.array_split(np.arange(len(returns)), 6), range(5)
    worse = 0
    for chosen in combinations(range(6), 3):
        inside = np.concatenate([blocks[n] for n in chosen])
        outside = np.setdiff1d(np.arange(len(returns)), inside)
        best = max(columns, key=lambda n: returns[inside, n].mean() / returns[inside, n].std(ddof=1))
        later = [returns[outside, n].mean() / returns[outside, n].std(ddof=1) for n in columns]
        worse += sorted(later).index(later[best]) + 1 <= 3

    found = backtest_overfitting([moments_of(returns[:, n], 6) for n in columns])

    assert found is not None
    assert found.probability == worse / 20


def test_nothing_is_said_of_a_single_combination() -> None:
    assert backtest_overfitting(noise(800, 1, 1)) is None
