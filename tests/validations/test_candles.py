"""Every candle that came is accepted or rejected with its reasons; what is good stays, whatever stands beside it."""

import json
import math
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandera.config import config_context

from models.errors import ConfigError
from models.history import COLUMNS, Judged, Rejected, Series, Span, Timeframe, Why
from validations.candle_frames import CandleFrame, TogetherFrame, failing
from validations.candles import _alone, _among_others, is_clean, judge_candles
from validations.received import numbers_of

HOUR = 3600
START = 1_767_225_600  # 2026-01-01
SERIES = Series("kraken", "BTC/USD", Timeframe(HOUR))
Row = dict[str, Any]


def a_candle(hour: int, price: float = 100.0, **values: Any) -> Row:
    made = {"time": START + hour * HOUR, "open": price, "high": price * 1.01, "low": price * 0.99, "close": price}
    return {**made, "volume": 5.0, **values}


def candles(*prices: float, first: int = 0) -> list[Row]:
    return [a_candle(first + n, price) for n, price in enumerate(prices)]


def frame(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(rows: list[Row], *, hours: int = 24, series: Series = SERIES, **more: Any) -> Judged:
    asked = Span(START, START + hours * HOUR)
    more.setdefault("now", datetime.fromtimestamp(asked.end, UTC))
    return judge_candles(series, asked, frame(rows), **more)


def reasons(judgement: Judged) -> list[tuple[Why, ...]]:
    return [rejected.why for rejected in judgement.rejected]


def hours_of(judgement: Judged) -> list[int]:
    return [(time - START) // HOUR for time in judgement.accepted["time"]]


def test_a_page_without_fault_is_accepted_whole_as_it_is_stored() -> None:
    rows = candles(100, 101, 99)

    accepted = judged(rows).accepted

    assert accepted.to_dict("records") == rows
    assert list(accepted.columns) == list(COLUMNS)
    assert [str(dtype) for dtype in accepted.dtypes] == ["int64"] + ["float64"] * 5


def test_an_empty_page_is_judged_too() -> None:
    judgement = judged([], bad=[("<html>", Why.BAD_ROW)])

    assert list(judgement.accepted.columns) == list(COLUMNS)
    assert judgement.rejected == (Rejected({"row": "<html>"}, (Why.BAD_ROW,)),)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"close": math.nan}, {Why.NOT_A_NUMBER}),
        ({"close": None}, {Why.NOT_A_NUMBER}),
        ({"close": "100.0"}, {Why.NOT_A_NUMBER}),
        ({"close": True}, {Why.NOT_A_NUMBER}),
        ({"high": math.inf}, {Why.NOT_A_NUMBER}),
        ({"volume": math.inf}, {Why.NOT_A_NUMBER}),
        ({"volume": 10**400}, {Why.NOT_A_NUMBER}),
        ({"time": None}, {Why.NOT_A_NUMBER}),
        ({"time": math.inf}, {Why.NOT_A_NUMBER, Why.FUTURE, Why.NOT_ASKED}),
        ({"low": -1.0}, {Why.NOT_POSITIVE}),
        ({"open": 0.0, "low": 0.0}, {Why.NOT_POSITIVE}),
        ({"volume": -0.1}, {Why.NOT_POSITIVE}),
        ({"time": START + 7 * HOUR + 300}, {Why.OFF_GRID}),
        ({"time": START + 7 * HOUR + 0.5}, {Why.OFF_GRID}),
        ({"time": START + 400 * HOUR}, {Why.FUTURE, Why.NOT_ASKED}),
        ({"time": START - HOUR}, {Why.NOT_ASKED, Why.OUT_OF_ORDER}),
        ({"time": START + 24 * HOUR}, {Why.NOT_ASKED, Why.UNFINISHED}),
        ({"low": 100.5}, {Why.LOW_ABOVE}),
        ({"high": 99.5}, {Why.HIGH_BELOW}),
        ({"low": 101.0, "high": 99.0}, {Why.LOW_ABOVE, Why.HIGH_BELOW}),
        ({"close": 1000.0, "high": 1000.0}, {Why.JUMP}),
        ({"high": 500.0}, {Why.JUMP}),
        ({"low": 20.0}, {Why.JUMP}),
    ],
)
def test_a_bad_row_is_rejected_with_every_reason_and_costs_no_other(values: Row, why: set[Why]) -> None:
    rows = candles(*[100.0] * 12)
    rows[7] = a_candle(7, **values)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judgement = judged(rows)

    assert hours_of(judgement) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    (rejected,) = judgement.rejected
    assert set(rejected.why) == why
    json.loads(json.dumps(rejected.row), parse_constant=pytest.fail)  # PostgreSQL's JSON knows no NaN


