"""What is missing of a series is found exactly, and counted by day."""

import asyncio
from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from models.history import Absence, Gap, Series, Span, Timeframe
from models.store.candles import enter_within, keep_batch, series_of, upsert_frame
from models.store.engine import Store
from models.store.gaps import Coverage, coverage, gaps
from models.store.history_upserts import upsert_sqlite
from tests.models.store.past import HOUR, NOW, POINT, START, a_frame, an_answer, hours, points


async def found(store: Store, span: Span) -> list[tuple[int, int]]:
    """Return gaps by the hours of the year."""
    return [inside(gap.span) for gap in await gaps(store, HOUR, span, now=NOW)]


def inside(span: Span) -> tuple[int, int]:
    return (span.start - START) // 3600, (span.end - START) // 3600


async def known(store: Store, span: Span) -> list[tuple[int, int, Absence | None]]:
    every = await gaps(store, HOUR, span, everything=True, now=NOW)
    return [(*inside(gap.span), gap.known) for gap in every]


async def test_all_of_a_series_that_nobody_kept_is_a_gap_and_stays_unnumbered(store: Store) -> None:
    assert await gaps(store, HOUR, hours(0, 24)) == (Gap(HOUR, hours(0, 24)),)
    assert await store.rows(text("SELECT 1 FROM price_series")) == []


async def test_an_empty_span_has_no_gap(store: Store) -> None:
    assert await gaps(store, HOUR, hours(5, 5)) == ()
    assert await gaps(store, HOUR, Span(START + 1, START + 3599)) == ()  # no hour opens in it


async def test_the_ends_of_a_span_count_like_its_middle(store: Store) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame([5, 6, 9])))
    assert await found(store, hours(0, 12)) == [(0, 5), (7, 9), (10, 12)]
    assert await found(store, hours(5, 7)) == []
    assert await found(store, hours(7, 9)) == [(7, 9)]


async def test_a_full_span_has_no_gap_however_long(store: Store) -> None:
    await upsert_frame(store, await series_of(store, HOUR), a_frame(range(3000)), 1)
    assert await found(store, hours(0, 3000)) == []
    assert await found(store, hours(-2, 3001)) == [(-2, 0), (3000, 3001)]


async def test_a_hole_over_many_blocks_is_one_gap(store: Store) -> None:
    await upsert_frame(store, await series_of(store, HOUR), a_frame([*range(300), *range(2000, 2300)]), 1)
    assert await found(store, hours(0, 2300)) == [(300, 2000)]


_RUNS = st.lists(st.tuples(st.integers(0, 699), st.integers(1, 300)), max_size=12)


def test_the_holes_that_are_punched_are_the_gaps_that_are_found(store_url: str) -> None:
    with asyncio.Runner() as runner:
        store = runner.run(Store.open(store_url))
        number = runner.run(series_of(store, HOUR))

        async def look(there: list[int], wanted: range) -> list[tuple[int, int]]:
            await store.execute(text("DELETE FROM crypto_price_history"))
            await upsert_frame(store, number, a_frame(there), 1)
            return await found(store, hours(wanted.start, wanted.stop))

        @settings(max_examples=20, deadline=None)
        @given(holes=_RUNS, start=st.integers(0, 300), length=st.integers(1, 700))
        def holds(holes: list[tuple[int, int]], start: int, length: int) -> None:
            gone = {n for first, many in holes for n in range(first, first + many)}
            wanted = range(start, start + length)
            expected: list[tuple[int, int]] = []
            for n in wanted:
                if n in gone or n >= 700:
                    begins = expected.pop()[0] if expected and expected[-1][1] == n else n
                    expected.append((begins, n + 1))
            assert runner.run(look([n for n in range(700) if n not in gone], wanted)) == expected

        try:
            holds()
        finally:
            runner.run(store.close())


async def test_what_is_known_not_to_exist_is_no_gap_but_can_be_seen(store: Store) -> None:
    absences = [(hours(0, 4), Absence.NOT_THERE), (hours(6, 7), Absence.NO_TRADE)]
    await keep_batch(store, HOUR, *an_answer(a_frame([4, 5]), asked=hours(0, 8)), absences)

    assert await found(store, hours(0, 10)) == [(7, 10)]
    assert await known(store, hours(2, 10)) == [
        (2, 4, Absence.NOT_THERE),
        (6, 7, Absence.NO_TRADE),
        (7, 10, None),
    ]


