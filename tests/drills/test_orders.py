"""Orders that are slow, unfilled, overtaken, lost on the way, or badly paid: each is sent once and told as it was."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from brokers.ledger import Ledger
from brokers.simulator.orders import Status
from models.reasons import AccountStatus, OrderState, Outcome
from models.store.engine import Store
from models.store.tables import ORDERS
from tests.drills.desk import Desk, codes, left, sold

pytestmark = pytest.mark.wire

TWO = {"BTC": 1000, "ETH": 500}


@pytest.fixture(autouse=True)
def _one_position_too_many(desk: Desk) -> None:
    desk.policy["max_positions"] = 1


def ledger_states(desk: Desk) -> list[OrderState]:
    async def states(store: Store) -> list[OrderState]:
        async with store.reading() as connection:
            rows = await connection.execute(ORDERS.select().order_by(ORDERS.c.created_at))
            return [OrderState(row.state) for row in rows]

    return desk.in_store(states)


# I1
@pytest.mark.parametrize("venue", ["kraken", "binance"])
def test_three_runs_over_one_pending_exit_make_one_order(desk: Desk, venue: str) -> None:
    desk.policy["order_timeout_seconds"] = 20
    slow = [{"mode": "delayed", "after_seconds": "0.8"}]
    world = desk.worth(TWO, venue=venue, fills=slow)
    desk.interrupt(lambda: bool(world.orders("platform")))
    assert ledger_states(desk) in ([OrderState.SENT], [OrderState.OPEN])

    reports = [desk.run(), desk.run()]

    assert [o.status for o in world.orders("platform")] == [Status.FILLED]
    assert [r.status for r in reports] == [AccountStatus.COMPLIANT] * 2


# I1
def test_nothing_is_sent_for_a_symbol_while_an_order_of_it_is_undecided(desk: Desk) -> None:
    binance = desk.worth(TWO, venue="binance")
    blind = [{"operation": name, "fault": "status", "times": None} for name in ("order", "closed_orders", "trades")]
    binance.set_faults({"operation": "place", "fault": "hang_after"}, *blind)
    desk.interrupt(lambda: bool(binance.orders("platform")))
    _age_the_ledger(desk)

    report = desk.run()

    assert len(binance.orders("platform")) == 1
    assert (report.status, "ORDER_UNDECIDED" in codes(report)) == (AccountStatus.BLOCKED, True)


# I2
def test_a_fill_far_from_the_expected_price_is_reported(desk: Desk) -> None:
    sizes = {"ETH": {"spread_bps": 300}}  # it sells one and a half percent below the last price
    kraken = desk.worth(TWO, sizes=sizes)

    report = desk.run()

    (fill,) = kraken.fills("platform")
    (error,) = (e for e in report.errors if e.code == "SLIPPAGE_HIGH")
    assert fill.price == Decimal("492.5")
    assert "492.5" in error.message
    assert report.status is AccountStatus.COMPLIANT


# I3
@pytest.mark.parametrize("venue", ["kraken", "binance"])
def test_an_order_that_stays_partly_filled_is_canceled_and_told_as_partial(desk: Desk, venue: str) -> None:
    desk.policy["max_enforcement_cycles"] = 1
    world = desk.worth(TWO, venue=venue, fills=[{"mode": "partial", "fraction": "0.4"}])

    report = desk.run()

    (order,) = world.orders("platform")
    assert (order.status, order.filled) == (Status.CANCELED, Decimal("0.4"))
    assert [(a.outcome, a.filled) for a in report.actions] == [(Outcome.PARTIAL, "0.4")]
    assert ledger_states(desk) == [OrderState.PARTIALLY_FILLED]


# I3
@pytest.mark.parametrize("venue", ["kraken", "binance"])
def test_a_cancel_that_meets_a_fill_ends_as_filled(desk: Desk, venue: str) -> None:
    world = desk.worth(
        TWO,
        venue=venue,
        fills=[{"mode": "delayed", "after_seconds": "0.7"}],
        faults=[{"operation": "cancel", "fault": "delay", "seconds": 0.8}],
    )

    report = desk.run()

    assert [f.operation for f in world.applied_faults()] == ["cancel"]
    assert [o.status for o in world.orders("platform")] == [Status.FILLED]
    assert [(a.outcome, a.filled) for a in report.actions] == [(Outcome.FILLED, "1")]
    assert ledger_states(desk) == [OrderState.FILLED]


@pytest.mark.parametrize(("venue", "fault"), [("kraken", "drop_after"), ("binance", "html_after")])
def test_an_order_whose_answer_was_lost_is_found_and_not_sent_again(desk: Desk, venue: str, fault: str) -> None:
    world = desk.worth(TWO, venue=venue, faults=[{"operation": "place", "fault": fault}])

    report = desk.run()

    assert sold(world) == ["ETH"]
    assert world.calls("place") == 1
    assert (report.status, [a.outcome for a in report.actions]) == (AccountStatus.COMPLIANT, [Outcome.FILLED])


def test_an_order_that_never_arrived_is_proved_absent_before_the_next_is_sent(desk: Desk) -> None:
    binance = desk.worth(TWO, venue="binance", faults=[{"operation": "place", "fault": "refuse_before"}])

    report = desk.run()

    assert sold(binance) == ["ETH"]
    assert [a.outcome for a in report.actions] == [Outcome.SKIPPED, Outcome.FILLED]
    assert report.cycles == 2


def test_recovery_sends_no_order(desk: Desk) -> None:
    kraken = desk.worth(TWO, faults=[{"operation": "place", "fault": "hang"}])
    desk.interrupt(lambda: kraken.calls("place") == 1)
    _age_the_ledger(desk)

    recovered = desk.recover()

    assert (recovered.exit_code, recovered.accounts[0].undecided) == (0, 0)
    assert kraken.calls("place") == 1
    assert left(kraken) == {"BTC", "ETH"}


def _age_the_ledger(desk: Desk) -> None:
    """Let what was sent have been sent a while ago, so that no test waits for deadlines to pass."""

    async def age(store: Store) -> None:
        async with store.writing() as connection:
            await connection.execute(update(ORDERS).values(sent_at=datetime.now(UTC) - timedelta(seconds=30)))
            assert await Ledger(store).undecided("platform")

    desk.in_store(age)
