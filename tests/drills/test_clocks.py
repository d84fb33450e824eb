"""Clocks that differ: the venue's is followed, what is refused for its hour is signed again, nothing is sold twice."""

import pytest

from models.reasons import AccountStatus
from tests.drills.desk import Desk, sold
from tests.drills.record import disagreements, ledger_rows
from tests.drills.venues import each_venue

pytestmark = pytest.mark.wire

TWO = {"BTC": 1000, "ETH": 500}


@pytest.fixture
def desk(sqlite_desk: Desk) -> Desk:
    sqlite_desk.policy["max_positions"] = 1
    return sqlite_desk


@each_venue
@pytest.mark.parametrize("seconds", [-3700, 3700])
def test_a_venue_whose_clock_is_an_hour_off_is_followed(desk: Desk, name: str, seconds: int) -> None:
    venue = desk.worth(TWO, venue=name, clock_skew_seconds=seconds)

    report = desk.run()

    assert (report.status, sold(venue)) == (AccountStatus.COMPLIANT, ["ETH"])
    assert venue.calls("place") == 1


@each_venue
@pytest.mark.parametrize("fault", ["invalid_nonce", "clock_error"])
def test_an_order_that_was_refused_for_its_hour_is_signed_again_and_fills_once(
    desk: Desk, name: str, fault: str
) -> None:
    venue = desk.worth(TWO, venue=name)
    venue.set_faults({"operation": "place", "fault": fault})

    report = desk.run()

    assert (report.status, sold(venue)) == (AccountStatus.COMPLIANT, ["ETH"])
    assert disagreements(venue, ledger_rows(desk.store_url)) == []


@each_venue
def test_a_venue_that_does_not_tell_its_hour_is_used_with_ours(desk: Desk, name: str) -> None:
    venue = desk.worth(TWO, venue=name)
    venue.set_faults({"operation": "time", "fault": "html", "times": None})

    assert (desk.run().status, sold(venue)) == (AccountStatus.COMPLIANT, ["ETH"])