async def test_an_outage_is_left_alone_for_an_hour(store: Store) -> None:
    out = [(hours(0, 4), Absence.OUTAGE)]
    await keep_batch(store, HOUR, *an_answer(a_frame([]), asked=hours(0, 4), at=NOW - timedelta(minutes=59)), out)
    assert await found(store, hours(0, 6)) == [(4, 6)]
    await keep_batch(store, HOUR, *an_answer(a_frame([]), asked=hours(0, 4), at=NOW - timedelta(minutes=61)), out)
    assert await found(store, hours(0, 6)) == [(0, 6)]
    assert await known(store, hours(0, 6)) == [(0, 4, Absence.OUTAGE), (4, 6, None)]


async def test_without_an_instant_the_stores_own_clock_tells_how_old_an_outage_is(store: Store) -> None:
    out = [(hours(0, 4), Absence.OUTAGE)]
    await keep_batch(store, HOUR, *an_answer(a_frame([]), asked=hours(0, 4), at=NOW - timedelta(days=3650)), out)
    assert [inside(gap.span) for gap in await gaps(store, HOUR, hours(0, 4))] == [(0, 4)]


async def test_an_answer_ends_the_outage_of_what_it_answers_for(store: Store) -> None:
    out = [(hours(0, 10), Absence.OUTAGE)]
    await keep_batch(store, HOUR, *an_answer(a_frame([]), asked=hours(0, 10)), out)
    await keep_batch(store, HOUR, *an_answer(a_frame([2]), asked=hours(2, 4)), [(hours(3, 4), Absence.NO_TRADE)])
    assert await known(store, hours(0, 10)) == [
        (0, 2, Absence.OUTAGE),
        (3, 4, Absence.NO_TRADE),
        (4, 10, Absence.OUTAGE),
    ]


async def test_an_outage_does_not_hide_what_is_known(store: Store) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame([])), [(hours(3, 5), Absence.NO_TRADE)])
    await keep_batch(store, HOUR, *an_answer(a_frame([])), [(hours(0, 10), Absence.OUTAGE)])
    assert await known(store, hours(0, 10)) == [
        (0, 3, Absence.OUTAGE),
        (3, 5, Absence.NO_TRADE),
        (5, 10, Absence.OUTAGE),
    ]


async def test_absences_that_touch_become_one_and_never_overlap(store: Store) -> None:
    for first in range(0, 40, 4):
        await keep_batch(store, HOUR, *an_answer(a_frame([])), [(hours(first, first + 5), Absence.NO_TRADE)])
    await keep_batch(store, HOUR, *an_answer(a_frame([])), [(hours(0, 6), Absence.NOT_THERE)])
    rows = await store.rows(text('SELECT start, "end", kind FROM history_absences ORDER BY start'))
    assert [(*inside(Span(row.start, row.end)), row.kind) for row in rows] == [(0, 6, "not_there"), (6, 41, "no_trade")]


async def test_a_candle_that_comes_after_all_is_no_longer_absent(store: Store) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame([])), [(hours(0, 10), Absence.NO_TRADE)])
    await keep_batch(store, HOUR, *an_answer(a_frame([0, 4, 5])))
    rows = await store.rows(text('SELECT start, "end" FROM history_absences ORDER BY start'))
    assert [inside(Span(row.start, row.end)) for row in rows] == [(1, 4), (6, 10)]


_Step = tuple[int, int, Absence | None]  # first hour, how many, what is said of them; None: here they are
_STEPS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from([*Absence, None])), min_size=1, max_size=8
)


def test_every_hour_is_there_or_missing_or_absent_for_one_reason(sqlite_url: str) -> None:
    with asyncio.Runner() as runner:
        store = runner.run(Store.open(sqlite_url))

        async def keep(steps: list[_Step]) -> tuple[dict[int, Absence | None], Coverage]:
            await store.write(lambda connection: _keep(store, connection, steps))
            every = await gaps(store, HOUR, hours(0, 100), everything=True)
            told = {n: gap.known for gap in every for n in range(*inside(gap.span))}
            return told, await coverage(store, HOUR, hours(0, 100))

        @settings(max_examples=40, deadline=None)
        @given(steps=_STEPS)
        def holds(steps: list[_Step]) -> None:
            there, absent = _expected(steps)
            told, covered = runner.run(keep(steps))
            assert told == {n: absent.get(n) for n in range(100) if n not in there}
            assert covered.expected == 100
            assert covered.there == len(there)
            assert covered.missing == 100 - len(there) - len(absent)
            assert {kind: covered.absent(kind) for kind in set(absent.values())} == Counter(absent.values())

        try:
            holds()
        finally:
            runner.run(store.close())


