"""Write history to Parquet or CSV files and read it back, in pieces of some 50,000 rows, whatever the file's length.

A file is looked through before anything of it is stored: what cannot be a candle at all (a wrong column, a text, nan,
a time off the grid, twice or out of order) refuses the file, with its row and column. What is a candle then meets the
same contract as a source's answer: what breaks it is quarantined. The file's name is the provenance of its rows.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import ConfigError
from models.history import Fetched, Judged, Series, Span, Timeframe
from models.store.candles import PAGE_ROWS, candle_pages, keep_batch
from models.store.engine import Store
from models.store.history_upserts import shape_of

FORMATS = (".parquet", ".csv")
_NEIGHBOURS = 20  # rows before a piece that its contract looks at
_NAMED = ("source", "symbol", "timeframe")


class Judge(Protocol):
    """Holds rows to their contract, as `judge_candles` does."""

    def __call__(
        self, series: Series, asked: Span, rows: pd.DataFrame, *, now: datetime, before: pd.DataFrame | None
    ) -> Judged:
        """Judge rows; `before`: those right before them."""
        ...


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a file: received = accepted + rejected."""

    series: Series
    span: Span
    received: int
    accepted: int
    rejected: int


async def export_history(store: Store, series: Series, span: Span, path: Path, *, rows: int = PAGE_ROWS) -> int:
    """Write what is stored of a span to a file that ends in .parquet or .csv; return how many rows.

    The file appears when it is whole. Raises: StoreError; ConfigError where it cannot be written.
    """
    writer = _Writer(path, series)
    written = 0
    try:
        async for page in candle_pages(store, series, span, rows):
            await asyncio.to_thread(writer.write, page)
            written += len(page)
        await asyncio.to_thread(writer.finish)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written ({error.strerror or type(error).__name__})") from None
    finally:
        await asyncio.to_thread(writer.close)
    return written


async def import_history(
    store: Store, path: Path, judge: Judge, *, now: datetime, series: Series | None = None, rows: int = PAGE_ROWS
) -> Imported:
    """Store the rows of a file that hold their contract, and quarantine the others.

    `series`: what a CSV file holds, which does not say it; a Parquet file of ours does, and must say the same. One that
    was interrupted can be imported again. Raises: ConfigError, with row and column, before anything is stored;
    StoreError.
    """
    named = await asyncio.to_thread(series_in, path)
    if named is None and series is None:
        raise ConfigError(str(path), "does not say which series it holds")
    if named is not None and series not in {None, named}:
        raise ConfigError(str(path), f"holds {named}, not {series}")
    of = cast("Series", named or series)
    span = await asyncio.to_thread(_looked_through, path, of, rows)
    found = Imported(of, span, 0, 0, 0)
    before: pd.DataFrame | None = None
    pieces = _pieces(path, of, rows)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        asked = Span(int(piece["time"].iloc[0]), int(piece["time"].iloc[-1]) + of.timeframe.seconds)
        judged = judge(of, asked, piece, now=now, before=before)
        await keep_batch(store, of, Fetched(of, asked, piece, path.name, now), judged)
        before = judged.accepted.tail(_NEIGHBOURS)
        accepted, rejected = found.accepted + len(judged.accepted), found.rejected + len(judged.rejected)
        found = Imported(of, span, accepted + rejected, accepted, rejected)
    return found


def series_in(path: Path) -> Series | None:
    """Return the series that a file says it holds; None: it does not say. Raises: ConfigError."""
    if _format(path) == ".csv":
        if not path.is_file():
            raise ConfigError(str(path), "there is no such file")
        return None
    with _parquet(path) as file:
        told = file.schema_arrow.metadata or {}
    named = [told.get(f"nija.{name}".encode(), b"").decode(errors="replace") for name in _NAMED]
    if not all(named):
        return None
    try:
        return Series(named[0], named[1], Timeframe.parse(named[2]))
    except ValueError as error:
        raise ConfigError(str(path), str(error)) from None


class _Writer:
    """Writes pieces to a file beside the path, which takes its place when it is whole."""

    def __init__(self, path: Path, series: Series) -> None:
        self._is_csv = _format(path) == ".csv"
        self._path, self._part = path, path.with_name(f"{path.name}.part")
        self._columns = list(shape_of(series).frame_columns)
        named = zip(_NAMED, (series.source, series.symbol, str(series.timeframe)), strict=True)
        self._schema = _schema(self._columns).with_metadata({f"nija.{name}": value for name, value in named})
        self._parquet: pq.ParquetWriter | None = None
        self._begun = False

    def write(self, frame: pd.DataFrame) -> None:
        """Add a piece. Raises: OSError."""
        if self._is_csv:
            with self._part.open("a" if self._begun else "w", newline="") as file:
                frame.to_csv(file, header=not self._begun, index=False, columns=self._columns, lineterminator="\n")
        else:
            if self._parquet is None:
                self._parquet = pq.ParquetWriter(self._part, self._schema, compression="zstd")
            self._parquet.write_table(pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False))
        self._begun = True

    def finish(self) -> None:
        """Put the file in its place. Raises: OSError."""
        if not self._begun:
            self.write(pd.DataFrame({name: [] for name in self._columns}).astype({"time": "int64"}))
        self._let_go()
        self._part.replace(self._path)

    def close(self) -> None:
        """Leave nothing half done behind."""
        with suppress(OSError):
            self._let_go()
            self._part.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._parquet is not None:
            self._parquet.close()
            self._parquet = None


