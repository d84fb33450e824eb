"""Files of bars: what is read, and what is refused by row and column."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from models.errors import BadBars, ConfigError
from research.files import read_bars

START = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
HEADER = "time,open,high,low,close,volume"


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "prices.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def rows(time: Callable[[int], object] = lambda at: START + 60 * at, count: int = 4) -> list[str]:
    return [f"{time(at)},10,20,9,{11 + at / 4},5" for at in range(count)]


@pytest.mark.parametrize(
    "time",
    [
        lambda at: START + 60 * at,
        lambda at: (START + 60 * at) * 1_000,
        lambda at: (START + 60 * at) * 1_000_000,
        lambda at: (START + 60 * at) * 1_000_000_000,
        lambda at: f"2024-03-01 00:0{at}:00",
        lambda at: f"2024-03-01T00:0{at}:00Z",
        lambda at: f"2024-03-01T01:0{at}:00+01:00",
    ],
)
def test_times_are_read_in_every_usual_unit(tmp_path: Path, time: Callable[[int], object]) -> None:
    bars = read_bars(write(tmp_path, *rows(time)), "X/USD")

    assert bars.time.tolist() == [START, START + 60, START + 120, START + 180]
    assert (bars.symbol, bars.step_seconds, bars.gaps) == ("X/USD", 60, 0)
    assert bars.close.tolist() == [11, 11.25, 11.5, 11.75]


def test_columns_go_by_other_names_and_what_is_not_needed_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"x,{row}" for row in rows()), header="note, Open Time,OPEN,High,low,Close,Vol")

    assert read_bars(path, "X/USD").open.tolist() == [10] * 4


@pytest.mark.parametrize("kept", ["column", "index"])
def test_parquet_is_read_like_csv(tmp_path: Path, kept: str) -> None:
    source = read_bars(write(tmp_path, *rows()), "X/USD").frame()
    path = tmp_path / "prices.parquet"
    (source if kept == "index" else source.reset_index()).to_parquet(path)

    bars = read_bars(path, "X/USD")

    pd.testing.assert_frame_equal(bars.frame(), source)


@pytest.mark.parametrize(
    ("change", "row", "column", "why"),
    [
        ({1: "{t},10,12,9,abc,5"}, 2, "close", "not a number: 'abc' (line 3)"),
        ({2: "{t},10,12,9,,5"}, 3, "close", "not a number: missing (line 4)"),
        ({2: "{t},10,12,9,inf,5"}, 3, "close", "not a finite number: inf (line 4)"),
        ({0: "{t},10,8,9,9,5"}, 1, "high", "below the low: 8 (line 2)"),
        ({0: "{t},10,12,0,9,5"}, 1, "low", "a price that is not above zero: 0 (line 2)"),
        ({3: "{t},13,12,9,9,5"}, 4, "open", "above the high: 13 (line 5)"),
        ({3: "{t},10,12,9,9,-1"}, 4, "volume", "below zero: -1 (line 5)"),
        ({1: f"{START},10,12,9,9,5"}, 2, "time", "the same time as the row before"),
        ({2: f"{START - 60},10,12,9,9,5"}, 3, "time", "earlier than the row before"),
        ({3: f"{START + 600},10,12,9,9,5"}, 4, "time", "7 bars of 60 s are missing before 2024-03-01 00:10:00 UTC"),
        ({3: f"{START + 200},10,12,9,9,5"}, 4, "time", "80 s after the row before, which is no multiple"),
        ({2: "yesterday,10,12,9,9,5"}, 1, "time", "not a time as ISO 8601 writes it"),
    ],
)
def test_a_bad_row_is_named_with_its_column(
    tmp_path: Path, change: dict[int, str], row: int, column: str, why: str
) -> None:
    given = rows()
    for at, text in change.items():
        given[at] = text.replace("{t}", str(START + 60 * at))

    with pytest.raises(BadBars) as caught:
        read_bars(write(tmp_path, *given), "X/USD")

    assert (caught.value.row, caught.value.column) == (row, column)
    assert why in str(caught.value)
    assert str(caught.value).startswith("prices.csv: row")


def test_gaps_that_are_allowed_are_counted(tmp_path: Path) -> None:
    with_gap = [row for at, row in enumerate(rows(count=6)) if at != 3]

    assert read_bars(write(tmp_path, *with_gap), "X/USD", gaps="keep").gaps == 1


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("time,open,high,low,close", "column volume: missing; the file has time, open, high, low, close"),
        ("when,open,high,low,close,volume", "column time: missing"),
        ("time,open,high,low,close,volume,Close", "column close: there more than once: close, Close"),
    ],
)
def test_missing_and_doubled_columns_are_named(tmp_path: Path, header: str, why: str) -> None:
    with pytest.raises(BadBars, match=why):
        read_bars(write(tmp_path, header=header), "X/USD")


def test_one_bar_and_none_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(BadBars, match="1 bars, at least 2 are needed"):
        read_bars(write(tmp_path, *rows(count=1)), "X/USD")
    with pytest.raises(BadBars, match="0 bars"):
        read_bars(write(tmp_path), "X/USD")


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "bad.parquet", "empty.csv", "binary.csv"])
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, name: str) -> None:
    if not name.startswith("none"):
        (tmp_path / name).write_bytes({"empty.csv": b"", "bad.parquet": b"PAR1 not"}.get(name, b"\xff\xfe\x00\x81" * 9))

    with pytest.raises(ConfigError) as caught:
        read_bars(tmp_path / name, "X/USD")

    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