def _keep(store: Store, connection: Connection, steps: list[_Step]) -> None:
    """Keep one answer a step, from nothing, in one transaction."""
    for table in ("crypto_price_history", "history_absences"):
        connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    for first, many, kind in steps:
        span = hours(first, first + many)
        frame = a_frame(range(first, first + many) if kind is None else [])
        fetched, judged = an_answer(frame, asked=span)
        absences = [] if kind is None else [(span, kind)]
        number, batch = enter_within(store, connection, HOUR, fetched=fetched, judged=judged, absences=absences)
        upsert_sqlite(connection, number, frame, batch)


def _expected(steps: list[_Step]) -> tuple[set[int], dict[int, Absence]]:
    """Say the same hour by hour: an answer ends outages, a candle ends all, an outage explains only the unexplained."""
    there: set[int] = set()
    absent: dict[int, Absence] = {}
    for first, many, kind in steps:
        for n in range(first, first + many):
            if kind is None:
                there.add(n)
                absent.pop(n, None)
            elif n not in there and (kind is not Absence.OUTAGE or n not in absent):
                absent[n] = kind
    return there, absent


async def test_each_day_says_what_belongs_there_what_is_there_and_what_is_absent(store: Store) -> None:
    absences = [(hours(30, 50), Absence.NO_TRADE), (hours(70, 80), Absence.OUTAGE)]
    await keep_batch(store, HOUR, *an_answer(a_frame(range(20, 30)), asked=hours(20, 60)), absences)

    covered = await coverage(store, HOUR)
    assert [(str(day.day), day.expected, day.there, dict(day.absent), day.missing) for day in covered.days] == [
        ("2026-01-01", 4, 4, {}, 0),
        ("2026-01-02", 24, 6, {Absence.NO_TRADE: 18}, 0),
        ("2026-01-03", 24, 0, {Absence.NO_TRADE: 2, Absence.OUTAGE: 2}, 20),
        ("2026-01-04", 8, 0, {Absence.OUTAGE: 8}, 0),
    ]
    assert (covered.expected, covered.there, covered.missing) == (60, 10, 20)
    assert covered.absent(Absence.NO_TRADE) == 20


async def test_a_day_that_is_asked_for_in_part_counts_that_part(store: Store) -> None:
    await keep_batch(store, HOUR, *an_answer(a_frame(range(72))))
    covered = await coverage(store, HOUR, hours(10, 53))
    assert [(day.expected, day.there) for day in covered.days] == [(14, 14), (24, 24), (5, 5)]


async def test_nothing_is_covered_where_nothing_is_known(store: Store) -> None:
    assert (await coverage(store, HOUR)).days == ()
    assert [(d.expected, d.there, d.missing) for d in (await coverage(store, HOUR, hours(0, 24))).days] == [(24, 0, 24)]


async def test_prices_of_polymarket_have_gaps_and_days_like_candles(store: Store) -> None:
    await keep_batch(store, POINT, *an_answer(points([0, 1, 5]), series=POINT))
    assert [inside(gap.span) for gap in await gaps(store, POINT, hours(0, 6))] == [(2, 5)]
    assert [(day.expected, day.there) for day in (await coverage(store, POINT)).days] == [(6, 3)]


async def test_candles_longer_than_a_day_belong_to_the_day_that_they_open_in(store: Store) -> None:
    weeks = Series("kraken", "BTC/USD", Timeframe.parse("1w"))
    step = weeks.timeframe.seconds
    span = Span(START, START + 3 * step)
    first = span.on(weeks.timeframe).start
    await upsert_frame(store, await series_of(store, weeks), a_frame([0]).assign(time=first), 1)
    assert [(gap.span.start, gap.span.end) for gap in await gaps(store, weeks, span)] == [
        (first + step, first + 3 * step)
    ]
    covered = await coverage(store, weeks, span)
    assert (covered.expected, covered.there, covered.missing) == (3, 1, 2)