def test_a_number_is_taken_from_whatever_python_calls_one() -> None:
    row = a_candle(0, open=Decimal("100.5"), high=np.float64(101), low=99, volume=np.int64(3))

    assert judged([row]).accepted.to_dict("records") == [
        {**a_candle(0), "open": 100.5, "high": 101, "low": 99, "volume": 3}
    ]


def test_a_candle_is_finished_once_its_time_is_over() -> None:
    last = datetime.fromtimestamp(START + 3 * HOUR, UTC)

    assert hours_of(judged(candles(1, 1, 1), now=last)) == [0, 1, 2]
    assert reasons(judged(candles(1, 1, 1), now=last - timedelta(milliseconds=1))) == [(Why.UNFINISHED,)]


def test_rows_out_of_order_are_sorted_and_not_lost() -> None:
    rows = candles(*range(100, 112))

    judgement = judged([rows[n] for n in (3, 0, 11, 5, 4, 1, 2, 10, 9, 6, 8, 7)])

    assert judgement.accepted.to_dict("records") == rows
    assert judgement.rejected == ()


def test_the_same_candle_twice_is_kept_once() -> None:
    judgement = judged([*candles(100, 101, 102), a_candle(1, 101)])

    assert hours_of(judgement) == [0, 1, 2]
    assert reasons(judgement) == [(Why.DUPLICATE, Why.OUT_OF_ORDER)]


def test_of_two_that_contradict_each_other_neither_is_kept() -> None:
    judgement = judged([*candles(100, 101), a_candle(1, 100.5), *candles(102, first=2)])

    assert hours_of(judgement) == [0, 2]
    assert reasons(judgement) == [(Why.DUPLICATE,), (Why.DUPLICATE,)]


def test_a_broken_row_disputes_no_good_one_of_its_time() -> None:
    judgement = judged([*candles(100, 101), a_candle(1, close=math.nan)])

    assert hours_of(judgement) == [0, 1]
    assert reasons(judgement) == [(Why.NOT_A_NUMBER, Why.DUPLICATE)]


def test_a_crash_that_stays_is_no_spike() -> None:
    assert judged(candles(100, 100, 100, 100, 8, 9, 8, 8)).rejected == ()


def test_a_crash_of_three_hours_that_comes_back_is_no_spike_but_one_of_two_is() -> None:
    assert judged(candles(*[100.0] * 6, 20, 21, 20, *[100.0] * 6)).rejected == ()
    assert reasons(judged(candles(*[100.0] * 6, 20, 21, *[100.0] * 6))) == [(Why.JUMP,), (Why.JUMP,)]


def test_a_market_that_doubles_every_hour_and_falls_again_is_no_spike() -> None:
    assert judged(candles(1, 2, 4, 8, 16, 32, 64, 32, 16, 8, 4, 2, 1)).rejected == ()


def test_the_newest_candle_is_a_spike_until_another_one_follows_it() -> None:
    stored = frame(candles(*[100.0] * 5))

    assert reasons(judged(candles(1000, first=5), before=stored)) == [(Why.JUMP,)]
    assert judged(candles(1000, 990, 1010, first=5), before=stored).accepted["time"].tolist()[0] == START + 5 * HOUR
    assert judged(candles(101, first=5), before=stored).rejected == ()


