"""A recommendation is the sum of points that are shown, and what is not known earns none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.recommendation import FEW_TRADES, Recommendation, Verdict, recommend


def judged(returned: float | None, wins: float | None, sharpe: float | None, drawdown: float | None) -> Recommendation:
    return recommend(return_fraction=returned, win_rate=wins, sharpe=sharpe, drawdown_fraction=drawdown, trades=100)


@pytest.mark.parametrize(
    ("figures", "points", "verdict"),
    [
        ((0.2001, 0.6001, 2.01, 0.0499), [30, 25, 25, 20], Verdict.EXCELLENT),
        ((0.20, 0.60, 2.0, 0.05), [20, 20, 20, 15], Verdict.GOOD),
        ((0.10, 0.50, 1.0, 0.10), [10, 10, 10, 10], Verdict.MARGINAL),
        ((0.05, 0.40, 0.5, 0.20), [5, 0, 0, 5], Verdict.FAILED),
        ((0.0, 0.40, 0.5, 0.30), [0, 0, 0, 0], Verdict.FAILED),
        ((-0.5, 0.0, -3.0, 0.99), [0, 0, 0, 0], Verdict.FAILED),
    ],
)
def test_l1_points_go_to_what_is_beyond_a_limit(figures: tuple[float, ...], points: list[int], verdict: str) -> None:
    answer = judged(*figures)

    assert [one.points for one in answer.points] == points
    assert answer.verdict is verdict
    assert not answer.too_few_trades


def test_what_is_not_defined_earns_nothing_and_says_so() -> None:
    for unknown in (None, math.nan, math.inf):
        answer = judged(0.3, 0.9, unknown, 0.01)

        assert answer.total == 75
        assert (answer.points[2].value, answer.points[2].why) == (None, "not defined")


def test_without_a_trade_it_failed_whatever_the_figures_and_few_trades_are_said() -> None:
    none = recommend(return_fraction=0.5, win_rate=1.0, sharpe=9.0, drawdown_fraction=0.0, trades=0)
    few = recommend(return_fraction=0.5, win_rate=1.0, sharpe=9.0, drawdown_fraction=0.0, trades=FEW_TRADES - 1)

    assert (none.verdict, none.total, none.too_few_trades) == (Verdict.FAILED, 0, True)
    assert (few.verdict, few.total) == (Verdict.EXCELLENT, 100)
    assert few.words == "EXCELLENT (100 of 100 points); too few trades to believe it: 29, 30 at least"


figure = st.floats(-2, 4)


@given(st.lists(figure, min_size=4, max_size=4), st.integers(0, 3), st.floats(0, 2))
def test_a_better_figure_never_costs_points(worse: list[float], which: int, more: float) -> None:
    better = [*worse]
    better[which] += -more if which == 3 else more

    assert judged(*better).total >= judged(*worse).total
