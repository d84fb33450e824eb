"""Read bars from a CSV or Parquet file: columns by their usual names, times in any usual unit, faults by row.

Times are open times. Numbers count seconds, milliseconds, microseconds or nanoseconds since 1970, by their size. Texts
are ISO 8601; with an offset they are converted, without one they are in UTC, as venues write them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import BadBars, ConfigError
from research.bars import COLUMNS, Bars, Gaps

TIME_NAMES = ("time", "timestamp", "open_time", "opentime", "datetime", "date", "unix", "ts")
OTHER_NAMES = {"vol": "volume", "base_volume": "volume", "volume_base": "volume"}
ALLOWED = f"{', '.join(COLUMNS)} and one of {', '.join(TIME_NAMES[:6])}"
# A number of seconds that large is in the year 5138; as milliseconds it is 1973.
_UNITS = ((10**11, 1), (10**14, 1_000), (10**17, 1_000_000), (10**20, 1_000_000_000))


def read_bars(path: Path, symbol: str, *, gaps: Gaps = "error") -> Bars:
    """Read one symbol's bars. Raises: ConfigError where the file cannot be read, BadBars where its content will not do.

    A row is counted from 1, the first bar; in a CSV file its line is told too.
    """
    is_csv = path.suffix.lower() not in {".parquet", ".pq"}
    frame = _loaded(path, _csv if is_csv else _parquet)
    try:
        columns = {name: frame[name] for name in COLUMNS}
        table = pd.DataFrame({"time": _seconds(frame["time"], path.name), **columns})
        return Bars.from_frame(table, symbol, gaps=gaps)
    except BadBars as error:
        line = f" (line {error.row + 1})" if is_csv and error.row is not None else ""
        raise BadBars(path.name, error.row, error.column, f"{error.why}{line}") from None


def _loaded(path: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    try:
        return read(path)
    except (OSError, UnicodeDecodeError, pa.ArrowException, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).strip() or "empty"
        raise ConfigError(str(path), f"cannot be read: {why}", "a CSV file with a header, or a Parquet file") from error


def _csv(path: Path) -> pd.DataFrame:
    header = pd.read_csv(path, nrows=0, skipinitialspace=True)
    names = _names(path, [str(name) for name in header.columns])
    frame = pd.read_csv(path, usecols=list(names), skipinitialspace=True)
    return frame.rename(columns=names)


def _parquet(path: Path) -> pd.DataFrame:
    names = _names(path, pq.read_schema(path).names)
    table = pq.read_table(path, columns=list(names))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame.rename(columns=names)


def _names(path: Path, given: list[str]) -> dict[str, str]:
    """Return what each column that is needed is called in the file, and what it is."""
    simple: dict[str, list[str]] = {}
    for name in given:
        plain = name.strip().lower().replace(" ", "_")
        simple.setdefault(OTHER_NAMES.get(plain, plain), []).append(name)
    times = [name for name in TIME_NAMES if name in simple]
    found = {"time": simple[times[0]] if times else [], **{name: simple.get(name, []) for name in COLUMNS}}
    for name, columns in found.items():
        if not columns:
            there = ", ".join(given) or "none"
            raise BadBars(path.name, None, name, f"missing; the file has {there}; it needs {ALLOWED}")
        if len(columns) > 1:
            raise BadBars(path.name, None, name, f"there more than once: {', '.join(columns)}")
    return {columns[0]: name for name, columns in found.items()}


def _seconds(times: pd.Series, where: str) -> pd.Series:
    """Return times as numbers of seconds, or as aware timestamps."""
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        return times
    if pd.api.types.is_datetime64_any_dtype(times):
        aware: pd.Series[Any] = times.dt.tz_localize("UTC")
        return aware
    if pd.api.types.is_numeric_dtype(times) and not pd.api.types.is_bool_dtype(times):
        return _by_size(times, where)
    parsed: pd.Series[Any] = pd.to_datetime(times.astype("string"), format="ISO8601", utc=True, errors="coerce")
    if parsed.isna().any():
        row = int(np.argmax(parsed.isna()))
        raise BadBars(where, row + 1, "time", f"not a time as ISO 8601 writes it: {times.iloc[row]!r}")
    return parsed


def _by_size(times: pd.Series, where: str) -> pd.Series:
    if times.isna().any():
        raise BadBars(where, int(np.argmax(times.isna())) + 1, "time", "missing")
    largest = float(times.max()) if len(times) else 0.0
    unit = next((unit for least, unit in _UNITS if largest < least), None)
    if unit is None:
        raise BadBars(where, None, "time", f"{largest:g} is no time since 1970 in any unit")
    if unit == 1:
        return times
    odd = (times % unit != 0).to_numpy()
    if odd.any():
        row = int(np.argmax(odd))
        raise BadBars(where, row + 1, "time", f"not in whole seconds: {times.iloc[row]}")
    return times // unit