def test_what_is_stored_after_the_span_is_a_neighbour_too() -> None:
    around = frame([*candles(*[100.0] * 5), *candles(*[98.0] * 5, first=6)])

    assert reasons(judged(candles(8, first=5), before=around)) == [(Why.JUMP,)]
    assert (
        judged(candles(8, first=5), before=frame([*candles(*[100.0] * 5), *candles(8, 8, 8, first=6)])).rejected == ()
    )


def test_a_price_of_long_ago_makes_no_spike() -> None:
    assert judged(candles(1000, first=400), hours=500, before=frame(candles(*[100.0] * 5))).rejected == ()


def test_a_lone_row_has_no_neighbours_to_leave() -> None:
    assert judged(candles(1, 10)).rejected == ()


@pytest.mark.parametrize(("timeframe", "factor"), [("1m", 2.0), ("5m", 2.0), ("1h", 3.0), ("1d", 5.0), ("1w", 8.0)])
def test_how_far_is_too_far_depends_on_the_timeframe(timeframe: str, factor: float) -> None:
    length = Timeframe.parse(timeframe)
    monday = START - START % (7 * 86_400)

    def spike_of(height: float) -> list[tuple[Why, ...]]:
        rows = [a_candle(0, time=monday + n * length.seconds) for n in range(11)]
        rows[5]["high"] = 100.0 * height
        asked = Span(monday, monday + 11 * length.seconds)
        now = datetime.fromtimestamp(asked.end, UTC)
        return reasons(judge_candles(Series("kraken", "BTC/USD", length), asked, frame(rows), now=now))

    assert spike_of(factor) == []
    assert spike_of(factor + 0.01) == [(Why.JUMP,)]


def test_a_spike_that_a_second_source_saw_too_is_a_price() -> None:
    rows = candles(*[100.0] * 5, 1000, *[100.0] * 5)
    saw_it = frame(candles(*[101.0] * 5, 1010, *[101.0] * 5))
    saw_nothing = frame(candles(*[101.0] * 11))

    assert judged(rows, second=saw_it).rejected == ()
    assert reasons(judged(rows, second=saw_nothing)) == [(Why.JUMP, Why.DISAGREES)]
    assert reasons(judged(rows, second=saw_it.drop(index=5))) == [(Why.JUMP,)]


def test_a_row_that_a_second_source_denies_is_rejected() -> None:
    second = frame(candles(*[100.0] * 3, 106, 104, *[100.0] * 5))

    assert reasons(judged(candles(*[100.0] * 10), second=second)) == [(Why.DISAGREES,)]


@pytest.mark.parametrize("lie", [{"close": 1000.0, "high": 1000.0}, {"close": math.nan}, {"close": -1.0}])
def test_a_second_source_that_lies_denies_no_good_row(lie: Row) -> None:
    second = candles(*[100.0] * 11)
    second[5] = a_candle(5, **lie)

    assert judged(candles(*[100.0] * 11), second=frame(second)).rejected == ()


@pytest.mark.parametrize("seconds", [300, 900, 1800])
def test_candles_of_a_shorter_timeframe_are_rejected_as_a_whole(seconds: int) -> None:
    judgement = judged([a_candle(0, time=START + n * seconds) for n in range(24)])

    assert judgement.accepted.empty
    assert all(Why.BAD_ROW in why for why in reasons(judgement))
    off_grid = sum(Why.OFF_GRID in why for why in reasons(judgement))
    assert off_grid == 24 - 24 * seconds // HOUR


def test_candles_of_a_longer_timeframe_are_rejected_as_a_whole() -> None:
    judgement = judged([a_candle(4 * n) for n in range(10)], hours=40)

    assert judgement.accepted.empty
    assert set(reasons(judgement)) == {(Why.BAD_ROW,)}


def test_candles_with_gaps_between_them_are_kept() -> None:
    hours = [0, 3, 4, 9, 11, 12, 15, 19, 21]

    assert hours_of(judged([a_candle(hour) for hour in hours])) == hours


