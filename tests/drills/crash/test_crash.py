"""A run is killed at every step of placing an order: recovery and a second run must make of it what one run would.

Judged by the venue's own record.
"""

import os
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.simulator.handle import RunningVenue
from models.reasons import AccountStatus
from models.scope import Scope
from tests.drills.crash.dying import Moment, start
from tests.drills.desk import QUOTES, Desk
from tests.drills.plain import normalize, plain_desk
from tests.drills.record import disagreements, ledger_rows, sales, undecided
from tests.drills.venues import ON_A_STORE, Drill, in_turn

pytestmark = pytest.mark.wire

PRICES = {"KEEP1": "500", "KEEP2": "400", "KEEP3": "300", "TRIM1": "60", "TRIM2": "50", "SMALL": "5", "DUST": "0.6"}
HOLDS = {**dict.fromkeys(PRICES, "1.25"), "AUT": "3"}
SOLD = {"TRIM1": "1.25", "TRIM2": "1.25", "SMALL": "1.25", "DUST": "1.25"}
CAP = 4  # three to keep, and one without a price that takes its slot
PATIENCE = 20.0

DEAD_BY_ITSELF = {
    "before the intents are committed": Moment("Ledger.commit", before=True),
    "after the intents are committed": Moment("Ledger.commit"),
    "after SENT is committed, before the request leaves": Moment("AccountClient.place", nth=2, before=True),
    "after the answer, before it is recorded": Moment("AccountClient.place", nth=2),
    "after it is recorded, between two orders": Moment("Orders.send_once", nth=2),
    "after the last order, before settlement": Moment("Orders.settle", before=True),
    "after settlement": Moment("Orders.settle"),
}
# What is between two steps of ours is the same code everywhere: on both stores, at each venue in turn.
OUR_OWN_STEPS = [
    ((venue, store), name)
    for place, name in enumerate(DEAD_BY_ITSELF)
    for venue, store in zip(
        ("kraken", ON_A_STORE[1 + place % (len(ON_A_STORE) - 1)][0]),
        ("sqlite", "postgresql") if place % 2 else ("postgresql", "sqlite"),
        strict=True,
    )
]


def at_each_venue(drill: Drill) -> Drill:
    """Run a drill at each venue in turn, and on both stores."""
    return pytest.mark.parametrize("at", in_turn(drill, ON_A_STORE), indirect=True, ids="-".join)(drill)


def _words(part: str | tuple[str, str]) -> str:
    return part if isinstance(part, str) else "-".join(part)


