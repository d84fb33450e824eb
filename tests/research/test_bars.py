"""Bars and settings: what is kept, what is refused."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from models.errors import BadBars, ConfigError
from models.sizing import SizingLimits, SizingMethod
from research.bars import Bars
from research.settings import BacktestSettings, Limits, Sizing
from research.signals import Signals

GOOD = {"open": [10.0, 11.0, 12.0], "high": [12.0, 13.0, 14.0], "low": [9.0, 10.0, 11.0], "close": [11.0, 12.0, 13.0]}
TIMES = [0, 3600, 7200]


def a_frame(**changed: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"time": TIMES, **GOOD, "volume": [1.0, 0.0, 2.0], **changed})


def test_a_frame_is_kept_as_columns_that_cannot_be_written_to() -> None:
    bars = Bars.from_frame(a_frame(), "X/USD")

    assert (len(bars), bars.step_seconds, bars.gaps, bars.airless) == (3, 3600, 0, 1)
    assert bars.close.tolist() == GOOD["close"]
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0


def test_times_in_the_index_are_taken_where_they_say_their_zone() -> None:
    aware = pd.DatetimeIndex(pd.to_datetime(TIMES, unit="s", utc=True)).tz_convert("Asia/Tokyo")

    assert Bars.from_frame(a_frame().drop(columns="time").set_index(aware), "X/USD").time.tolist() == TIMES
    with pytest.raises(BadBars, match="without a time zone"):
        Bars.from_frame(a_frame().drop(columns="time").set_index(aware.tz_localize(None)), "X/USD")


@pytest.mark.parametrize(
    ("changed", "row", "column"),
    [
        ({"close": [11.0, np.nan, 13.0]}, 2, "close"),
        ({"close": [11.0, 12.0, np.inf]}, 3, "close"),
        ({"high": [12.0, 9.0, 14.0]}, 2, "high"),
        ({"open": [8.0, 11.0, 12.0]}, 1, "open"),
        ({"close": [11.0, 14.0, 13.0]}, 2, "close"),
        ({"low": [9.0, -1.0, 11.0]}, 2, "low"),
        ({"volume": [1.0, 1.0, -1.0]}, 3, "volume"),
        ({"time": [0, 0, 3600]}, 2, "time"),
        ({"time": [0, 7200, 3600]}, 3, "time"),
        ({"time": [0, 3600, 10_800]}, 3, "time"),
        ({"time": [0, 3600, 7201]}, 3, "time"),
        ({"time": [0, 3600.5, 7200]}, 2, "time"),
        ({"time": [0, 3600, 7.2e12]}, 3, "time"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(changed: dict[str, list[float]], row: int, column: str) -> None:
    with pytest.raises(BadBars) as caught:
        Bars.from_frame(a_frame(**changed), "X/USD")

    assert (caught.value.row, caught.value.column, caught.value.where) == (row, column, "X/USD")
    assert str(caught.value).startswith(f"X/USD: row {row}, column {column}: ")


def test_columns_that_are_missing_or_of_another_length_are_named() -> None:
    with pytest.raises(BadBars, match="column low: missing; there are time, open, high, close, volume"):
        Bars.from_frame(a_frame().drop(columns="low"), "X/USD")
    with pytest.raises(BadBars, match="column close: 2 rows, while there are 3 times"):
        Bars.of("X/USD", TIMES, **{**GOOD, "close": [1.0, 2.0]}, volume=[1, 1, 1])


def test_a_part_counts_its_own_gaps_and_bars_without_volume() -> None:
    bars = Bars.from_frame(a_frame(time=[0, 3600, 10_800]), "X/USD", gaps="keep")

    assert (bars.gaps, bars.cut(1).gaps, bars.cut(0, 2).gaps) == (1, 1, 0)
    assert (bars.airless, bars.cut(2).airless) == (1, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BacktestSettings(fee_fraction=-0.1),
        lambda: BacktestSettings(fee_fraction=float("nan")),
        lambda: BacktestSettings(slippage_fraction=0.9),
        lambda: BacktestSettings(initial_cash=0),
        lambda: BacktestSettings(max_positions=0),
        lambda: BacktestSettings(minimum_quote=-1),
        lambda: Limits(stop_loss_fraction=1.5),
        lambda: Limits(longest_hold_seconds=-1),
        Sizing,
        lambda: Sizing(quote=10, fraction=0.5),
        lambda: Sizing(fraction=2),
        lambda: Sizing(quote=10, periods=1),
        lambda: Signals.of([0, 2]),
        lambda: Signals.of([0, 0.5]),
        lambda: Signals.of([0, 1], [4, 0]),
        lambda: Signals.of([0, 1], [True]),
    ],
)
def test_what_is_out_of_range_is_refused_with_what_is_allowed(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match="allowed: "):
        make()


def test_a_policy_becomes_a_size() -> None:
    size = Sizing.by_policy(100, SizingLimits(SizingMethod.INVERSE_VOLATILITY))

    assert (size.quote, size.most_fraction, size.base_volatility) == (100, 0.2, 0.1)
    assert Sizing.by_policy(100, SizingLimits()).most_fraction == 1
