"""What positions and prices must meet before anything acts on them, as pandera contracts over one account's frame.

The frames carry what a contract needs to know of its moment as columns (ages in seconds, whether an asset is known), so
the contracts themselves know no clock and no venue. Each check's error is the value of a `Breach`.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

CLOCK_SKEW_SECONDS = 60.0  # a time further ahead than this is wrong, not fast
RELATIVE_TOLERANCE = 1e-9  # the frames hold floats; what they are made of is exact
_QUANTITIES = ["free", "held", "locked", "quantity"]
_AMOUNTS = ["price", "value"]
_OF_A_PRICE = [*_AMOUNTS, "price_at", "age_seconds", "stale_in_seconds"]
UTC_TIMES: dict[str, str] = {"unit": "ns", "tz": "UTC"}


class Breach(StrEnum):
    """How a row, or a whole frame, fails its contract."""

    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    NEGATIVE = "negative"
    NAIVE_TIME = "naive_time"
    FUTURE = "future"
    STALE = "stale"
    DUPLICATE = "duplicate"
    UNKNOWN_ASSET = "unknown_asset"
    WRONG_SYMBOL = "wrong_symbol"
    QUANTITY_MISMATCH = "quantity_mismatch"
    VALUE_MISMATCH = "value_mismatch"
    HALF_VALUED = "half_valued"
    EMPTY = "empty"
    NOT_CHECKED = "not_checked"  # a check failed to run, or failed without naming a row
    ROWS_LOST = "rows_lost"


def _check(breach: Breach) -> Callable[[Any], Any]:
    """Return a check of the whole frame, or of each of its rows.

    No row is ever let through for being empty; to look for empty ones would take pandera as long as the check itself.
    """
    return pa.dataframe_check(error=breach.value, ignore_na=False)


class _Strict(pa.DataFrameModel):
    """No column more, no column less, and nothing coerced: a bool is no number, a naive time no UTC."""

    class Config:
        strict: ClassVar[bool] = True
        coerce: ClassVar[bool] = False

    @_check(Breach.EMPTY)
    @classmethod
    def _has_rows(cls, frame: pd.DataFrame) -> bool:
        return len(frame) > 0


class PriceFrame(_Strict):
    """One row per symbol: a positive finite price in quote per base unit, and when it held."""

    symbol: Series[str]
    price: Series[float]
    at: Series[pd.DatetimeTZDtype] = pa.Field(dtype_kwargs=UTC_TIMES)
    age_seconds: Series[float]
    stale_in_seconds: Series[float]

    @_check(Breach.NOT_FINITE)
    @classmethod
    def _is_finite(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return finite(frame["price"])

    @_check(Breach.NEGATIVE)
    @classmethod
    def _is_not_negative(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame["price"] < 0)

    @_check(Breach.NOT_POSITIVE)
    @classmethod
    def _is_not_zero(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return frame["price"] != 0

    @_check(Breach.FUTURE)
    @classmethod
    def _is_not_ahead(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return frame["age_seconds"] >= -CLOCK_SKEW_SECONDS

    @_check(Breach.STALE)
    @classmethod
    def _is_fresh(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return frame["stale_in_seconds"] >= 0

    @_check(Breach.DUPLICATE)
    @classmethod
    def _is_unique(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return unique(frame["symbol"])


class PositionFrame(_Strict):
    """One row per position: quantities in base units that add up, and a value that is quantity times price.

    An unvalued position has no price, no value and no price time; a valued one has all of them.
    """

    account: Series[str]
    symbol: Series[str]
    asset: Series[str]
    free: Series[float]
    held: Series[float]
    locked: Series[float]
    quantity: Series[float]
    is_valued: Series[bool]
    price: Series[float] = pa.Field(nullable=True)
    value: Series[float] = pa.Field(nullable=True)
    price_at: Series[pd.DatetimeTZDtype] = pa.Field(nullable=True, dtype_kwargs=UTC_TIMES)
    age_seconds: Series[float] = pa.Field(nullable=True)
    stale_in_seconds: Series[float] = pa.Field(nullable=True)
    is_known: Series[bool]

    @_check(Breach.NOT_FINITE)
    @classmethod
    def _is_finite(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return finite(frame[_QUANTITIES]) & (finite(frame[_AMOUNTS]) | ~frame["is_valued"])

    @_check(Breach.NEGATIVE)
    @classmethod
    def _is_not_negative(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame[[*_QUANTITIES, *_AMOUNTS]] < 0).any(axis="columns")

    @_check(Breach.NOT_POSITIVE)
    @classmethod
    def _is_not_zero(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return (frame["quantity"] != 0) & (frame["price"] != 0)

    @_check(Breach.FUTURE)
    @classmethod
    def _is_not_ahead(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return (frame["age_seconds"] >= -CLOCK_SKEW_SECONDS) | ~frame["is_valued"]

    @_check(Breach.STALE)
    @classmethod
    def _is_fresh(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return (frame["stale_in_seconds"] >= 0) | ~frame["is_valued"]

    @_check(Breach.UNKNOWN_ASSET)
    @classmethod
    def _is_in_the_venues_metadata(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return frame["is_known"]

    @_check(Breach.DUPLICATE)
    @classmethod
    def _is_unique(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return unique(frame[["account", "symbol"]])

    @_check(Breach.WRONG_SYMBOL)
    @classmethod
    def _is_named_after_its_asset(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return frame["symbol"].str.split("/").str[0] == frame["asset"]

    @_check(Breach.QUANTITY_MISMATCH)
    @classmethod
    def _quantities_add_up(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return close_to(frame["quantity"], frame["free"] + frame["held"] + frame["locked"])

    @_check(Breach.VALUE_MISMATCH)
    @classmethod
    def _value_is_quantity_times_price(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        return close_to(frame["value"], frame["quantity"] * frame["price"]) | ~frame["is_valued"]

    @_check(Breach.HALF_VALUED)
    @classmethod
    def _is_valued_whole_or_not_at_all(cls, frame: pd.DataFrame) -> "pd.Series[bool]":
        parts = frame[_OF_A_PRICE].notna()
        return parts.eq(frame["is_valued"], axis="index").all(axis="columns")


def finite(numbers: "pd.Series[float] | pd.DataFrame") -> "pd.Series[bool]":
    """Tell which rows are neither infinite nor nan: infinity is greater than zero and would pass as positive."""
    rows = numbers.to_frame() if isinstance(numbers, pd.Series) else numbers
    return (rows.abs() < np.inf).all(axis="columns")


def unique(names: "pd.Series[str] | pd.DataFrame") -> "pd.Series[bool]":
    """Tell which names stand once. Every row of a repeated name fails, since none of them is the right one."""
    return ~names.duplicated(keep=False)


def close_to(numbers: "pd.Series[float]", expected: "pd.Series[float]") -> "pd.Series[bool]":
    """Tell which numbers are what they should be, but for the rounding of floats. Infinity is close to nothing."""
    return (numbers - expected).abs() <= RELATIVE_TOLERANCE * expected.abs()
