"""History goes to a file and back as it was; a file that is wrong is refused where it is wrong."""

import asyncio
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from models.errors import ConfigError
from models.history import Judged, Rejected, Series, Span, Timeframe, Why
from models.store.candles import candles, keep_batch
from models.store.engine import Store
from models.store.gaps import gaps
from models.store.history_files import Imported, export_history, import_history
from models.store.quarantine import quarantined
from tests.models.store.past import HOUR, NOW, POINT, START, a_frame, an_answer, hours, points
from validations.candles import judge_candles

MONTH = hours(0, 720)


def trust(series: Series, asked: Span, rows: pd.DataFrame, *, now: datetime, before: pd.DataFrame | None) -> Judged:
    """Accept everything."""
    return Judged(rows, ())


async def empty(store: Store) -> None:
    for table in ("crypto_price_history", "history_batches", "price_series"):
        await store.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names


async def back(store: Store, path: Path, series: Series | None = HOUR, rows: int = 50) -> Imported:
    return await import_history(store, path, trust, now=NOW, series=series, rows=rows)


def a_csv(path: Path, *lines: str, header: str = "time,open,high,low,close,volume") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def a_line(hour: int, **changed: object) -> str:
    return ",".join(map(str, {**a_frame([hour]).iloc[0].to_dict(), "time": START + hour * 3600, **changed}.values()))


@pytest.mark.parametrize("name", ["btc.parquet", "btc.csv"])
async def test_what_is_exported_is_imported_as_it_was_with_its_holes(store: Store, tmp_path: Path, name: str) -> None:
    frame = a_frame([n for n in range(120) if n not in {40, 41, 99}], price=0.1 + 0.2)
    frame["volume"] /= 3
    await keep_batch(store, HOUR, *an_answer(frame))
    assert await export_history(store, HOUR, MONTH, tmp_path / name, rows=50) == 117
    await empty(store)

    assert await back(store, tmp_path / name) == Imported(HOUR, hours(0, 120), 117, 117, 0)
    pd.testing.assert_frame_equal(await candles(store, HOUR, MONTH), frame, check_exact=True)
    assert [gap.span for gap in await gaps(store, HOUR, hours(0, 120))] == [hours(40, 42), hours(99, 100)]
    rows = await store.rows(text("SELECT provenance, received FROM history_batches ORDER BY batch_id"))
    assert [tuple(row) for row in rows] == [(name, 50), (name, 50), (name, 17)]


async def test_a_parquet_file_says_which_series_it_holds(store: Store, tmp_path: Path) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame(range(5))))
    path = tmp_path / "btc.parquet"
    await export_history(store, HOUR, MONTH, path)
    assert (await back(store, path, None)).series == HOUR
    with pytest.raises(ConfigError, match="holds kraken BTC/USD 1h, not binance BTC/USD 1h"):
        await back(store, path, Series("binance", "BTC/USD", HOUR.timeframe))


async def test_importing_a_file_twice_changes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    async with await Store.open(sqlite_url) as store:
        path = a_csv(tmp_path / "btc.csv", *map(a_line, range(10)))
        await back(store, path)
        first = await store.rows(text("SELECT * FROM crypto_price_history"))
        await back(store, path)
        assert await store.rows(text("SELECT * FROM crypto_price_history")) == first


async def test_prices_of_polymarket_go_to_a_file_and_back(store: Store, tmp_path: Path) -> None:
    await keep_batch(store, POINT, *an_answer(points(range(9)), series=POINT))
    assert await export_history(store, POINT, MONTH, tmp_path / "p.csv") == 9
    await store.execute(text("DELETE FROM polymarket_history"))
    assert (await back(store, tmp_path / "p.csv", POINT)).accepted == 9
    pd.testing.assert_frame_equal(await candles(store, POINT, MONTH), points(range(9)))


async def test_what_breaks_the_contract_is_quarantined_and_the_rest_is_stored(store: Store, tmp_path: Path) -> None:
    lines = [a_line(n) if n != 70 else a_line(n, low=500.0) for n in range(100)]
    path = a_csv(tmp_path / "btc.csv", *lines)

    found = await import_history(store, path, judge_candles, now=NOW, series=HOUR, rows=40)
    assert (found.received, found.accepted, found.rejected) == (100, 99, 1)
    [one] = await quarantined(store, HOUR)
    assert (one.time, one.provenance) == (START + 70 * 3600, "btc.csv")
    assert Why.LOW_ABOVE in one.why
    assert len(await candles(store, HOUR, MONTH)) == 99


