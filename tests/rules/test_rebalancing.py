"""Weights are the nearest to the scores' proportion that sum to one within the bounds, or else the rest is cash."""

import math
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.rebalancing import LEAST_WEIGHT, MOST_WEIGHT, STEP, score, weigh

several = st.lists(st.decimals(0, 1, places=4), min_size=3, max_size=20)


def by_hand(*scores: str) -> list[str]:
    return [f"{weight:f}" for weight in weigh([Decimal(one) for one in scores])]


def test_l2_two_strategies_get_two_fifths_each_and_the_rest_is_cash() -> None:
    assert weigh([Decimal("0.9"), Decimal("0.1")]) == (Decimal("0.40"), Decimal("0.40"))
    assert weigh([Decimal("0.9")]) == (Decimal("0.40"),)
    assert weigh([]) == ()


def test_l2_a_score_is_two_fifths_sharpe_and_three_tenths_win_rate_and_profit() -> None:
    assert score(sharpe=2.0, win_rate=0.0, return_fraction=0.0).value == Decimal("0.4")
    assert score(sharpe=0.0, win_rate=1.0, return_fraction=0.0).value == Decimal("0.3")
    assert score(sharpe=0.0, win_rate=0.0, return_fraction=0.2).value == Decimal("0.3")
    assert score(sharpe=1.0, win_rate=0.5, return_fraction=0.1).value == Decimal("0.5")
    assert score(sharpe=9.0, win_rate=1.0, return_fraction=4.0).value == 1
    assert score(sharpe=-1.0, win_rate=0.0, return_fraction=-0.9).value == 0


def test_a_figure_that_is_not_known_counts_as_nothing_and_is_named() -> None:
    answer = score(sharpe=math.nan, win_rate=None, return_fraction=0.1)

    assert (answer.value, answer.unknown) == (Decimal("0.15"), ("sharpe", "win_rate"))


def test_weights_keep_the_proportion_where_the_bounds_allow_it() -> None:
    assert by_hand("0.2", "0.4", "0.4") == ["0.2000", "0.4000", "0.4000"]
    assert by_hand("0.9", "0.1", "0") == ["0.4000", "0.3500", "0.2500"]  # cut and renormalised it were 73 %
    assert by_hand("0", "0", "0") == ["0.3334", "0.3333", "0.3333"]


def test_of_more_than_all_can_have_the_least_of_the_worst_go_without() -> None:
    weights = weigh([Decimal(n) for n in range(22)])

    assert not any(weights[:2])
    assert set(weights[2:]) == {Decimal("0.05")}


@given(several)
def test_they_sum_to_one_lie_within_the_bounds_and_keep_the_order(scores: list[Decimal]) -> None:
    weights = weigh(scores)

    assert sum(weights) == 1
    assert all(LEAST_WEIGHT <= weight <= MOST_WEIGHT for weight in weights)
    for (better, more), (worse, less) in product(zip(scores, weights, strict=True), repeat=2):
        assert more >= less - STEP * (better == worse) or better < worse


@given(st.lists(st.decimals(0, 1, places=2), min_size=3, max_size=4))
def test_no_other_weights_within_the_bounds_are_nearer(scores: list[Decimal]) -> None:
    total = sum(scores)
    wanted = [float(one / total) if total else 1 / len(scores) for one in scores]
    found = math.dist([float(weight) for weight in weigh(scores)], wanted)

    grid = [n / 100 for n in range(5, 41)]
    others = (
        (*most, 1 - sum(most)) for most in product(grid, repeat=len(scores) - 1) if 0.05 <= 1 - sum(most) <= 0.40 + 1e-9
    )
    nearest = min(math.dist(other, wanted) for other in others)

    assert found <= nearest + 2 * float(STEP)


@pytest.mark.parametrize(("least", "most"), [("0", "0.4"), ("0.5", "0.4"), ("0.05", "1.1")])
def test_bounds_that_leave_nothing_between_them_are_refused(least: str, most: str) -> None:
    with pytest.raises(ValueError, match="expected scores of zero or more"):
        weigh([Decimal(1)], least=Decimal(least), most=Decimal(most))


@pytest.mark.parametrize(("sharpe", "value"), [(1e300, "0.4"), (-1e300, "0")])
def test_a_sharpe_ratio_without_end_counts_as_the_nearer_end(sharpe: float, value: str) -> None:
    assert score(sharpe=sharpe, win_rate=0.0, return_fraction=0.0).value == Decimal(value)
