"""Candles are kept once, with the batch that they came from, whole or not at all."""

import asyncio
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.history import COLUMNS, Absence, Rejected, Series, Timeframe, Why
from models.store.candles import candle_pages, candles, keep_batch, known_series, series_of, upsert_frame
from models.store.engine import Store
from models.store.quarantine import quarantined
from tests.models.store.past import HOUR, NOW, POINT, START, a_frame, an_answer, hours, points


async def batches_of(store: Store) -> dict[int, int]:
    """Return the batch of each hour."""
    rows = await store.rows(text("SELECT time, batch_id FROM crypto_price_history"))
    return {(row.time - START) // 3600: row.batch_id for row in rows}


async def counted(store: Store, table: str) -> int:
    return int((await store.rows(text(f"SELECT count(*) FROM {table}")))[0][0])  # noqa: S608 - a test's own name


async def test_a_series_has_one_number_whoever_asks_for_it(store: Store, other: Store) -> None:
    numbers = await asyncio.gather(*(series_of(where, HOUR) for where in [store, other] * 5))
    assert len(set(numbers)) == 1
    assert await known_series(other) == ((numbers[0], HOUR),)


async def test_what_was_kept_is_read_back_as_it_was(store: Store, other: Store) -> None:
    frame = a_frame(range(48), price=0.1 + 0.2)
    await keep_batch(store, HOUR, *an_answer(frame))

    pd.testing.assert_frame_equal(await candles(other, HOUR, hours(0, 48)), frame)
    pd.testing.assert_frame_equal(await candles(other, HOUR, hours(3, 5)), frame.iloc[3:5].reset_index(drop=True))


async def test_nothing_is_read_of_a_series_that_nobody_kept(store: Store) -> None:
    found = await candles(store, HOUR, hours(0, 48))
    assert (list(found.columns), len(found)) == (list(COLUMNS), 0)
    assert await known_series(store) == ()


async def test_series_do_not_mix(store: Store) -> None:
    others = [Series("binance", "BTC/USD", HOUR.timeframe), Series("kraken", "BTC/USD", Timeframe.parse("1m"))]
    for price, series in enumerate([HOUR, *others], 1):
        await keep_batch(store, series, *an_answer(a_frame([0], price=price * 10.0), series=series))
    found = [(await candles(store, series, hours(0, 1)))["open"].tolist() for series in [HOUR, *others]]
    assert found == [[10.0], [20.0], [30.0]]


async def test_a_row_keeps_its_batch_until_another_brings_other_numbers(store: Store) -> None:
    frame = a_frame(range(4))
    first = await keep_batch(store, HOUR, *an_answer(frame))
    again = frame.copy()
    again.loc[2, "close"] = 101.5
    second = await keep_batch(store, HOUR, *an_answer(again))

    assert await batches_of(store) == {0: first, 1: first, 2: second, 3: first}
    assert (await candles(store, HOUR, hours(0, 4)))["close"].tolist() == again["close"].tolist()


async def test_keeping_the_same_answer_twice_changes_no_candle(store: Store) -> None:
    series_id, frame = await series_of(store, HOUR), a_frame(range(100))
    assert await upsert_frame(store, series_id, frame, 1) == 100
    assert await upsert_frame(store, series_id, frame, 2) == 0
    assert set((await batches_of(store)).values()) == {1}


async def test_a_frame_of_several_chunks_is_kept_whole_over_what_is_there(store: Store) -> None:
    minute = Series("kraken", "BTC/USD", Timeframe.parse("1m"))
    series_id, frame = await series_of(store, minute), a_frame(range(45_000), step=60)
    await upsert_frame(store, series_id, frame.iloc[::3], 1)
    assert await upsert_frame(store, series_id, frame, 2) == 30_000
    assert await upsert_frame(store, series_id, a_frame(range(45_000, 90_000), step=60), 3) == 45_000

    span = hours(0, 1500)
    sizes = [len(page) async for page in candle_pages(store, minute, span, 40_000)]
    assert sizes == [40_000, 40_000, 10_000]
    assert (await candles(store, minute, span))["time"].diff().dropna().eq(60).all()


async def test_an_empty_answer_leaves_its_batch_and_no_candle(store: Store) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame([])))
    assert (await counted(store, "history_batches"), await counted(store, "crypto_price_history")) == (1, 0)


