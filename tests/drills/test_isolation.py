"""One fault stays where it is: a symbol's in its symbol, an account's in its account, a second run outside."""

import asyncio

import pytest

from models.reasons import AccountStatus, Outcome
from models.report import AccountReport
from tests.drills.desk import Desk, codes, sold, until
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire


THREE = {"BTC": 1000, "ETH": 500, "SOL": 100}


@pytest.fixture(autouse=True)
def _two_positions_too_many(desk: Desk) -> None:
    desk.policy["max_positions"] = 1


@each_venue_on_a_store
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [({"fault": "auth_revoked"}, Outcome.REJECTED), ({"fault": "hang_after"}, Outcome.FILLED)],
    ids=["refused", "lost"],
)
def test_the_fault_of_one_symbol_does_not_stop_its_account(
    desk: Desk, venue: str, fault: dict[str, str], outcome: Outcome
) -> None:
    desk.hurries()
    desk.policy["max_enforcement_cycles"] = 1
    world = desk.worth(THREE, venue=venue)
    quote = world.world.markets[0].quote
    world.set_faults({"operation": "place", "symbol": f"SOL/{quote}", "times": None, **fault})

    report = desk.run()

    assert "ETH" in sold(world)
    assert {a.symbol.split("/")[0]: a.outcome for a in report.actions} == {"ETH": Outcome.FILLED, "SOL": outcome}


@pytest.mark.parametrize("fault", ["auth_revoked", "hang", "nan_numbers"])
def test_the_fault_of_one_account_does_not_stop_the_fleet(desk: Desk, fault: str) -> None:
    desk.hurries()
    kraken = desk.opens(
        prices=THREE,
        holds={"broken": dict.fromkeys(THREE, 1), "sound": dict.fromkeys(THREE, 1)},
        faults=[{"operation": "balance", "account": "broken", "fault": fault, "times": None}],
    )

    report = desk.normalize()

    assert {a.account: a.status for a in report.accounts} == {
        "broken": AccountStatus.BLOCKED,
        "sound": AccountStatus.COMPLIANT,
    }
    assert (sold(kraken, "broken"), sold(kraken, "sound")) == ([], ["SOL", "ETH"])


def test_a_venue_that_is_down_does_not_stop_the_other(desk: Desk) -> None:
    kraken = desk.worth(THREE, faults=[{"fault": "refuse_before", "times": None}])
    binance = desk.worth(THREE, account="second", venue="binance")

    report = desk.normalize()

    assert [a.status for a in report.accounts] == [AccountStatus.BLOCKED, AccountStatus.COMPLIANT]
    assert (sold(kraken), sold(binance, "second")) == ([], ["SOL", "ETH"])


@each_venue_on_a_store
def test_of_two_runs_at_once_one_acts_and_the_other_is_told_who_does(desk: Desk, venue: str) -> None:
    desk.policy["order_timeout_seconds"] = 60
    world = desk.worth(THREE, venue=venue, fills=[{"mode": "never"}])

    async def both() -> tuple[AccountReport, AccountReport]:
        first = asyncio.create_task(desk.normalizing())
        await until(lambda: bool(world.orders("platform")) or first.done())
        second = await desk.normalizing()
        world.set_fills("immediate")
        return (await first).accounts[0], second.accounts[0]

    acting, other = asyncio.run(both())

    assert (acting.status, other.status) == (AccountStatus.COMPLIANT, AccountStatus.BLOCKED)
    assert codes(other) == {"LEASE_HELD"}
    assert sold(world) == ["SOL", "ETH"]
    assert world.calls("place") == 2
