"""History over the wire: killed and gone on with, holes found and filled, lies kept out, outages made up for."""

import asyncio
from functools import partial

import pytest
from pandas.testing import assert_frame_equal

from brokers.simulator.handle import RunningVenue
from flows.collect_history import collect_wanted
from flows.history_request import HistoryRequest
from models.history import Absence, Why
from models.history_report import SeriesState
from models.store.quarantine import quarantined
from tests.drills.desk import Desk
from tests.drills.past import collected, filled, gaps_of, killed_while_collecting, noted_as, punched, stored, wants

ALIVE = {"BTC": {"volatility_per_day": "0.03"}}
SLOW = {"operation": "candles", "fault": "delay", "seconds": 0.03, "times": None}
DOWN = {"operation": "candles", "fault": "status", "status": 503, "times": None}


def a_venue(desk: Desk, name: str = "binance", **world: object) -> RunningVenue:
    return desk.opens(name, prices={"BTC": 50000, "ETH": 2500}, holds={f"at-{name}": {}}, **world)  # type: ignore[arg-type]


def test_a_collection_that_is_killed_three_times_ends_complete_and_asked_for_little_twice(desk: Desk) -> None:
    venue = a_venue(desk, faults=[SLOW])
    hours, minutes = wants(desk, venue, "BTC/USDT", "1h", "90d"), wants(desk, venue, "ETH/USDT", "1m", "2d")

    for _ in range(3):
        killed_while_collecting(desk, venue, after=2)
    report = collected(desk)

    assert [one.state for one in report.series] == [SeriesState.COMPLETE] * 2
    assert report.missing == 0
    for series, candles in ((hours, 90 * 24), (minutes, 2 * 1440)):
        times = stored(desk, series)["time"]
        assert times.is_unique
        assert set(times.diff().dropna()) == {series.timeframe.seconds}
        assert candles - 2 <= len(times) <= candles  # the first and the newest, by the minute
    pages, at_once, kills = 3 + 3, 2, 3
    assert venue.calls("candles") <= pages + at_once * kills + 1


def test_nothing_that_is_stored_is_asked_for_again(desk: Desk) -> None:
    venue = a_venue(desk)
    wants(desk, venue, "BTC/USDT", "1h", "10d")

    collected(desk)
    asked = venue.calls("candles")
    again = collected(desk)

    assert (again.requests, again.exit_code) == (0, 0)
    assert venue.calls("candles") == asked


def test_fifty_holes_are_found_exactly_and_filled_with_one_request_each(desk: Desk) -> None:
    venue = a_venue(desk, sizes=ALIVE)
    series = wants(desk, venue, "BTC/USDT", "1h", "30d")
    collected(desk)
    before = stored(desk, series)

    holes = punched(desk, series, 50, seed=7)
    found = [(int(gap.start.timestamp()), int(gap.end.timestamp())) for gap in gaps_of(desk).gaps]
    asked = venue.calls("candles")
    report = filled(desk)

    assert found == [(hole.start, hole.end) for hole in holes]
    assert venue.calls("candles") - asked == report.requests == len(holes)
    assert (report.exit_code, gaps_of(desk).missing) == (0, 0)
    assert_frame_equal(stored(desk, series), before)