def test_one_row_off_the_grid_between_two_is_no_other_timeframe() -> None:
    assert hours_of(judged([a_candle(0), a_candle(0, time=START + 300), a_candle(1)])) == [0, 1]


def test_rows_without_a_column_are_rejected_as_they_came() -> None:
    judgement = judge_candles(
        SERIES,
        Span(START, START + HOUR),
        pd.DataFrame([{"time": START, "open": 1.0}]),
        now=datetime.fromtimestamp(START + HOUR, UTC),
    )

    assert judgement.accepted.empty
    assert judgement.rejected == (Rejected({"time": START, "open": 1.0}, (Why.BAD_ROW,)),)


def test_an_index_that_repeats_itself_loses_no_row() -> None:
    rows = frame([*candles(100, 101), a_candle(2, close=-1.0)])
    rows.index = pd.Index([7, 7, 7])

    judgement = judge_candles(
        SERIES, Span(START, START + 9 * HOUR), rows, now=datetime.fromtimestamp(START + 9 * HOUR, UTC)
    )

    assert hours_of(judgement) == [0, 1]
    assert judgement.rejected[0].row["time"] == START + 2 * HOUR


def test_a_switched_off_validation_is_refused() -> None:
    with config_context(validation_enabled=False), pytest.raises(ConfigError, match="PANDERA_VALIDATION_ENABLED"):
        judged(candles(1))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        judged(candles(1), now=datetime(2026, 1, 2))  # noqa: DTZ001 - that is the point


def test_a_contract_that_cannot_be_checked_accepts_nothing() -> None:
    rows = numbers_of(frame(candles(1, 2)), COLUMNS)

    assert {why: list(rows) for why, rows in failing(rows, CandleFrame).items()}[Why.BAD_ROW] == [True, True]


@dataclass
class Answer:
    """What a source that lies sent: rows, which of them are good, and what must be said of the others."""

    rows: list[Row] = field(default_factory=list)
    good: list[int] = field(default_factory=list)
    lies: list[tuple[Row, Why]] = field(default_factory=list)


@st.composite
def lying_answers(draw: st.DrawFn) -> Answer:
    """Return a walk of hourly prices with lies among it, each at least a few candles from the next, shuffled or not."""
    count = draw(st.integers(12, 60))
    steps = draw(st.lists(st.floats(-0.05, 0.05), min_size=count, max_size=count))
    prices = 100 * np.exp(np.cumsum(steps))
    answer = Answer()
    spoilt = 0
    for hour, price in enumerate(prices):
        row = a_candle(hour, float(price))
        lie = draw(st.sampled_from(LIES)) if hour >= spoilt and draw(st.integers(0, 5)) == 0 else None
        if lie is None:
            answer.rows.append(row)
            answer.good.append(hour)
            continue
        spoilt = hour + 6
        kept, told = lie(row)
        answer.rows += [*kept, *(row for row, _ in told)]
        answer.good += [hour] * len(kept)
        answer.lies += told
    if draw(st.booleans()):
        answer.rows = draw(st.permutations(answer.rows))
    return answer


Told = tuple[list[Row], list[tuple[Row, Why]]]


def _twice(row: Row) -> Told:
    return [row], [(dict(row), Why.DUPLICATE)]


def _disputed(row: Row) -> Told:
    return [], [(row, Why.DUPLICATE), ({**row, "volume": 6.0}, Why.DUPLICATE)]


def _ahead(row: Row) -> Told:
    return [row], [({**row, "time": row["time"] + 1000 * HOUR}, Why.FUTURE)]


def _nothing(row: Row) -> Told:
    return [], [({**row, "close": math.nan}, Why.NOT_A_NUMBER)]


def _negative(row: Row) -> Told:
    return [], [({**row, "low": -row["low"]}, Why.NOT_POSITIVE)]


def _tenfold(row: Row) -> Told:
    return [], [({**row, **{name: row[name] * 10 for name in ("open", "high", "low", "close")}}, Why.JUMP)]


def _tenth(row: Row) -> Told:
    return [], [({**row, "low": row["low"] / 10}, Why.JUMP)]