async def test_a_piece_is_judged_beside_the_rows_before_it(sqlite_url: str, tmp_path: Path) -> None:
    seen: list[list[int] | None] = []

    def judge(series: Series, asked: Span, rows: pd.DataFrame, *, now: datetime, before: pd.DataFrame | None) -> Judged:
        seen.append(None if before is None else [(t - START) // 3600 for t in before["time"]])
        return Judged(rows.iloc[:-1], (Rejected(dict(rows.iloc[-1]), (Why.JUMP,)),))

    async with await Store.open(sqlite_url) as store:
        path = a_csv(tmp_path / "btc.csv", *map(a_line, range(6)))
        found = await import_history(store, path, judge, now=NOW, series=HOUR, rows=2)
    assert seen == [None, [0], [2]]
    assert (found.received, found.accepted, found.rejected) == (6, 3, 3)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (a_line(7, close="NaN"), "row 8, column close: found nothing"),
        (a_line(7, close=""), "row 8, column close: found nothing"),
        (a_line(7, high="inf"), "row 8, column high: found 'inf'"),
        (a_line(7, volume="many"), "row 8, column volume: found 'many'"),
        (a_line(7, time="2026-01-01"), "row 8, column time: found '2026-01-01'"),
        (
            a_line(7, time=START + 7 * 3600 + 60),
            "row 8, column time: found '1767250860' (allowed: whole multiples of 1h",
        ),
        (a_line(7, time=START + 6 * 3600), "row 8, column time: found '1767247200' (allowed: each time once"),
        (a_line(7, time=START), "row 8, column time: found '1767225600' (allowed: each time once"),
        (a_line(7) + ",9", "is no table of time, open"),
        (a_line(7).rsplit(",", 1)[0], "row 8, column volume: found nothing"),
    ],
)
@pytest.mark.parametrize("rows", [3, 50])
async def test_a_file_is_refused_by_row_and_column_before_anything_is_stored(
    sqlite_url: str, tmp_path: Path, line: str, where: str, rows: int
) -> None:
    path = a_csv(tmp_path / "btc.csv", *map(a_line, range(7)), line, *map(a_line, range(8, 12)))
    async with await Store.open(sqlite_url) as store:
        with pytest.raises(ConfigError) as refused:
            await back(store, path, rows=rows)
        assert where in str(refused.value)
        assert await store.rows(text("SELECT 1 FROM history_batches")) == []


@pytest.mark.parametrize(
    ("header", "lines", "why"),
    [
        ("time,open,high,low,close", ["1,1,1,1,1"], "has the columns time, open, high, low, close"),
        ("time,open,high,low,close,volume,x", ["1,1,1,1,1,1,1"], "has the columns"),
        ("time,open,high,low,close,volume", [], "holds no row"),
        ("time,open,high,low,close,volume", [a_line(0) + ",9", a_line(1) + ",9"], "longer than its header"),
    ],
)
async def test_a_file_of_another_shape_is_refused(
    sqlite_url: str, tmp_path: Path, header: str, lines: list[str], why: str
) -> None:
    async with await Store.open(sqlite_url) as store:
        with pytest.raises(ConfigError, match=why):
            await back(store, a_csv(tmp_path / "btc.csv", *lines, header=header))


async def test_a_parquet_file_of_another_shape_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    bad = a_frame(range(4)).astype({"close": "object"})
    bad.loc[2, "close"] = None
    pq.write_table(pa.Table.from_pandas(bad, preserve_index=False), tmp_path / "null.parquet")
    pq.write_table(pa.table({"time": [1], "price": [0.5]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("time,open")
    problems = {
        "null": "row 3, column close: found nothing",
        "other": "has the columns time, price",
        "text": "is no Parquet file",
        "none": "there is no such file",
    }
    async with await Store.open(sqlite_url) as store:
        for name, why in problems.items():
            with pytest.raises(ConfigError, match=why):
                await back(store, tmp_path / f"{name}.parquet")


async def test_an_export_appears_whole_or_not_at_all(sqlite_url: str, tmp_path: Path) -> None:
    async with await Store.open(sqlite_url) as store:
        for name in ("btc.parquet", "btc.csv"):
            assert await export_history(store, HOUR, MONTH, tmp_path / name) == 0
            with pytest.raises(ConfigError, match="holds no row"):
                await back(store, tmp_path / name)
        with pytest.raises(ConfigError, match="cannot be written"):
            await export_history(store, HOUR, MONTH, tmp_path / "no" / "such" / "folder.csv")
        with pytest.raises(ConfigError, match="unknown format"):
            await export_history(store, HOUR, MONTH, tmp_path / "btc.xlsx")
    left = await asyncio.to_thread(lambda: sorted(path.name for path in tmp_path.iterdir()))
    assert left == ["btc.csv", "btc.parquet", "store"]


async def test_a_csv_file_does_not_say_which_series_it_holds(sqlite_url: str, tmp_path: Path) -> None:
    async with await Store.open(sqlite_url) as store:
        with pytest.raises(ConfigError, match="does not say which series"):
            await back(store, a_csv(tmp_path / "btc.csv", a_line(0)), None)
        with pytest.raises(ConfigError, match="there is no such file"):
            await back(store, tmp_path / "none.csv")


async def test_a_finer_file_is_not_taken_for_a_coarser_series(sqlite_url: str, tmp_path: Path) -> None:
    minutes = Series("kraken", "BTC/USD", Timeframe.parse("1m"))
    async with await Store.open(sqlite_url) as store:
        await keep_batch(store, minutes, *an_answer(a_frame(range(120), step=60), series=minutes))
        await export_history(store, minutes, MONTH, tmp_path / "m.csv")
        with pytest.raises(ConfigError, match="row 2, column time"):
            await back(store, tmp_path / "m.csv")