async def test_a_batch_says_where_it_is_from_and_adds_up(store: Store) -> None:
    bad = Rejected({"time": START, "close": float("nan")}, (Why.NOT_A_NUMBER,))
    number = await keep_batch(store, HOUR, *an_answer(a_frame(range(1, 4)), bad, asked=hours(0, 4)))
    row = (await store.rows(text("SELECT * FROM history_batches")))[0]
    assert (row.batch_id, row.provenance) == (number, "https://kraken.example/ohlc")
    assert (row.received, row.accepted, row.rejected) == (4, 3, 1)
    assert (row.asked_from, row.asked_to) == (START, START + 4 * 3600)


async def test_an_answer_that_cannot_be_kept_whole_is_not_kept_at_all(store: Store, other: Store) -> None:
    broken = a_frame(range(10))
    broken.loc[7, "close"] = float("nan")  # no contract lets it through; the column refuses it
    bad = Rejected({"time": START}, (Why.BAD_ROW,))
    if not store.is_sqlite:
        broken = pd.concat([broken.fillna(1.0), broken.iloc[:1]])  # PostgreSQL's float knows nan: a time twice
    with pytest.raises(Exception) as refused:  # noqa: PT011 - each driver has its own
        await keep_batch(store, HOUR, *an_answer(broken, bad), [(hours(20, 24), Absence.NO_TRADE)])
    assert isinstance(refused.value, IntegrityError) or "unique" in str(refused.value)
    for table in ("price_series", "history_batches", "crypto_price_history", "history_quarantine", "history_absences"):
        assert await counted(other, table) == 0


async def test_two_processes_that_keep_the_same_hours_at_once_both_succeed(store: Store, other: Store) -> None:
    frame = a_frame(range(500))
    await asyncio.gather(*(keep_batch(where, HOUR, *an_answer(frame)) for where in [store, other] * 3))
    pd.testing.assert_frame_equal(await candles(store, HOUR, hours(0, 500)), frame)
    assert await counted(store, "history_batches") == 6


async def test_polymarkets_prices_have_a_table_of_their_own(store: Store) -> None:
    number = await keep_batch(store, POINT, *an_answer(points(range(30)), series=POINT))
    again = points(range(30))
    again.loc[3, "price"] = 0.5
    later = await keep_batch(store, POINT, *an_answer(again, series=POINT))

    pd.testing.assert_frame_equal(await candles(store, POINT, hours(0, 30)), again)
    rows = await store.rows(text("SELECT batch_id, count(*) AS n FROM polymarket_history GROUP BY 1 ORDER BY 1"))
    assert [tuple(row) for row in rows] == [(number, 29), (later, 1)]
    assert await counted(store, "crypto_price_history") == 0


async def test_what_comes_back_with_the_same_faults_is_quarantined_once(store: Store) -> None:
    faulty: list[dict[str, Any]] = [
        {"time": START, "close": float("inf")},
        {"time": "yesterday", "close": None},
        {"row": "<html>"},
    ]
    rejected = [Rejected(row, (Why.BAD_ROW,)) for row in faulty]
    for day in range(3):
        await keep_batch(store, HOUR, *an_answer(a_frame([]), *rejected, at=NOW + timedelta(days=day)))
    await keep_batch(store, HOUR, *an_answer(a_frame([]), Rejected({"time": START, "close": 1.0}, (Why.JUMP,))))

    found = await quarantined(store)
    assert [(one.time, one.row) for one in reversed(found)] == [
        (START, {"time": START, "close": "inf"}),
        (None, {"time": "yesterday", "close": None}),
        (None, {"row": "<html>"}),
        (START, {"time": START, "close": 1.0}),
    ]
