"""Reads that fail, look empty or contradict the venue's own sum: nothing is sold and nothing is forgotten."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import update

from brokers.simulator.handle import RunningVenue
from models.reasons import AccountStatus, Block
from models.store.engine import Store
from models.store.tables import TRACKED
from tests.drills.desk import Desk, codes, left
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire

HELD = {"BTC": 1000, "ETH": 500, "SOL": 100}


def _says_equity(equity: str) -> dict[str, object]:
    names = ("eb", "tb", "e", "mf")
    body = json.dumps({"error": [], "result": dict.fromkeys(names, equity)})
    return {"operation": "equity", "fault": "status", "status": 200, "body": body, "times": None}


def _goes_over_its_cap_unreadably(desk: Desk, venue: RunningVenue, *faults: dict[str, object]) -> None:
    """Track three positions, then lower the cap under a venue that can no longer be believed."""
    desk.run()
    desk.policy["max_positions"] = 1
    venue.set_faults(*faults)


# B7
@pytest.mark.parametrize(("venue", "fault"), [("kraken", "status"), ("binance", "empty_object")])
def test_a_failed_read_sells_nothing_and_forgets_nothing(desk: Desk, venue: str, fault: str) -> None:
    world = desk.worth(HELD, venue=venue)
    _goes_over_its_cap_unreadably(desk, world, {"operation": "balance", "fault": fault, "times": None})
    tracked = desk.tracked()

    report = desk.run()

    assert (report.status, report.positions_before) == (AccountStatus.BLOCKED, None)
    assert world.orders("platform") == []
    assert desk.tracked() == tracked
    assert len(tracked) == 3


# B7
@each_venue_on_a_store
def test_an_answer_that_is_suddenly_empty_is_not_believed(desk: Desk, venue: str) -> None:
    world = desk.worth(HELD, venue=venue)
    empty = {"fault": "empty_result", "times": None}
    _goes_over_its_cap_unreadably(desk, world, {"operation": "balance", **empty}, {"operation": "equity", **empty})
    tracked = desk.tracked()

    report = desk.run()

    # Where a venue names the account in its answer, one without it is no answer at all.
    assert (report.status, len(codes(report))) == (AccountStatus.BLOCKED, 1)
    assert codes(report) <= {"EMPTY_READ", "MALFORMED_ANSWER"}
    assert desk.tracked() == tracked
    assert world.orders("platform") == []


# B7
def test_an_account_that_cannot_be_read_takes_no_entry(desk: Desk) -> None:
    kraken = desk.worth(HELD)
    kraken.set_faults({"operation": "balance", "fault": "status", "times": None})

    answer = desk.entry("BTC/USD")

    assert (answer.allowed, answer.reasons) == (False, [Block.POSITIONS_UNREADABLE])


# E1
def test_a_position_read_twice_keeps_its_quantity(desk: Desk) -> None:
    desk.opens(prices={"SOL": "81.99"}, holds={"platform": {"SOL": "0.51389914"}})
    desk.run()
    first = desk.tracked()["SOL/USD"]

    desk.run()

    assert desk.tracked()["SOL/USD"] == first
    assert first.quantity == Decimal("0.51389914")


# E1
def test_an_entry_price_survives_a_read_that_names_none(desk: Desk) -> None:
    desk.opens(prices={"ETH": 2_500}, holds={"platform": {"ETH": 1}})
    desk.run()

    async def learn_the_entry(store: Store) -> None:
        async with store.writing() as connection:
            await connection.execute(update(TRACKED).values(entry_price=Decimal("1785.89673974")))

    desk.in_store(learn_the_entry)
    desk.run()

    assert desk.tracked()["ETH/USD"].entry_price == Decimal("1785.89673974")


# E3
def test_what_a_good_read_no_longer_shows_is_closed_as_gone(desk: Desk) -> None:
    kraken = desk.opens(
        prices={"ONDO": "0.9", "RENDER": 4, "BTC": 50_000},
        holds={"platform": {"ONDO": "15.92884793", "RENDER": 5, "BTC": 1}},
    )
    desk.run()
    kraken.set_balances("platform", ONDO=0, RENDER=0)

    desk.run()

    assert set(desk.tracked()) == {"BTC/USD"}


# E4
@pytest.mark.parametrize("equity", ["10090.0000", "9910.0000"])
def test_an_equity_within_one_percent_is_believed(desk: Desk, equity: str) -> None:
    kraken = desk.worth({"BTC": 5000}, cash=5000, faults=[_says_equity(equity)])

    assert desk.run().status is AccountStatus.COMPLIANT
    assert desk.entry("BTC/USD").allowed
    assert kraken.calls("equity") == 2


# E4
@pytest.mark.parametrize("equity", ["10200.0000", "9800.0000"])
def test_an_equity_off_by_more_than_one_percent_stops_sales_and_entries(desk: Desk, equity: str) -> None:
    desk.policy["max_positions"] = 1
    kraken = desk.worth({"BTC": 4000, "ETH": 1000}, cash=5000, faults=[_says_equity(equity)])

    report, answer = desk.run(), desk.entry("BTC/USD")

    assert (report.status, codes(report)) == (AccountStatus.BLOCKED, {"EQUITY_MISMATCH"})
    assert Block.EQUITY_MISMATCH in answer.reasons
    assert left(kraken) == {"BTC", "ETH"}
    assert kraken.calls("place") == 0
