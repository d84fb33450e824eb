"""A rejected row waits for a person, and what they decide stands."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from models.history import Absence, Rejected, Series, Timeframe, Why
from models.store.candles import candles, keep_batch
from models.store.decisions import decisions
from models.store.engine import Store
from models.store.gaps import gaps
from models.store.quarantine import drop, quarantined, release
from tests.models.store.past import HOUR, NOW, POINT, START, a_frame, an_answer, hours, points

SPIKE = {"time": START + 3600, "open": 100.0, "high": 990.0, "low": 98.0, "close": 980.0, "volume": 3.0}
WHO = {"by": "operator", "reason": "seen on the tape"}


async def reject(store: Store, *rows: dict[str, Any], why: Why = Why.JUMP, series: Series = HOUR) -> list[int]:
    """Keep an answer of these rows alone; return their numbers."""
    nothing = points([]) if series == POINT else a_frame([])
    rejected = [Rejected(row, (why,)) for row in rows]
    await keep_batch(store, series, *an_answer(nothing, *rejected, series=series))
    return sorted(one.row_id for one in await quarantined(store, series))


async def test_a_rejected_row_is_shown_as_it_came_with_its_reasons_and_where_it_is_from(store: Store) -> None:
    both = Rejected(SPIKE, (Why.JUMP, Why.DISAGREES))
    await keep_batch(store, HOUR, *an_answer(a_frame([0]), both))
    [one] = await quarantined(store, HOUR)
    assert (one.series, one.time, one.row, one.why) == (HOUR, SPIKE["time"], SPIKE, (Why.JUMP, Why.DISAGREES))
    assert (one.provenance, one.rejected_at, one.decision) == ("https://kraken.example/ohlc", NOW, None)


async def test_only_rows_of_the_series_are_shown_newest_first(store: Store) -> None:
    first, second = await reject(store, SPIKE, {**SPIKE, "time": START})
    other = Series("binance", "BTC/USD", Timeframe.parse("1h"))
    [third] = await reject(store, SPIKE, series=other)
    assert [one.row_id for one in await quarantined(store, HOUR)] == [second, first]
    assert [one.row_id for one in await quarantined(store, limit=2)] == [third, second]


async def test_a_released_row_is_a_candle_with_a_batch_that_says_who_released_it(store: Store) -> None:
    [number] = await reject(store, SPIKE)
    decided = await release(store, [number], **WHO, now=NOW)

    assert (decided.done, decided.left) == ((number,), ())
    assert (await candles(store, HOUR, hours(0, 24))).to_dict("records") == [SPIKE]
    batch = (await store.rows(text("SELECT * FROM history_batches ORDER BY batch_id DESC")))[0]
    assert batch.provenance == "https://kraken.example/ohlc, released by operator"
    assert (batch.received, batch.accepted, batch.rejected) == (1, 1, 0)
    [one] = await quarantined(store, waiting=False)
    assert (one.decision, one.decided_by, one.decided_at, one.reason) == ("released", "operator", NOW, WHO["reason"])
    [noted] = await decisions(store)
    assert (noted.by, noted.reason) == ("operator", WHO["reason"])
    assert noted.what == f"release history row {number}: kraken BTC/USD 1h of 2026-01-01 01:00"


async def test_a_released_row_takes_the_place_of_what_stands_there_and_of_an_absence(store: Store) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame([1])))
    await keep_batch(store, HOUR, *an_answer(a_frame([])), [(hours(2, 5), Absence.NO_TRADE)])
    numbers = await reject(store, SPIKE, {**SPIKE, "time": START + 3 * 3600})
    await release(store, numbers, **WHO, now=NOW)
    assert (await candles(store, HOUR, hours(0, 24)))["close"].tolist() == [980.0, 980.0]
    left = await gaps(store, HOUR, hours(1, 5), everything=True)
    assert [gap.known for gap in left] == [Absence.NO_TRADE, Absence.NO_TRADE]


async def test_a_dropped_row_leaves_its_gap_and_is_not_quarantined_again(store: Store) -> None:
    [number] = await reject(store, SPIKE)
    assert (await drop(store, [number], **WHO, now=NOW)).done == (number,)
    assert len(await candles(store, HOUR, hours(0, 24))) == 0
    assert await reject(store, SPIKE) == []
    [one] = await quarantined(store, waiting=False)
    assert (one.decision, one.reason) == ("dropped", WHO["reason"])


async def test_a_row_is_decided_about_once(store: Store, other: Store) -> None:
    [number] = await reject(store, SPIKE)
    answers = await asyncio.gather(*(release(where, [number], **WHO, now=NOW) for where in [store, other] * 2))
    assert sorted(len(answer.done) for answer in answers) == [0, 0, 0, 1]
    again = await drop(store, [number, 4242], **WHO, now=NOW)
    assert [(one.row_id, one.why) for one in again.left] == [
        (number, "was released by operator"),
        (4242, "there is no such row"),
    ]
    assert len(await decisions(store)) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"close": "nan"}, "its close is no number"),
        ({"volume": None}, "its volume is no number"),
        ({"open": True}, "its open is no number"),
        ({"time": START + 60}, "its time is not on the grid of 1h"),
        ({"time": int(NOW.timestamp())}, "its time is not over yet"),
        ({"low": 0}, "a price of zero or less, or a volume below zero"),
        ({"volume": -1.0}, "a price of zero or less, or a volume below zero"),
        ({"low": 101.0}, "its low or its high is not the outermost price"),
        ({"high": 102.0}, "its low or its high is not the outermost price"),
    ],
)
async def test_what_is_no_candle_is_not_released_whoever_wants_it(
    sqlite_url: str, change: dict[str, Any], why: str
) -> None:
    async with await Store.open(sqlite_url) as store:
        [number] = await reject(store, {**SPIKE, **change})
        decided = await release(store, [number], **WHO, now=NOW)
        assert [(one.row_id, one.why) for one in decided.left] == [(number, why)]
        assert [one.decision for one in await quarantined(store)] == [None]
        assert len(await candles(store, HOUR, hours(0, 24))) == 0


async def test_a_row_without_a_time_can_only_be_dropped(store: Store) -> None:
    [number] = await reject(store, {"row": "<html>"}, why=Why.BAD_ROW)
    assert (await release(store, [number], **WHO, now=NOW)).left[0].why == "its time is no number"
    assert (await drop(store, [number], **WHO, now=NOW)).done == (number,)


async def test_a_price_of_polymarket_is_released_into_its_own_table(store: Store) -> None:
    good, bad = {"time": START, "price": 0.9}, {"time": START + 3600, "price": 1.4}
    numbers = await reject(store, good, bad, series=POINT)
    decided = await release(store, numbers, **WHO, now=NOW)
    assert decided.done == (numbers[0],)
    assert decided.left[0].why == "its price is no probability"
    assert (await candles(store, POINT, hours(0, 24)))["price"].tolist() == [0.9]