@pytest.fixture
def at(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    name, store = request.param
    with plain_desk(tmp_path, request.getfixturevalue(f"{store}_url"), monkeypatch) as desk:
        desk.policy["max_positions"] = CAP
        desk.opens(name, prices={**PRICES, "AUT": None}, holds={"platform": HOLDS})
        yield desk


@pytest.fixture
def desk(at: Desk) -> Desk:
    return at


@pytest.fixture
def venue(at: Desk) -> RunningVenue:
    return at.venues[0]


@pytest.mark.parametrize(("at", "name"), OUR_OWN_STEPS, indirect=["at"], ids=_words)
def test_a_run_that_died(desk: Desk, venue: RunningVenue, name: str) -> None:
    die(desk, DEAD_BY_ITSELF[name])

    assert_as_if_nothing_had_happened(desk, venue)


@at_each_venue
def test_a_run_that_died_while_its_request_waited_at_the_venue(desk: Desk, venue: RunningVenue) -> None:
    venue.set_faults({"operation": "place", "skip": 1, "fault": "delay", "seconds": 0.5})

    kill_once_a_fault_is_met(desk, venue)

    assert_as_if_nothing_had_happened(desk, venue)


@at_each_venue
def test_a_run_that_died_while_its_request_was_lost_at_the_venue(desk: Desk, venue: RunningVenue) -> None:
    venue.set_faults({"operation": "place", "skip": 1, "fault": "hang"})

    kill_once_a_fault_is_met(desk, venue)

    assert_as_if_nothing_had_happened(desk, venue)


@at_each_venue
def test_a_run_that_died_before_the_answer_to_an_executed_order(desk: Desk, venue: RunningVenue) -> None:
    venue.set_faults({"operation": "place", "skip": 1, "fault": "hang_after"})

    kill_once_a_fault_is_met(desk, venue)

    assert_as_if_nothing_had_happened(desk, venue)


@at_each_venue
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_run_that_died_around_a_look_at_an_open_order(desk: Desk, venue: RunningVenue, before: bool) -> None:
    desk.policy["order_timeout_seconds"] = 5
    venue.set_fills("delayed", after_seconds=0.4)

    die(desk, Moment("AccountClient.orders_by_id", before=before))

    assert_as_if_nothing_had_happened(desk, venue)


@at_each_venue
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_run_that_died_around_the_cancel_of_an_order_that_is_too_old(
    desk: Desk, venue: RunningVenue, before: bool
) -> None:
    venue.set_fills("partial", fraction="0.4")

    die(desk, Moment("AccountClient.cancel", before=before))
    if before:
        recovery = desk.recover()
        assert recovery.exit_code == 0
    venue.set_fills("immediate")

    assert_as_if_nothing_had_happened(desk, venue)


@at_each_venue
def test_a_run_and_its_recovery_that_died_both(desk: Desk, venue: RunningVenue) -> None:
    venue.set_faults({"operation": "place", "skip": 1, "fault": "hang_after"})
    kill_once_a_fault_is_met(desk, venue)

    die(desk, Moment("AccountClient.find"), recovering=True)
    die(desk, Moment("Ledger.seen"), recovering=True)

    assert_as_if_nothing_had_happened(desk, venue)


def die(desk: Desk, moment: Moment, *, recovering: bool = False) -> None:
    """Run until the moment, and make sure that it was a killed process that ended there."""
    process = start(environment(desk), moment, recovering=recovering)
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


def kill_once_a_fault_is_met(desk: Desk, venue: RunningVenue, scope: Scope = Scope.ALL) -> None:
    """Kill the run from outside as soon as the venue's record shows the call that goes wrong."""
    process = start(environment(desk), None, scope=scope)
    end = time.monotonic() + PATIENCE
    while not venue.applied_faults() and time.monotonic() < end:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    assert len(venue.applied_faults()) == 1


def environment(desk: Desk) -> dict[str, str]:
    """Return what a process started by the same operator would see."""
    desk.write_fleet()
    return {name: value for name, value in os.environ.items() if name.startswith("NIJA_")}


def assert_as_if_nothing_had_happened(desk: Desk, venue: RunningVenue) -> None:
    recovery = desk.recover()
    assert (recovery.exit_code, recovery.accounts[0].errors) == (0, [])
    before_the_run = len(venue.orders("platform"))

    (report,) = normalize(desk)

    assert (report.status, report.positions_after) == (AccountStatus.COMPLIANT, CAP)
    quote = QUOTES[venue.world.venue]
    ledger = ledger_rows(desk.store_url)
    assert sales(venue) == {f"{asset}/{quote}": Decimal(quantity) for asset, quantity in SOLD.items()}
    assert held(venue) == {asset: Decimal(q) for asset, q in HOLDS.items() if asset not in SOLD}
    assert abs(venue.balances("platform")[quote] - proceeds(venue)) < Decimal("0.0001")
    assert undecided(ledger) == []
    assert disagreements(venue, ledger) == []
    assert before_the_run <= len(venue.orders("platform")) == len({o.client_order_id for o in venue.orders("platform")})


def held(venue: RunningVenue) -> dict[str, Decimal]:
    """Return what the account owns beside its cash."""
    cash = QUOTES[venue.world.venue]
    return {a: total for a, total in venue.balances("platform").items() if total > 0 and a != cash}


def proceeds(venue: RunningVenue) -> Decimal:
    """Return the cash an uninterrupted run would leave: prices stand still here, so every sale brings the same."""
    gross = sum(Decimal(quantity) * Decimal(PRICES[asset]) for asset, quantity in SOLD.items())
    return Decimal(1000) + gross * (1 - venue.world.fees.taker)
