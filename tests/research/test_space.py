"""What a search tries: ranges as they are typed, and the combinations that go together."""

from itertools import pairwise

import pytest

from models.errors import ConfigError
from models.search import Trial, TrialState
from research.folds import folds_of
from research.sensitivity import heat_map, neighbours, sensitivity
from research.space import key_of, space_of
from research.strategies.breakout import Breakout
from research.strategies.momentum import Momentum
from research.strategies.sma_cross import SmaCross


def test_a_grid_has_every_combination_that_goes_together() -> None:
    space = space_of(SmaCross, ["fast=5:20:5", "slow=10,20"])

    assert space.size == 8
    assert [key_of(one) for one in space.combinations()] == [
        "fast=5 slow=10",
        "fast=5 slow=20",
        "fast=10 slow=20",
        "fast=15 slow=20",
    ]


def test_steps_of_decimals_stay_decimal_and_the_end_is_reached() -> None:
    (threshold,) = [axis for axis in space_of(Momentum, ["threshold=0.01:0.05:0.01"]).axes if axis.name == "threshold"]

    assert threshold.values == (0.01, 0.02, 0.03, 0.04, 0.05)


def test_what_is_not_named_is_swept_as_the_strategy_suggests() -> None:
    assert {axis.name: axis.values for axis in space_of(Breakout).axes} == {
        one.name: one.bounds.sweep for one in Breakout.declared()
    }


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("fst=5:10", "--param sma-cross: has no parameter 'fst'; did you mean 'fast'? (allowed: fast, slow)"),
        ("fast=0:10:1", "sma-cross.fast: 0 is out of range (allowed: a whole number from 1 to 5000)"),
        ("fast=10:5:1", "sma-cross.fast: 10 is above 5"),
        ("fast=1:9:0", "sma-cross.fast: found the step '0' (allowed: a positive whole number)"),
        ("fast=1:9:1.5", "sma-cross.fast: found the step '1.5' (allowed: a positive whole number)"),
        ("fast=1:2:3:4", "sma-cross.fast: found '1:2:3:4' (allowed: LOW:HIGH:STEP"),
        ("fast=", "sma-cross.fast: has no range"),
        ("fast=x", "sma-cross.fast: found 'x' (allowed: a whole number from 1 to 5000)"),
        ("fast=300:400:50", "sma-cross: no combination goes together: fast (300) must be below slow (30)"),
    ],
)
def test_a_range_that_cannot_be_is_named_with_what_can(written: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        space_of(SmaCross, [written])
    assert str(caught.value).startswith(words)


def test_a_space_without_end_is_not_for_a_grid() -> None:
    space = space_of(Momentum, ["threshold=0.01:0.05"])

    assert space.size is None
    with pytest.raises(ConfigError, match="threshold has no step"):
        next(space.combinations())
    huge = space_of(SmaCross, ["fast=1:1000", "slow=1001:2000"])
    with pytest.raises(ConfigError, match="1,000,000 combinations are too many"):
        next(huge.combinations())


def a_trial(fast: int, slow: int, score: float | None) -> Trial:
    return Trial(0, f"{fast} {slow}", {"fast": fast, "slow": slow}, TrialState.DONE, score, {})


def test_the_parameter_that_decides_is_found_and_mapped() -> None:
    space = space_of(SmaCross, ["fast=5:20:5", "slow=50:90:20"])
    trials = [a_trial(f, s, f + s / 1000) for f in (5, 10, 15, 20) for s in (50, 70, 90)]
    trials[0] = a_trial(5, 50, None)  # it never traded

    order = sensitivity(space, trials)
    found = heat_map(space, trials, order)

    assert [one.parameter for one in order] == ["fast", "slow"]
    assert order[0].share == pytest.approx(1, abs=0.001)
    assert order[0].values[-1].mean == pytest.approx(20.07)
    assert order[1].share is not None
    assert order[1].share < 0.15
    assert found is not None
    assert (found.x, found.y, found.xs, found.ys) == ("fast", "slow", [5, 10, 15, 20], [50, 70, 90])
    assert found.scores[0] == [None, pytest.approx(10.05), pytest.approx(15.05), pytest.approx(20.05)]
    assert neighbours(space, trials, {"fast": 20, "slow": 90}) == pytest.approx((15.09 + 20.07) / 2)


@pytest.mark.parametrize("anchored", [True, False])
@pytest.mark.parametrize(("bars", "count", "ratio"), [(3000, 5, 3.0), (1003, 4, 1.5), (250, 2, 2.0)])
def test_folds_try_what_follows_their_sample_and_end_with_the_last_bar(
    bars: int, count: int, ratio: float, *, anchored: bool
) -> None:
    folds = folds_of(bars, count, ratio, anchored=anchored)

    assert len(folds) == count
    assert folds[-1].end == bars
    assert all(before.end == after.split for before, after in pairwise(folds))
    assert all(0 <= fold.begin < fold.split < fold.end for fold in folds)
    assert {fold.begin for fold in folds} == {0} if anchored else len({fold.split - fold.begin for fold in folds}) == 1


def test_a_history_that_is_too_short_for_its_folds_says_so() -> None:
    with pytest.raises(ConfigError, match="300 bars make samples of 45 and trials of 15"):
        folds_of(300, 17, 3.0, anchored=False)
