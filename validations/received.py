"""What came from a source: made numbers of where it is any, and kept as it was where it is rejected."""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.history import Rejected, Why

Marks = npt.NDArray[np.bool_]


def floats(column: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """Return a column as float64, nan where there is no number: a text is none, whatever it says, nor is a bool."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return column.to_numpy(dtype=np.float64)
    return np.array([_float(value) for value in column.tolist()], dtype=np.float64)


def numbers_of(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the columns as float64, by position."""
    return pd.DataFrame({name: floats(rows[name]) for name in columns}, index=pd.RangeIndex(len(rows)))


def has_columns(rows: pd.DataFrame, columns: Sequence[str]) -> bool:
    """Whether each column stands there once."""
    return all(list(rows.columns).count(name) == 1 for name in columns)


def rejected_rows(
    rows: pd.DataFrame, marks: Mapping[Why, Marks], bad: Sequence[tuple[str, Why]]
) -> tuple[Rejected, ...]:
    """Return the marked rows in the order in which they came, each with all its reasons, then what was no row.

    The rows can be written as JSON: what is not finite, and what JSON has no word for, stands there as text.
    """
    if not marks:
        return tuple(Rejected({"row": text}, (why,)) for text, why in bad)
    where = np.flatnonzero(np.logical_or.reduce([*marks.values()]))
    names = [str(name) for name in rows.columns]
    values = zip(*(rows.iloc[where, n].tolist() for n in range(len(names))), strict=True)
    whys = _whys(marks, where)
    kept = tuple(
        Rejected({name: _plain(value) for name, value in zip(names, row, strict=True)}, why)
        for row, why in zip(values, whys, strict=True)
    )
    return kept + tuple(Rejected({"row": text}, (why,)) for text, why in bad)


def _whys(marks: Mapping[Why, Marks], where: npt.NDArray[Any]) -> Iterator[tuple[Why, ...]]:
    """Yield each row's reasons in the order of `Why`."""
    order = [why for why in Why if why in marks]
    table = np.column_stack([marks[why][where] for why in order]) if order else np.zeros((0, 0), dtype=bool)
    known: dict[bytes, tuple[Why, ...]] = {}
    for row in table:
        key = row.tobytes()
        if key not in known:
            known[key] = tuple(why for why, holds in zip(order, row, strict=True) if holds)
        yield known[key]


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return math.nan
    try:
        return float(value)
    except (OverflowError, ValueError):  # an integer beyond floats; a signalling nan
        return math.nan


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return str(value)
