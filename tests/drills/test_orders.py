"""Orders that are slow, unfilled, overtaken, lost on the way, or badly paid: each is sent once and told as it was."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy import update

from brokers.ledger import Ledger
from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from brokers.simulator.wire import Operation
from cli.render import show_run
from flows.markdown import markdown_report
from models.policy import Policy
from models.reasons import AccountStatus, OrderState, Outcome
from models.store.engine import Store
from models.store.tables import ORDERS
from tests.drills.desk import Desk, codes, left, sold
from tests.drills.test_recovery import when
from tests.drills.venues import each_venue

pytestmark = pytest.mark.wire

TWO = {"BTC": 1000, "ETH": 500}
BAD_FILLS = {"PARTIAL_FILL", "SLIPPAGE_HIGH", "FAILED"}


def ledger_states(desk: Desk) -> list[OrderState]:
    async def states(store: Store) -> list[OrderState]:
        async with store.reading() as connection:
            rows = await connection.execute(ORDERS.select().order_by(ORDERS.c.created_at))
            return [OrderState(row.state) for row in rows]

    return desk.in_store(states)


# I1
@each_venue
def test_three_runs_over_one_pending_exit_make_one_order(sqlite_desk: Desk, name: str) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "order_timeout_seconds": 20}
    slow = [{"mode": "delayed", "after_seconds": "0.8"}]
    world = sqlite_desk.worth(TWO, venue=name, fills=slow)
    sqlite_desk.interrupt(lambda: bool(world.orders("platform")))
    assert ledger_states(sqlite_desk) in ([OrderState.SENT], [OrderState.OPEN])

    reports = [sqlite_desk.run(), sqlite_desk.run()]

    assert [o.status for o in world.orders("platform")] == [Status.FILLED]
    assert [r.status for r in reports] == [AccountStatus.COMPLIANT] * 2


# I1
def test_nothing_is_sent_for_a_symbol_while_an_order_of_it_is_undecided(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    binance = desk.worth(TWO, venue="binance")
    blind = [{"operation": name, "fault": "status", "times": None} for name in ("order", "closed_orders", "trades")]
    binance.set_faults({"operation": "place", "fault": "hang_after"}, *blind)
    desk.interrupt(lambda: bool(binance.orders("platform")))
    _age_the_ledger(desk)

    report = desk.run()

    assert len(binance.orders("platform")) == 1
    assert (report.status, "ORDER_UNDECIDED" in codes(report)) == (AccountStatus.BLOCKED, True)


# I2
@each_venue
@pytest.mark.parametrize(
    ("fraction", "spread_bps", "found"),
    [
        ("1", 0, ["VERIFIED"]),
        ("0.98", 0, ["PARTIAL_FILL"]),
        ("1", 300, ["SLIPPAGE_HIGH"]),  # it sells one and a half percent below the last price
        ("0.5", 300, ["PARTIAL_FILL", "SLIPPAGE_HIGH"]),
        ("0", 0, ["FAILED"]),
    ],
)
def test_a_fill_is_compared_with_its_order(
    sqlite_desk: Desk, name: str, fraction: str, spread_bps: int, found: list[str]
) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1, "order_timeout_seconds": 0.1}
    fills = [{"mode": "partial", "fraction": fraction}]
    venue = sqlite_desk.worth(TWO, venue=name, sizes={"ETH": {"spread_bps": spread_bps}}, fills=fills)

    report = sqlite_desk.normalize()

    (account,), totals = report.accounts, report.totals
    (action,) = account.actions
    average = action.average_price and Decimal(action.average_price)
    assert (action.verification, action.expected_price) == (found, "500")
    assert average == (venue.fills("platform")[0].price if fraction != "0" else None)
    assert codes(account) & BAD_FILLS == set(found) - {"VERIFIED"}
    counts = (totals.verified, totals.partial_fills, totals.failed_fills, totals.slippage_high)
    assert counts == tuple(word in found for word in ("VERIFIED", "PARTIAL_FILL", "FAILED", "SLIPPAGE_HIGH"))
    assert totals.timeouts == (fraction != "1")


# I2
def test_what_is_wrong_with_a_fill_is_told_in_figures(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    sqlite_desk.worth(TWO, sizes={"ETH": {"spread_bps": 300}}, fills=[{"mode": "partial", "fraction": "0.5"}])

    report = sqlite_desk.normalize()

    told = {e.code: e.message for e in report.accounts[0].errors}
    assert told["SLIPPAGE_HIGH"] == "expected 500, got 492.5"
    assert told["PARTIAL_FILL"] == "filled 0.5 of 1: its time was over"
    assert "| partial, PARTIAL_FILL, SLIPPAGE_HIGH | 0.5 |" in markdown_report(report)
    printed = StringIO()
    show_run(report, Console(file=printed, width=200))
    assert "PARTIAL_FILL" in printed.getvalue()
    summary = "0 fills verified, 1 filled in part, 1 filled at a bad price, 1 out of time"
    assert summary in printed.getvalue()
    assert f"{summary}." in markdown_report(report)


def test_a_run_whose_fills_are_all_verified_does_not_speak_of_them(sqlite_desk: Desk) -> None:
    sqlite_desk.policy["max_positions"] = 1
    sqlite_desk.worth(TWO)

    report = sqlite_desk.normalize()

    assert report.totals.verified == 1
    assert "verified" not in markdown_report(report).lower()


# I2
@each_venue
def test_a_better_price_is_no_slippage(sqlite_desk: Desk, name: str) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "order_timeout_seconds": 5}
    venue = sqlite_desk.worth(TWO, venue=name, fills=[{"mode": "never"}])
    rise = when(lambda: bool(venue.orders("platform")), lambda: _fill_at(venue, 600))

    report = sqlite_desk.run()
    rise.join()

    (action,) = report.actions
    assert (action.average_price, action.expected_price, action.verification) == ("600", "500", ["VERIFIED"])
    assert codes(report) & BAD_FILLS == set()


# I2
def test_a_refused_order_is_told_under_the_reason_of_the_venue_alone(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    sqlite_desk.worth(TWO, faults=[{"operation": "place", "fault": "error", "code": "EOrder:Insufficient funds"}])

    report = sqlite_desk.run()

    assert [(a.outcome, a.verification) for a in report.actions] == [(Outcome.REJECTED, ["FAILED"])]
    assert codes(report) & (BAD_FILLS | {"INSUFFICIENT_FUNDS"}) == {"INSUFFICIENT_FUNDS"}


# I3
@each_venue
def test_an_unfilled_order_is_canceled_and_its_fills_are_read_once_more(sqlite_desk: Desk, name: str) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    venue = sqlite_desk.worth(TWO, venue=name, fills=[{"mode": "never"}])

    report = sqlite_desk.run()

    calls = [call.operation for call in venue.call_log() if call.account == "platform"]
    after_the_cancel = calls[calls.index(Operation.CANCEL) :]
    assert Operation.ORDER in after_the_cancel
    assert [(a.outcome, a.verification, a.timed_out) for a in report.actions] == [(Outcome.SKIPPED, ["FAILED"], True)]
    assert [o.status for o in venue.orders("platform")] == [Status.CANCELED]
    assert ledger_states(sqlite_desk) == [OrderState.CANCELED]


# I3
def test_an_order_has_thirty_seconds_unless_the_policy_says_otherwise() -> None:
    assert Policy().order_timeout_seconds == 30


# I3
@each_venue
def test_an_order_that_stays_partly_filled_is_canceled_and_told_as_partial(sqlite_desk: Desk, name: str) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    venue = sqlite_desk.worth(TWO, venue=name, fills=[{"mode": "partial", "fraction": "0.4"}])

    report = sqlite_desk.run()

    (order,) = venue.orders("platform")
    assert (order.status, order.filled) == (Status.CANCELED, Decimal("0.4"))
    assert [(a.outcome, a.filled) for a in report.actions] == [(Outcome.PARTIAL, "0.4")]
    assert ledger_states(sqlite_desk) == [OrderState.PARTIALLY_FILLED]


# I3
@each_venue
def test_a_cancel_that_meets_a_fill_ends_as_filled_and_was_out_of_time(sqlite_desk: Desk, name: str) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "order_timeout_seconds": 0.2}
    venue = sqlite_desk.worth(
        TWO,
        venue=name,
        fills=[{"mode": "at_cancel"}],
    )

    report = sqlite_desk.normalize()

    assert venue.calls("cancel") == 1
    assert [o.status for o in venue.orders("platform")] == [Status.FILLED]
    (action,) = report.accounts[0].actions
    assert (action.outcome, action.filled, action.verification, action.timed_out) == (
        Outcome.FILLED,
        "1",
        ["VERIFIED"],
        True,
    )
    assert (report.totals.timeouts, report.totals.verified) == (1, 1)
    assert ledger_states(sqlite_desk) == [OrderState.FILLED]


# I3
def test_a_cancel_whose_answer_was_lost_counts_as_one_timeout(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    lost = {"operation": "cancel", "fault": "drop_after"}
    kraken = sqlite_desk.worth(TWO, fills=[{"mode": "never"}], faults=[lost])

    report = sqlite_desk.normalize()

    assert [o.status for o in kraken.orders("platform")] == [Status.CANCELED]
    assert (report.totals.timeouts, report.totals.failed_fills) == (1, 1)


@pytest.mark.parametrize(("venue", "fault"), [("kraken", "drop_after"), ("binance", "html_after")])
def test_an_order_whose_answer_was_lost_is_found_and_not_sent_again(desk: Desk, venue: str, fault: str) -> None:
    desk.policy["max_positions"] = 1
    world = desk.worth(TWO, venue=venue, faults=[{"operation": "place", "fault": fault}])

    report = desk.run()

    assert sold(world) == ["ETH"]
    assert world.calls("place") == 1
    assert (report.status, [a.outcome for a in report.actions]) == (AccountStatus.COMPLIANT, [Outcome.FILLED])


def test_an_order_that_never_arrived_is_proved_absent_before_the_next_is_sent(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    binance = desk.worth(TWO, venue="binance", faults=[{"operation": "place", "fault": "refuse_before"}])

    report = desk.run()

    assert sold(binance) == ["ETH"]
    assert [a.outcome for a in report.actions] == [Outcome.SKIPPED, Outcome.FILLED]
    assert report.cycles == 2


def test_recovery_sends_no_order(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
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


def _fill_at(venue: RunningVenue, price: int) -> None:
    venue.set_price(venue.world.markets[1].symbol, price)
    venue.set_fills("immediate")
