"""A rebalancing is killed at every step from its sales to its buys: after recovery a second run buys once what is left.

Judged by the venue's own record.
"""

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Side
from models.reasons import AccountStatus
from models.report import AccountReport
from models.scope import Scope
from tasks.runtime import Runtime
from tests.drills.crash.dying import Moment, start
from tests.drills.crash.test_crash import PATIENCE, environment, kill_once_a_fault_is_met
from tests.drills.desk import Desk
from tests.drills.plain import normalize_at, plain_desk
from tests.drills.record import disagreements, ledger_rows, undecided
from tests.drills.test_rebalance import measured, opened, worth

pytestmark = pytest.mark.wire

MOMENTS = {
    "after the sale, before it is settled": ("sqlite", Moment("Orders.settle", before=True)),
    "between the sales and the buys": ("postgresql", Moment("Orders.settle")),
    "after the buy is committed": ("sqlite", Moment("Ledger.commit", nth=2)),
    "after the buy is SENT, before it leaves": ("sqlite", Moment("AccountClient.place", nth=2, before=True)),
    "after the buy, before its answer is recorded": ("postgresql", Moment("AccountClient.place", nth=2)),
    "after the buy is recorded": ("sqlite", Moment("Orders.send_once", nth=2)),
}


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    store = getattr(request, "param", "sqlite")
    with plain_desk(tmp_path, request.getfixturevalue(f"{store}_url"), monkeypatch) as desk:
        yield desk


@pytest.fixture
def venue(desk: Desk) -> RunningVenue:
    venue = opened(desk, {"BTC": "0.016", "SOL": "1"}, cash=200)
    measured(desk)
    return venue


@pytest.mark.parametrize(
    ("desk", "moment"), [pytest.param(*case, id=name) for name, case in MOMENTS.items()], indirect=["desk"]
)
def test_a_rebalancing_that_died(desk: Desk, venue: RunningVenue, moment: Moment) -> None:
    process = start(environment(desk), moment, scope=Scope.REBALANCE)
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL

    assert_each_was_bought_once(desk, venue)


def test_a_rebalancing_that_died_before_the_answer_to_an_executed_buy(desk: Desk, venue: RunningVenue) -> None:
    venue.set_faults({"operation": "place", "skip": 1, "fault": "hang_after"})

    kill_once_a_fault_is_met(desk, venue, scope=Scope.REBALANCE)
    assert [o.side for o in venue.orders("platform")] == [Side.SELL, Side.BUY]

    assert_each_was_bought_once(desk, venue)


def test_of_two_rebalancings_at_once_one_buys(desk: Desk, venue: RunningVenue) -> None:
    both = [start(environment(desk), None, scope=Scope.REBALANCE) for _ in range(2)]
    assert [process.join(PATIENCE) for process in both] == [0, 0]

    assert_each_was_bought_once(desk, venue)


def assert_each_was_bought_once(desk: Desk, venue: RunningVenue) -> None:
    recovery = desk.recover()
    assert (recovery.exit_code, recovery.accounts[0].errors) == (0, [])

    again, after = run(desk), run(desk)

    orders = venue.orders("platform")
    assert (again.status, after.status, after.actions) == (AccountStatus.COMPLIANT, AccountStatus.COMPLIANT, [])
    assert [(o.side, o.symbol) for o in orders if o.filled] == [(Side.SELL, "BTC/USD"), (Side.BUY, "ETH/USD")]
    assert worth(venue, "BTC") == pytest.approx(400, abs=1)
    assert worth(venue, "ETH") == pytest.approx(400, abs=5)
    assert venue.balances("platform")["SOL"] == Decimal(1)
    entry = desk.tracked()["ETH/USD"].entry_price
    assert entry is not None  # without one nothing stops it
    assert float(entry) == pytest.approx(2500, rel=0.01)
    ledger = ledger_rows(desk.store_url)
    assert (undecided(ledger), disagreements(venue, ledger)) == ([], [])


def run(desk: Desk) -> AccountReport:
    async def at(runtime: Runtime) -> AccountReport:
        return await normalize_at(runtime, "platform", scope=Scope.REBALANCE)

    return desk.at_runtime(at)
