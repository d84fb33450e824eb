"""What a batch of candles, or of Polymarket prices, must meet, as pandera contracts: rows by themselves, then together.

As in frames.py the frames carry what a contract needs to know of its moment as columns, so the contracts know no clock
and no source. Each check's error is the value of a `Why`. Nothing is coerced: what is no number has become nan before.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pandera.typing import Series

from models.history import COLUMNS, POINT_COLUMNS, Why
from validations.frames import finite

PRICES = ["open", "high", "low", "close"]
Marks = npt.NDArray[np.bool_]
TOLERANCE = 0.05  # a fraction: how far apart two sources of one symbol may be


def _check(why: Why) -> Callable[[Any], Any]:
    return pa.dataframe_check(error=why.value, ignore_na=False)


class _Strict(pa.DataFrameModel):
    class Config:
        strict: ClassVar[bool] = True
        coerce: ClassVar[bool] = False


class _Timed(_Strict):
    """When a row is from, and what that is held to: whole seconds since 1970."""

    time: Series[float] = pa.Field(nullable=True)
    step_seconds: Series[float]
    asked_from: Series[float]
    asked_to: Series[float]
    now: Series[float]

    @_check(Why.FUTURE)
    @classmethod
    def _is_not_ahead(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["time"] > frame["now"])

    @_check(Why.NOT_ASKED)
    @classmethod
    def _was_asked_for(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~((frame["time"] < frame["asked_from"]) | (frame["time"] >= frame["asked_to"]))

    @_check(Why.OFF_GRID)
    @classmethod
    def _stands_on_the_grid(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["time"] % frame["step_seconds"] > 0)


class CandleFrame(_Timed):
    """A row by itself: finite numbers, positive prices that enclose each other, an open time of a finished candle."""

    open: Series[float] = pa.Field(nullable=True)
    high: Series[float] = pa.Field(nullable=True)
    low: Series[float] = pa.Field(nullable=True)
    close: Series[float] = pa.Field(nullable=True)
    volume: Series[float] = pa.Field(nullable=True)

    @_check(Why.NOT_A_NUMBER)
    @classmethod
    def _is_finite(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return finite(frame[list(COLUMNS)])

    @_check(Why.NOT_POSITIVE)
    @classmethod
    def _is_positive(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~((frame[PRICES] <= 0).any(axis="columns") | (frame["volume"] < 0))

    @_check(Why.UNFINISHED)
    @classmethod
    def _is_over(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        has_begun = frame["time"] <= frame["now"]
        return ~(has_begun & (frame["time"] + frame["step_seconds"] > frame["now"]))

    @_check(Why.LOW_ABOVE)
    @classmethod
    def _low_is_lowest(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["low"] > frame[["open", "high", "close"]].min(axis="columns"))

    @_check(Why.HIGH_BELOW)
    @classmethod
    def _high_is_highest(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["high"] < frame[["open", "low", "close"]].max(axis="columns"))


class PointFrame(_Timed):
    """A row by itself: a probability at an instant."""

    price: Series[float] = pa.Field(nullable=True)

    @_check(Why.NOT_A_NUMBER)
    @classmethod
    def _is_finite(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return finite(frame[list(POINT_COLUMNS)])

    @_check(Why.NOT_POSITIVE)
    @classmethod
    def _is_not_negative(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["price"] < 0)

    @_check(Why.BAD_ROW)
    @classmethod
    def _is_a_probability(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["price"] > 1)


class TogetherFrame(_Strict):
    """Rows that are sound by themselves, by time: one a time, none that stands alone, none that others deny.

    `second_*`: what a second source says of the same time, nan where it says nothing. `second_stands_alone`: it is a
    spike among its own neighbours, so it denies nothing.
    """

    time: Series[float]
    open: Series[float]
    high: Series[float]
    low: Series[float]
    close: Series[float]
    volume: Series[float]
    stands_alone: Series[bool]
    second_high: Series[float] = pa.Field(nullable=True)
    second_low: Series[float] = pa.Field(nullable=True)
    second_close: Series[float] = pa.Field(nullable=True)
    second_stands_alone: Series[bool]

    @_check(Why.DUPLICATE)
    @classmethod
    def _is_the_only_one(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~repeated(frame[list(COLUMNS)])

    @_check(Why.JUMP)
    @classmethod
    def _is_among_its_neighbours(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        confirmed = pd.Series(data=True, index=frame.index)
        for name in ("high", "low", "close"):
            confirmed &= _near(frame[name], frame[f"second_{name}"])
        return ~frame["stands_alone"] | confirmed

    @_check(Why.DISAGREES)
    @classmethod
    def _is_not_denied(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        says_nothing = frame["second_close"].isna() | frame["second_stands_alone"]
        return says_nothing | _near(frame["close"], frame["second_close"])


def repeated(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which rows repeat the time of another: all but the first where they are the same, else all of them.

    Where two rows of one time differ, nobody knows which is right. The first column is the time.
    """
    copies = frame.duplicated(keep="first")
    versions = frame.loc[~copies]
    time = frame.columns[0]
    disputed = versions.loc[versions[time].duplicated(keep=False), time]
    return copies | frame[time].isin(disputed)


def failing(frame: pd.DataFrame, contract: type[pa.DataFrameModel]) -> dict[Why, Marks]:
    """Validate lazily; return which rows fail for which reason.

    A failure that no row owns (a check that could not run, a column of another type) fails every row: what cannot be
    judged is not accepted. The index must be the row's position: pandera loses rows of a repeated index.
    """
    try:
        contract.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases[["check", "index"]].drop_duplicates()
    else:
        return {}
    marks: dict[Why, Marks] = {}
    for check, rows in cases.groupby("check", sort=False)["index"]:
        why = Why(check) if check in set(Why) else None
        owned = marks.setdefault(why or Why.BAD_ROW, np.zeros(len(frame), dtype=bool))
        if why is None or rows.isna().any():
            owned[:] = True
        else:
            owned[rows.to_numpy(dtype=np.int64)] = True
    return marks


def _near(numbers: "pd.Series[float]", expected: "pd.Series[float]") -> "pd.Series[bool]":
    return (numbers - expected).abs() <= TOLERANCE * expected.abs()
