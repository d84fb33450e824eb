"""What is too small to be sold: converted where the venue does that, or bought up to its minimum if the policy says."""

from decimal import Decimal

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Side, Status
from brokers.venues import VENUES as KNOWN
from models.reasons import AccountStatus, ActionKind, Outcome, Reason
from tests.drills.desk import Desk, codes, left
from tests.drills.record import ledger_rows, undecided
from tests.drills.venues import VENUES

pytestmark = pytest.mark.wire

MINIMUM = {"min_quantity": "1000", "min_notional": "5"}
CONVERTING = [name for name in VENUES if KNOWN[name][1].dust is not None]
BUYING = [name for name in VENUES if KNOWN[name][1].buys_by_quantity]
each_converting = pytest.mark.parametrize("name", CONVERTING)


@pytest.fixture
def desk(sqlite_desk: Desk) -> Desk:
    return sqlite_desk


def opened(desk: Desk, name: str) -> RunningVenue:
    """Start a venue where two holdings are below its minimum, and BNB has a price."""
    values = {"KEEP": 500, "DUST": "0.60", "CRUMB": "0.40", "BNB": 600}
    sizes = {"DUST": MINIMUM, "CRUMB": MINIMUM}
    holds = {"KEEP": 1, "DUST": 1, "CRUMB": 1}
    return desk.opens(name, prices=values, holds={"platform": holds}, sizes=sizes)


def assert_all_converted(desk: Desk, venue: RunningVenue) -> None:
    made = venue.conversions("platform")
    ledger = ledger_rows(desk.store_url)
    assert sorted(row.asset for row in made) == ["CRUMB", "DUST"]
    assert left(venue) - {"BNB"} == {"KEEP"}
    assert undecided(ledger) == []
    filled = {row.symbol.split("/")[0]: row.filled for row in ledger.values() if row.filled}
    assert {asset: filled[asset] for asset in filled if asset != "BNB"} == {row.asset: row.quantity for row in made}


@each_converting
def test_a_dry_run_shows_what_a_conversion_yields(desk: Desk, name: str) -> None:
    venue = opened(desk, name)

    report = desk.run(live=False)

    assert {a.kind for a in report.actions} == {ActionKind.CONVERT_DUST}
    assert all(KNOWN[name][1].dust.into in a.detail for a in report.actions)  # type: ignore[union-attr]
    assert venue.calls("convert_dust") == 0


@each_converting
def test_what_cannot_be_sold_is_converted_by_one_request(desk: Desk, name: str) -> None:
    venue = opened(desk, name)

    report = desk.run()

    assert_all_converted(desk, venue)
    assert report.status is AccountStatus.COMPLIANT
    assert {a.outcome for a in report.actions if a.kind is ActionKind.CONVERT_DUST} == {Outcome.FILLED}
    assert venue.calls("convert_dust") == 1


@each_converting
@pytest.mark.parametrize("fault", ["drop_after", "html_after"])
def test_a_conversion_whose_answer_was_lost_is_found_and_not_asked_for_again(desk: Desk, name: str, fault: str) -> None:
    venue = opened(desk, name)
    venue.set_faults({"operation": "convert_dust", "fault": fault})

    desk.run()

    assert_all_converted(desk, venue)
    assert venue.calls("convert_dust") == 1


@pytest.mark.parametrize("name", [n for n in CONVERTING if KNOWN[n][1].dust.valid_seconds is None])  # type: ignore[union-attr]
def test_a_conversion_that_never_arrived_is_asked_for_again(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_faults({"operation": "convert_dust", "fault": "refuse_before"})

    desk.run()

    assert_all_converted(desk, venue)
    assert venue.calls("convert_dust") == 2


@each_converting
def test_a_conversion_that_the_venue_refuses_rests_until_tomorrow(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_faults({"operation": "convert_dust", "fault": "rate_limited", "times": None})

    report = desk.run()
    asked = venue.calls("convert_dust")
    again = desk.run()

    assert left(venue) == {"KEEP", "DUST", "CRUMB"}
    assert (report.status, again.status) == (AccountStatus.COMPLIANT, AccountStatus.COMPLIANT)
    assert venue.calls("convert_dust") == asked == 1
    assert {s.reason for s in again.skipped} == {Reason.REFUSED_BEFORE}


@each_converting
def test_without_offers_what_cannot_be_sold_is_marked(desk: Desk, name: str) -> None:
    venue = opened(desk, name)
    venue.set_faults({"operation": "dust_offer", "fault": "html", "times": None})

    report = desk.run()

    assert {a.kind for a in report.actions} == {ActionKind.MARK_DUST}
    assert venue.calls("convert_dust") == 0
    assert report.status is AccountStatus.COMPLIANT


def test_a_policy_may_leave_small_balances_alone(desk: Desk) -> None:
    desk.policy["convert_dust"] = False
    venue = opened(desk, "binance")

    assert {a.kind for a in desk.run().actions} == {ActionKind.MARK_DUST}
    assert venue.calls("dust_offer") == 0


# --- buying more


@pytest.mark.parametrize("name", BUYING)
def test_dust_is_bought_up_to_the_minimum_and_sold_whole(desk: Desk, name: str) -> None:
    desk.policy |= {"top_up_dust": True, "convert_dust": False}
    venue = desk.worth({"KEEP": 500, "DUST": "0.60"}, venue=name, sizes={"DUST": {"min_quantity": 9}})

    report = desk.run()

    orders = venue.orders("platform")
    assert [(o.side, o.status) for o in orders] == [(Side.BUY, Status.FILLED), (Side.SELL, Status.FILLED)]
    assert report.status is AccountStatus.COMPLIANT
    assert venue.balances("platform")["DUST"] < Decimal("0.0001")
    assert {a.kind for a in report.actions} == {ActionKind.TOP_UP, ActionKind.CLOSE_SMALL}


@pytest.mark.parametrize(
    "changed",
    [
        {"top_up_dust": False},
        {"max_enforcement_cycles": 1},  # no cycle is left to sell it in
        {"minimum_position_usd": "5"},  # what results would stay, as one more position
    ],
)
def test_dust_is_not_bought_up_where_that_would_not_rid_the_account_of_it(
    desk: Desk, changed: dict[str, object]
) -> None:
    desk.policy |= {"top_up_dust": True, "convert_dust": False, **changed}
    venue = desk.worth({"KEEP": 500, "DUST": "0.60"}, sizes={"DUST": {"min_notional": "5"}})

    report = desk.run()

    assert [a.kind for a in report.actions] == [ActionKind.MARK_DUST]
    assert venue.calls("place") == 0


def test_dust_is_not_bought_up_with_cash_that_is_not_there(desk: Desk) -> None:
    desk.policy |= {"top_up_dust": True, "convert_dust": False}
    venue = desk.worth({"KEEP": 500, "DUST": "0.60"}, cash=4, sizes={"DUST": {"min_notional": "5"}})

    assert [a.kind for a in desk.run().actions] == [ActionKind.MARK_DUST]
    assert venue.calls("place") == 0


def test_dust_is_not_bought_up_twice_while_the_balance_lags(desk: Desk) -> None:
    desk.policy |= {"top_up_dust": True, "convert_dust": False}
    venue = desk.worth({"KEEP": 500, "DUST": "0.60"}, sizes={"DUST": {"min_notional": "5"}}, balance_lag_seconds="1")

    report = desk.run()

    assert [o.side for o in venue.orders("platform")] == [Side.BUY, Side.SELL]
    assert (report.status, codes(report)) == (AccountStatus.COMPLIANT, set())
