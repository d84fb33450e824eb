"""Prices to test a strategy on: one symbol's candles as plain arrays, checked once, so that all after may trust them.

A bar is known by the time it opens. Nothing of it but its open may be used before it closes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.errors import BadBars

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Array = TypeVar("Array", bound=npt.NDArray[Any])
Gaps = Literal["error", "keep"]

PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume")
_LATEST = 253_402_300_800  # the year 10000: a time beyond it is in another unit


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One symbol's bars, oldest first. All arrays have the same length and cannot be written to.

    Unit: `time` in whole seconds since 1970 (UTC, when the bar opens), prices in quote per base unit, `volume` in base
    units. `gaps`: how many times the next bar does not follow on at once. `airless`: in how many bars nobody traded.
    """

    symbol: str
    step_seconds: int
    time: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    gaps: int = 0
    airless: int = 0

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def of(
        cls,
        symbol: str,
        time: npt.ArrayLike,
        *,
        open: npt.ArrayLike,  # noqa: A002 - it is what the column is called
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        close: npt.ArrayLike,
        volume: npt.ArrayLike,
        step_seconds: int | None = None,
        gaps: Gaps = "error",
    ) -> "Bars":
        """Check the columns and keep them. `step_seconds` None: the shortest distance between two bars.

        Arrays that are contiguous and of the right type already are not copied. Raises: BadBars.
        """
        times = _whole_seconds(symbol, time)
        columns = dict(
            zip(
                COLUMNS,
                (_floats(symbol, n, v) for n, v in zip(COLUMNS, (open, high, low, close, volume), strict=True)),
                strict=True,
            )
        )
        for name, column in columns.items():
            if len(column) != len(times):
                raise BadBars(symbol, None, name, f"{len(column)} rows, while there are {len(times)} times")
        step = _step(symbol, times, step_seconds)
        holes = _holes(symbol, times, step, gaps)
        _check_prices(symbol, columns)
        kept = {name: sealed(column) for name, column in columns.items()}
        airless = int(np.count_nonzero(kept["volume"] == 0))
        return cls(symbol, step, sealed(times), **kept, gaps=holes, airless=airless)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, symbol: str, *, step_seconds: int | None = None, gaps: Gaps = "error"
    ) -> "Bars":
        """Take a frame with columns open, high, low, close, volume, and `time` as a column or as the index.

        Shape: one row per closed candle, oldest first. `time`: whole seconds since 1970, or aware timestamps.
        Raises: BadBars.
        """
        for name in COLUMNS:
            if name not in frame.columns:
                raise BadBars(symbol, None, name, f"missing; there are {', '.join(map(str, frame.columns)) or 'none'}")
            if isinstance(frame[name], pd.DataFrame):
                raise BadBars(symbol, None, name, "there more than once")
        moments = frame["time"] if "time" in frame.columns else frame.index.to_series()
        return cls.of(
            symbol,
            epoch_seconds(moments, symbol),
            **{name: _numbers(frame[name], symbol) for name in COLUMNS},
            step_seconds=step_seconds,
            gaps=gaps,
        )

    def cut(self, start: int = 0, stop: int | None = None) -> "Bars":
        """Return the bars from position `start` up to, and without, `stop`: views, nothing is copied."""
        span = slice(start, stop)
        time = self.time[span]
        holes = int(np.count_nonzero(np.diff(time) != self.step_seconds)) if self.gaps else 0
        columns = {name: getattr(self, name)[span] for name in COLUMNS}
        airless = int(np.count_nonzero(self.volume[span] == 0)) if self.airless else 0
        return Bars(self.symbol, self.step_seconds, time, **columns, gaps=holes, airless=airless)

    def frame(self) -> pd.DataFrame:
        """Return the columns with the times, aware and in UTC, as index."""
        index = pd.DatetimeIndex(pd.to_datetime(self.time, unit="s", utc=True), name="time")
        return pd.DataFrame({name: getattr(self, name) for name in COLUMNS}, index=index)


