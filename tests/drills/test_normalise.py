"""Small positions and the second run, by their acceptance cases."""

import pytest

from models.reasons import AccountStatus, ActionKind, Outcome, Reason
from tests.drills.desk import Desk, left, sold
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire


@pytest.fixture
def desk(prefect_desk: Desk) -> Desk:
    return prefect_desk


# C1
@each_venue_on_a_store
def test_what_is_below_the_minimum_is_closed_and_a_candidate_is_only_listed(desk: Desk, venue: str) -> None:
    world = desk.worth({"AAA": 5, "BBB": "3.25", "CCC": 9, "DDD": 100}, venue=venue)

    report = desk.run()

    assert sorted(sold(world)) == ["AAA", "BBB"]
    assert left(world) == {"CCC", "DDD"}
    assert [(s.symbol.split("/")[0], s.reason) for s in report.skipped] == [("CCC", Reason.CONSOLIDATION_CANDIDATE)]


# C1
def test_the_report_claims_as_many_fills_as_the_venue_made(desk: Desk) -> None:
    kraken = desk.worth({"AAA": 5, "BBB": "3.25", "CCC": 9, "DDD": "0.40"})

    report = desk.run()

    filled = {a.symbol: a.filled for a in report.actions if a.outcome is Outcome.FILLED}
    assert filled == {fill.symbol: "1" for fill in kraken.fills("platform")}
    assert {a.symbol: a.kind for a in report.actions} == {
        "DDD/USD": ActionKind.CLOSE_DUST,
        "BBB/USD": ActionKind.CLOSE_SMALL,
        "AAA/USD": ActionKind.CLOSE_SMALL,
    }


# C2
def test_a_second_run_right_after_has_nothing_to_do(desk: Desk) -> None:
    kraken = desk.worth({"AAA": 5, "BBB": "0.25", "CCC": 9, "DDD": 100})
    desk.run()
    placed = kraken.calls("place")

    report = desk.run()

    assert (report.status, report.actions, report.cycles) == (AccountStatus.COMPLIANT, [], 0)
    assert kraken.calls("place") == placed