def _format(path: Path) -> str:
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(str(path), f"unknown format {path.suffix or path.name!r}", ", ".join(FORMATS))
    return path.suffix.lower()


def _schema(columns: list[str]) -> Any:
    return pa.schema([(name, pa.int64() if name == "time" else pa.float64()) for name in columns])


def _parquet(path: Path) -> Any:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file") from None
    except (pa.ArrowInvalid, OSError):
        raise ConfigError(str(path), "is no Parquet file") from None


def _looked_through(path: Path, series: Series, rows: int) -> Span:
    """Read a whole file and return its span. Raises: ConfigError for the first thing that is wrong with it."""
    first = last = None
    for piece in _pieces(path, series, rows):
        first = int(piece["time"].iloc[0]) if first is None else first
        last = int(piece["time"].iloc[-1])
    if first is None or last is None:
        raise ConfigError(str(path), "holds no row")
    return Span(first, last + series.timeframe.seconds)


def _pieces(path: Path, series: Series, rows: int) -> Iterator[pd.DataFrame]:
    """Yield the file as sound frames. Raises: ConfigError, naming row (the first is 1) and column."""
    columns = list(shape_of(series).frame_columns)
    read = _csv_pieces if _format(path) == ".csv" else _parquet_pieces
    last, above = None, 0
    for piece in read(path, columns, rows):
        _check_numbers(path, piece, above)
        piece["time"] = _checked_times(path, piece["time"], series.timeframe, last, above)
        yield piece.astype({name: "float64" for name in columns if name != "time"})
        last, above = int(piece["time"].iloc[-1]), above + len(piece)


def _csv_pieces(path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
    above = 0
    try:
        with pd.read_csv(path, chunksize=rows) as reader:
            for frame in reader:
                if above == 0:
                    _check_columns(path, list(frame.columns), columns)
                if not frame.index.equals(pd.RangeIndex(above, above + len(frame))):  # a field too many names the row
                    raise ConfigError(str(path), "has rows that are longer than its header", ", ".join(columns))
                above += len(frame)
                if len(frame):
                    yield frame[columns].reset_index(drop=True)
    except pd.errors.EmptyDataError:
        raise ConfigError(str(path), "holds no row") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"is no table of {', '.join(columns)} ({error})") from None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read ({error.strerror})") from None


def _parquet_pieces(path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
    with _parquet(path) as file:
        _check_columns(path, list(file.schema_arrow.names), columns)
        try:
            for batch in file.iter_batches(batch_size=rows, columns=columns):
                if batch.num_rows:
                    yield batch.to_pandas()[columns]
        except (pa.ArrowException, OSError) as error:
            raise ConfigError(str(path), f"cannot be read ({type(error).__name__})") from None


def _check_columns(path: Path, found: list[str], wanted: list[str]) -> None:
    if found != wanted:
        raise ConfigError(str(path), f"has the columns {', '.join(map(str, found))}", ", ".join(wanted))


def _check_numbers(path: Path, piece: pd.DataFrame, above: int) -> None:
    """Refuse the first value that is no finite number."""
    wrong: tuple[int, str] | None = None
    for name in piece.columns:
        column = piece[name]
        is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        numbers = column if is_number else pd.to_numeric(column.astype(str), errors="coerce")
        bad = np.flatnonzero(~np.isfinite(numbers.to_numpy(np.float64)))
        if len(bad) and (wrong is None or bad[0] < wrong[0]):
            wrong = int(bad[0]), name
    if wrong is not None:
        _refuse(path, above + wrong[0], wrong[1], piece[wrong[1]].iloc[wrong[0]], "a finite number")


def _checked_times(
    path: Path, column: "pd.Series[Any]", timeframe: Timeframe, last: int | None, above: int
) -> "pd.Series[Any]":
    """Return times as whole numbers, each later than the one before it. Raises: ConfigError."""
    numbers = column.to_numpy(np.float64)
    off = np.flatnonzero((numbers % timeframe.seconds != 0) | (np.abs(numbers) >= 2**53))
    steps = np.diff(numbers, prepend=-math.inf if last is None else float(last))
    early = np.flatnonzero(steps <= 0)
    for bad, wanted in ((off, f"whole multiples of {timeframe}"), (early, "each time once, the earliest first")):
        if len(bad):
            _refuse(path, above + int(bad[0]), "time", column.iloc[int(bad[0])], wanted)
    return pd.Series(numbers.astype(np.int64))


def _refuse(path: Path, number: int, column: str, value: object, wanted: str) -> None:
    shown = "nothing" if isinstance(value, float) and math.isnan(value) else repr(str(value)[:40])
    raise ConfigError(f"{path}, row {number + 1}, column {column}", f"found {shown}", wanted)