def sealed(array: Array) -> Array:
    """Return a view of the array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def epoch_seconds(moments: pd.Series, where: str) -> Integers:
    """Return times as whole seconds since 1970. Numbers are taken as they are. Raises: BadBars."""
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        if moments.isna().any():
            raise BadBars(where, int(np.argmax(moments.isna())) + 1, "time", "missing")
        nanoseconds = moments.dt.tz_convert("UTC").dt.as_unit("ns").astype("int64").to_numpy()
        return np.asarray(nanoseconds // 1_000_000_000, dtype=np.int64)
    if pd.api.types.is_datetime64_any_dtype(moments):
        raise BadBars(where, 1, "time", "without a time zone; say which it is in")
    return _whole_seconds(where, _numbers(moments, where))


def _numbers(column: pd.Series, where: str) -> npt.NDArray[np.generic]:
    """Return a column's numbers; a boolean or a text is none."""
    if not len(column):
        return np.empty(0)
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column.astype(object), errors="coerce")
        odd = numbers.isna().to_numpy()
        row = int(np.argmax(odd)) if odd.any() else 0
        raise BadBars(where, row + 1, str(column.name or "time"), f"not a number: {column.iloc[row]!r}")
    if column.isna().any():
        raise BadBars(where, int(np.argmax(column.isna())) + 1, str(column.name or "time"), "not a number: missing")
    return column.to_numpy()


def _whole_seconds(where: str, time: npt.ArrayLike) -> Integers:
    given = np.asarray(time)
    if given.ndim != 1:
        raise BadBars(where, None, "time", f"{given.ndim} dimensions, one is expected")
    if given.dtype.kind not in "iuf":
        raise BadBars(where, 1 if len(given) else None, "time", f"not whole seconds since 1970 but {given.dtype}")
    if given.dtype.kind == "f":
        _refuse(where, "time", ~np.isfinite(given), given, "not a finite number")
        _refuse(where, "time", given != np.floor(given), given, "not in whole seconds")
    _refuse(where, "time", (given < 0) | (given >= _LATEST), given, "not in seconds since 1970")
    return np.ascontiguousarray(given, dtype=np.int64)


def _floats(where: str, name: str, values: npt.ArrayLike) -> Floats:
    given = np.asarray(values)
    if given.ndim != 1 or given.dtype.kind not in "iuf":
        raise BadBars(where, None, name, f"not one column of numbers but {given.ndim} of {given.dtype}")
    return np.ascontiguousarray(given, dtype=np.float64)


def _step(where: str, times: Integers, told: int | None) -> int:
    if len(times) < 2:  # noqa: PLR2004 - a strategy acts at the bar after its signal
        raise BadBars(where, len(times) or None, "time", f"{len(times)} bars, at least 2 are needed")
    distances = np.diff(times)
    if (row := _first(distances <= 0)) is not None:
        same = distances[row] == 0
        raise BadBars(
            where,
            row + 2,
            "time",
            f"{'the same time as' if same else 'earlier than'} the row before ({_when(times[row + 1])})",
        )
    step = int(distances.min()) if told is None else told
    if step < 1:
        raise BadBars(where, None, "time", f"a step of {step} seconds, at least 1 is needed")
    return step


def _holes(where: str, times: Integers, step: int, gaps: Gaps) -> int:
    distances = np.diff(times)
    if (row := _first(distances % step != 0)) is not None:
        raise BadBars(
            where,
            row + 2,
            "time",
            f"{distances[row]} s after the row before, which is no multiple of the "
            f"step of {step} s ({_when(times[row + 1])})",
        )
    holes = distances != step
    if gaps == "error" and (row := _first(holes)) is not None:
        missing = distances[row] // step - 1
        raise BadBars(
            where,
            row + 2,
            "time",
            f"{missing} bars of {step} s are missing before {_when(times[row + 1])}; fill them, or allow gaps",
        )
    return int(np.count_nonzero(holes))


def _check_prices(where: str, columns: dict[str, Floats]) -> None:
    for name, column in columns.items():
        _refuse(where, name, ~np.isfinite(column), column, "not a finite number")
        if name == "volume":
            _refuse(where, name, column < 0, column, "below zero")
        else:
            _refuse(where, name, column <= 0, column, "a price that is not above zero")
    high, low = columns["high"], columns["low"]
    _refuse(where, "high", high < low, high, "below the low")
    for name in ("open", "close"):
        _refuse(where, name, columns[name] > high, columns[name], "above the high")
        _refuse(where, name, columns[name] < low, columns[name], "below the low")


def _refuse(where: str, name: str, bad: npt.NDArray[np.bool_], values: npt.NDArray[np.generic], why: str) -> None:
    if (row := _first(bad)) is not None:
        raise BadBars(where, row + 1, name, f"{why}: {values[row]:.12g}")


def _first(bad: npt.NDArray[np.bool_]) -> int | None:
    row = int(np.argmax(bad)) if len(bad) else 0
    return row if len(bad) and bad[row] else None


def _when(seconds: np.int64) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M:%S} UTC"