LIES = {
    "nan_row": Why.NOT_A_NUMBER,
    "negative_row": Why.NOT_POSITIVE,
    "spike": Why.JUMP,
    "future_row": Why.FUTURE,
    "duplicated_rows": Why.DUPLICATE,
    "shuffled_rows": None,  # every row is good, wherever it stands
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_source_lies_about_is_quarantined_and_no_good_row_is_lost(sqlite_desk: Desk, lie: str) -> None:
    desk = sqlite_desk
    venue = a_venue(desk, faults=[{"operation": "candles", "fault": lie, "times": 1}])
    series = wants(desk, venue, "BTC/USDT", "1h", "20d")

    lied_to = collected(desk).series[0]
    kept = desk.in_store(partial(quarantined, limit=1000))
    told_the_truth = collected(desk).series[0]

    why = LIES[lie]
    assert lied_to.accepted + lied_to.rejected == lied_to.received
    assert lied_to.rejected == len(kept)
    assert all(why in row.why for row in kept), kept
    assert bool(kept) == (why is not None)
    lost = lie in {"nan_row", "negative_row", "spike", "future_row"}
    assert lied_to.missing == told_the_truth.requests == told_the_truth.accepted // 3 == lost
    assert told_the_truth.state is SeriesState.COMPLETE
    assert set(stored(desk, series)["time"].diff().dropna()) == {3600}


def test_a_venue_that_is_down_is_an_outage_of_its_own_series_and_is_made_up_for(desk: Desk) -> None:
    down, well = a_venue(desk, faults=[DOWN]), a_venue(desk, "bybit")
    lost, kept = wants(desk, down, "BTC/USDT", "1h", "20d"), wants(desk, well, "BTC/USDT", "1h", "20d")

    first = collected(desk)
    asked = down.calls("candles")
    at_once = collected(desk)
    assert down.calls("candles") == asked, "an outage is asked about again after an hour"
    down.set_faults()
    later = collected(desk, outages_at_once=True)

    assert [one.state for one in first.series] == [SeriesState.OUTAGE, SeriesState.COMPLETE]
    assert first.series[0].code
    assert (first.exit_code, at_once.exit_code, later.exit_code) == (3, 3, 0)
    assert stored(desk, lost)["time"].tolist() == stored(desk, kept)["time"].tolist()


def test_a_torn_answer_hides_nothing(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    venue = a_venue(desk, "bybit", faults=[{"operation": "candles", "fault": "missing_rows", "times": 1}])
    series = wants(desk, venue, "BTC/USDT", "1h", "20d")

    first = collected(desk).series[0]
    second = collected(desk).series[0]

    assert (first.state, first.missing > 100, first.not_there) == (SeriesState.OPEN, True, 0)
    assert second.state is SeriesState.COMPLETE
    assert set(stored(desk, series)["time"].diff().dropna()) == {3600}


def test_what_was_taken_for_absent_can_be_asked_for_again(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    venue = a_venue(desk, "bybit")
    series = wants(desk, venue, "BTC/USDT", "1h", "20d")
    collected(desk)
    (hole, *_) = punched(desk, series, 1, seed=3)
    whole = len(stored(desk, series)) + 1
    noted_as(desk, series, hole, Absence.NO_TRADE)

    assert collected(desk).requests == 0
    assert filled(desk, absences_too=True).requests == 1
    assert len(stored(desk, series)) == whole
    assert not gaps_of(desk, everything=True).gaps


def test_an_outage_in_the_middle_is_a_hole_that_is_filled(desk: Desk) -> None:
    venue = a_venue(desk)
    series = wants(desk, venue, "BTC/USDT", "1h", "90d")
    venue.set_faults({"operation": "candles", "fault": "status", "status": 503, "skip": 2, "times": None})
    broken = collected(desk)
    venue.set_faults()

    assert broken.series[0].state is SeriesState.OUTAGE
    assert filled(desk, outages_at_once=True).requests == 1
    assert collected(desk).exit_code == 0
    assert len(stored(desk, series)) in {90 * 24, 90 * 24 - 1}


def test_two_that_collect_at_once_ask_for_nothing_twice(desk: Desk) -> None:
    venue = a_venue(desk, faults=[SLOW])
    wants(desk, venue, "BTC/USDT", "1h", "90d")

    async def both() -> list[str]:
        request = HistoryRequest(fleet=str(desk.fleet))
        reports = await asyncio.gather(collect_wanted(request), collect_wanted(request))
        return sorted(report.series[0].state for report in reports)

    assert asyncio.run(both()) == [SeriesState.COMPLETE, SeriesState.HELD]
    assert venue.calls("candles") == 3
    assert gaps_of(desk).missing == 0
