"""Volatility is the textbook's figure where the candles carry it, and a reason where they do not."""

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.volatility import Unknown, VolatilityAnswer, atr, ewma, of_candles, volatility
from tests.builders import NOW

HOUR = timedelta(hours=1)
END = int(NOW.timestamp())
WALK = [100.0, 102.0, 101.0, 105.0, 104.0, 104.0, 99.0, 103.0, 103.5, 102.0] * 2
prices = st.lists(st.floats(0.01, 1e6), min_size=20, max_size=40)


def hourly(closes: Sequence[float], *, ended: timedelta = timedelta(0), without: int | None = None) -> VolatilityAnswer:
    times = [END - int(ended.total_seconds()) - 3600 * n for n in range(len(closes), 0, -1)]
    candles = [(t, c) for n, (t, c) in enumerate(zip(times, closes, strict=True)) if n != without]
    return of_candles([t for t, _ in candles], [c for _, c in candles], step=HOUR, now=NOW)


def test_volatility_is_the_deviation_of_the_returns_of_twenty_closes() -> None:
    returns = np.diff(WALK) / WALK[:-1]

    answer = volatility([1.0, 50.0, *WALK])

    assert answer.value == pytest.approx(np.std(returns))
    assert (answer.unknown, answer.candles) == (None, 20)


def test_a_price_that_stands_still_or_grows_evenly_has_none() -> None:
    assert volatility([100.0] * 20).value == 0
    assert volatility([1.01**n for n in range(20)]).value == pytest.approx(0, abs=1e-12)


@given(prices, st.floats(0.001, 1000))
def test_volatility_does_not_depend_on_the_unit_of_the_price(closes: list[float], unit: float) -> None:
    of_other_unit = volatility([close * unit for close in closes]).value

    assert of_other_unit == pytest.approx(volatility(closes).value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("figure", [volatility, ewma])
def test_a_figure_needs_enough_closes_that_are_prices(figure: object) -> None:
    assert callable(figure)

    assert figure(WALK[:19]) == VolatilityAnswer(None, Unknown.TOO_SHORT, 19)
    for bad in (0.0, -1.0, math.nan, math.inf):
        assert figure([*WALK[:19], bad]) == VolatilityAnswer(None, Unknown.BAD_NUMBER, 20)


def test_the_average_true_range_is_smoothed_as_wilder_does() -> None:
    highs, lows, closes = [10.0, 12.0, 11.0, 15.0], [9.0, 10.0, 9.5, 11.0], [9.5, 11.0, 10.0, 14.0]

    answer = atr(highs, lows, closes, periods=2)  # true ranges: 2.5, 1.5, 5

    assert answer.value == pytest.approx(((2.5 + 1.5) / 2 + 5) / 2 / 14)
    assert answer.candles == 4


def test_the_true_range_reaches_to_the_close_before() -> None:
    assert atr([10.0, 20.0], [9.0, 19.0], [10.0, 20.0], periods=1).value == pytest.approx(0.5)


def test_the_average_true_range_needs_one_candle_more_than_periods() -> None:
    assert atr([2.0] * 14, [1.0] * 14, [1.0] * 14).unknown is Unknown.TOO_SHORT
    assert atr([2.0] * 15, [1.0] * 15, [1.0] * 15).value == 1
    assert atr([2.0] * 15, [0.0] * 15, [1.0] * 15).unknown is Unknown.BAD_NUMBER


def test_the_weighted_deviation_follows_what_is_newest() -> None:
    calm, wild = [100.0, 100.1] * 10, [100.0, 110.0] * 10

    calmed, stirred = ewma(wild + calm).value, ewma(calm + wild).value

    assert calmed is not None
    assert stirred is not None
    assert stirred > 1.5 * calmed


def test_the_weights_of_the_weighted_deviation_sum_to_one() -> None:
    assert ewma([1.02**n for n in range(30)]).value == pytest.approx(math.log(1.02))


def test_what_cannot_be_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 periods"):
        volatility(WALK, periods=1)
    with pytest.raises(ValueError, match="at least 1 period"):
        atr(WALK, WALK, WALK, periods=0)
    with pytest.raises(ValueError, match="as many highs"):
        atr(WALK, WALK[1:], WALK)
    with pytest.raises(ValueError, match="a decay between"):
        ewma(WALK, decay=1.0)


def test_returns_beyond_numbers_are_no_figure() -> None:
    assert volatility([1e-300, 1e300] * 10).unknown is Unknown.BAD_NUMBER


def test_candles_that_follow_each_other_up_to_now_have_a_figure() -> None:
    answer = hourly(WALK, ended=timedelta(hours=3))

    assert answer.value == volatility(WALK).value
    assert answer.as_of == NOW - timedelta(hours=3)


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        (hourly([]), Unknown.NOT_STORED),
        (hourly(WALK[1:]), Unknown.TOO_SHORT),
        (hourly(WALK, ended=timedelta(hours=4)), Unknown.TOO_OLD),
        (hourly(WALK, ended=-HOUR), Unknown.AHEAD),
        (hourly([1.0, *WALK], without=10), Unknown.GAPPED),
        (hourly([*WALK[:-1], math.nan]), Unknown.BAD_NUMBER),
    ],
)
def test_missing_data_is_a_reason_and_no_figure(answer: VolatilityAnswer, unknown: Unknown) -> None:
    assert (answer.value, answer.unknown) == (None, unknown)


def test_a_gap_before_the_candles_that_count_is_none() -> None:
    assert hourly([1.0, 2.0, *WALK], without=1).value == volatility(WALK).value
