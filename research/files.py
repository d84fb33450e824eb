"""Read candles from a CSV or Parquet file, whole: time, open, high, low, close, volume, one row per closed candle."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
from pandas.errors import EmptyDataError, ParserError

from models.errors import BadBars, ConfigError
from research.bars import COLUMNS, Bars, Gaps

FORMATS = (".csv", ".parquet")


def read_bars(path: Path, symbol: str, *, gaps: Gaps = "error") -> Bars:
    """Return the bars of a file; rows are counted from 1, without the header.

    `time`: whole seconds since 1970, or times with a zone, as text in a CSV file. Other columns are left aside.
    Raises: ConfigError where it cannot be read; BadBars for what is wrong in it.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(str(path), f"unknown format {path.suffix or path.name!r}", ", ".join(FORMATS))
    try:
        frame = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file") from None
    except EmptyDataError:
        raise ConfigError(str(path), "holds no row") from None
    except (ParserError, UnicodeDecodeError, pa.ArrowException) as error:
        raise ConfigError(str(path), f"is no table of time, {', '.join(COLUMNS)} ({error})") from None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read ({error.strerror or type(error).__name__})") from None
    if "time" not in frame.columns and not isinstance(frame.index, pd.DatetimeIndex):
        raise BadBars(path.name, None, "time", f"missing; there are {', '.join(map(str, frame.columns)) or 'none'}")
    return Bars.from_frame(_timed(frame, path), symbol, gaps=gaps)


def _timed(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the frame with its times read, where they are text. Raises: BadBars."""
    if "time" not in frame.columns or not pd.api.types.is_string_dtype(frame["time"]):
        return frame
    read = pd.to_datetime(frame["time"], errors="coerce", format="ISO8601", utc=True)
    if len(bad := frame.index[read.isna()]):
        raise BadBars(path.name, int(bad[0]) + 1, "time", f"not a time: {frame['time'].iloc[int(bad[0])]!r}")
    has_zone = frame["time"].str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True)
    if len(naive := frame.index[~has_zone]):
        raise BadBars(
            path.name, int(naive[0]) + 1, "time", "without a time zone; say which it is in, as in +00:00 or Z"
        )
    return frame.assign(time=read)