def _between(row: Row) -> Told:
    return [row], [({**row, "time": row["time"] + 300}, Why.OFF_GRID)]


LIES = (_twice, _disputed, _ahead, _nothing, _negative, _tenfold, _tenth, _between)


@given(lying_answers())
@settings(max_examples=40, deadline=None)
def test_of_a_source_that_lies_every_bad_row_is_quarantined_with_its_reason_and_no_good_one_is_lost(
    answer: Answer,
) -> None:
    judgement = judged(answer.rows, hours=60)

    assert hours_of(judgement) == answer.good
    assert len(judgement.accepted) + len(judgement.rejected) == len(answer.rows)
    assert len(judgement.rejected) == len(answer.lies)
    assert all(_is_told(judgement, row, why) for row, why in answer.lies)


def _is_told(judgement: Judged, row: Row, why: Why) -> bool:
    return any(why in rejected.why and _same(rejected.row, row) for rejected in judgement.rejected)


def _same(kept: Row, came: Row) -> bool:
    return all(str(kept[name]) == str(came[name]) or kept[name] == came[name] for name in came)


numbers = st.sampled_from([100.0, 101.0, 99.0, 100.5, 0.0, -1.0, 400.0, 20.0, math.nan, math.inf, -math.inf])
offsets = st.sampled_from([0, HOUR, 2 * HOUR, HOUR // 2, -HOUR])


@st.composite
def any_rows(draw: st.DrawFn) -> list[Row]:
    """Return rows of which about half the batches are clean."""
    rows, time = [], START - HOUR
    wild = draw(st.booleans())
    for _ in range(draw(st.integers(0, 14))):
        time += draw(offsets) if wild and draw(st.integers(0, 6)) == 0 else HOUR
        row = a_candle(0, draw(st.sampled_from([100.0, 101.0, 102.0, 350.0 if wild else 99.0])), time=time)
        if wild and draw(st.integers(0, 6)) == 0:
            row[draw(st.sampled_from(COLUMNS))] = draw(numbers)
        rows.append(row)
    return rows


@given(any_rows(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_quick_look_and_the_contracts_agree_on_what_is_clean(rows: list[Row], has_before: bool) -> None:
    asked = Span(START, START + 12 * HOUR)
    now = datetime.fromtimestamp(asked.end, UTC)
    before = frame(candles(*[100.0] * 5, first=-6)) if has_before else None
    values = numbers_of(frame(rows), COLUMNS)
    in_order = bool((values["time"].diff().dropna() > 0).all())

    marks = _alone(values, SERIES, asked, now)
    among = _among_others(values, marks, HOUR, before, None)

    columns = [values[name].to_numpy() for name in COLUMNS]
    assert is_clean(columns, SERIES, asked, now, before) == (not marks and not among and in_order)


@given(any_rows())
@settings(max_examples=30, deadline=None)
def test_what_is_accepted_is_accepted_again(rows: list[Row]) -> None:
    accepted = judged(rows).accepted
    assume(len(accepted))

    again = judged([dict(zip(COLUMNS, row, strict=True)) for row in accepted.itertuples(index=False)])

    assert not {why for whys in reasons(again) for why in whys} - {Why.JUMP}  # a spike may have hidden a spike
    assert set(again.accepted["time"]) <= set(accepted["time"])


def test_the_contract_of_rows_together_knows_each_of_its_reasons() -> None:
    together = frame(candles(100, 100)).astype("float64")
    said = {"second_high": 101.0, "second_low": 99.0, "second_close": 100.0}
    sound = together.assign(stands_alone=False, **said, second_stands_alone=False)

    assert failing(sound, TogetherFrame) == {}
    assert set(failing(sound.assign(second_close=90.0), TogetherFrame)) == {Why.DISAGREES}
    assert set(failing(sound.assign(stands_alone=True, second_high=math.nan), TogetherFrame)) == {Why.JUMP}
    assert set(failing(sound.assign(time=1.0), TogetherFrame)) == {Why.DUPLICATE}
