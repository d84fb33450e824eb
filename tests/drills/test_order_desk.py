"""What a person may do with orders: see what rests, cancel one or all; the ledger says what the venue says."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from brokers.order_history import fills_of, orders_named
from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Status
from flows.order_desk import cancel_all, cancel_target, find_target, resting_at, resting_orders
from models.errors import ConfigError, LeaseHeld
from models.order import LedgerOrder
from models.order_report import CancelReport, RestingOrder
from models.reasons import Mode, OrderState
from models.store.leases import hold
from tasks.runtime import Runtime, open_account
from tests.builders import an_intent
from tests.drills.desk import QUOTES, Desk
from tests.drills.venues import each_venue

pytestmark = pytest.mark.wire

OURS = "0f" * 16
TAKEN = '{"error": [], "result": {"count": 1}}'


@dataclass
class Counter:
    """An operator at one account, where an ETH is worth 60 and a BTC 500."""

    desk: Desk
    venue: RunningVenue

    def symbol(self, asset: str = "ETH") -> str:
        return f"{asset}/{QUOTES[self.venue.world.venue]}"

    def we_place(self, asset: str = "ETH", name: str = OURS) -> None:
        """Send an order of ours, by the ledger, as a run does."""

        async def place(runtime: Runtime) -> None:
            (account,) = runtime.fleet.accounts
            intent = an_intent(self.symbol(asset), quantity=1, expected_price=60, client_order_id=name)
            async with (
                hold(runtime.store, account.id, runtime.holder) as lease,
                open_account(runtime, account, run_id="run", mode=Mode.LIVE) as at,
            ):
                assert await at.ledger.commit(lease, [intent], at.clock.now()) == {name}
                await at.orders.send_once(lease, intent)

        self.desk.at_runtime(place)

    def others_offer(self, *assets: str) -> list[str]:
        """Place orders that rest, with the same key, past the ledger; return the venue's ids."""

        async def offer(runtime: Runtime) -> list[str]:
            (account,) = runtime.fleet.accounts
            async with open_account(runtime, account, run_id="run", mode=Mode.LIVE) as at:
                client = at.client._client
                sold = [await client.create_order(self.symbol(a), "limit", "sell", 0.5, 900) for a in assets]
                return [str(order["id"]) for order in sold]

        return self.desk.at_runtime(offer)

    def cancels(self, name: str, account: str | None = None) -> CancelReport:
        async def cancel(runtime: Runtime) -> CancelReport:
            return await cancel_target(runtime, await find_target(runtime, name, account))

        return self.desk.at_runtime(cancel)

    def cancels_all(self, asset: str | None = None, approved: list[RestingOrder] | None = None) -> CancelReport:
        symbol = None if asset is None else self.symbol(asset)
        return self.desk.at_runtime(
            lambda runtime: cancel_all(runtime, runtime.fleet.accounts[0], symbol=symbol, approved=approved)
        )

    def sees(self) -> list[RestingOrder]:
        return self.desk.at_runtime(lambda runtime: resting_at(runtime, runtime.fleet.accounts[0]))

    def ledger(self, name: str = OURS) -> LedgerOrder:
        (order,) = self.desk.in_store(lambda store: orders_named(store, name))
        return order

    def at_venue(self) -> list[Status]:
        return [order.status for order in self.venue.orders("platform")]


def counter(desk: Desk, name: str, **world: Any) -> Counter:
    prices = {"BTC": 500, "ETH": 60, "SOL": 20}
    return Counter(desk, desk.worth(prices, venue=name, **{"fills": [{"mode": "never"}], **world}))


@each_venue
def test_an_order_of_ours_is_canceled_and_its_end_is_in_the_ledger(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name)
    at.we_place()

    report = at.cancels(OURS[:6])

    (order,) = report.orders
    assert (order.state, order.ours, report.left, report.exit_code) == (OrderState.CANCELED, True, 0, 0)
    assert at.ledger().state is OrderState.CANCELED
    assert at.at_venue() == [Status.CANCELED]


@each_venue
def test_a_cancel_by_hand_that_meets_a_fill_says_filled(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name)
    at.we_place()
    at.venue.set_fills("immediate")

    report = at.cancels(OURS)

    assert at.venue.calls("cancel") > 0
    assert [(o.state, o.filled, o.average_price) for o in report.orders] == [(OrderState.FILLED, "1", "60")]
    assert (at.ledger().state, at.ledger().timed_out_at, report.exit_code) == (OrderState.FILLED, None, 0)
    fills = sqlite_desk.in_store(lambda store: fills_of(store, OURS))
    assert sum(fill.quantity for fill in fills) == 1


@each_venue
def test_a_partly_filled_order_keeps_what_was_filled(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name, fills=[{"mode": "partial", "fraction": "0.4"}])
    at.we_place()

    report = at.cancels(OURS)

    assert [(o.state, o.filled) for o in report.orders] == [(OrderState.PARTIALLY_FILLED, "0.4")]
    assert at.ledger().filled == at.venue.orders("platform")[0].filled


@each_venue
def test_an_order_whose_answer_was_lost_is_found_by_our_id_and_canceled(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name, faults=[{"operation": "place", "fault": "drop_after"}])
    at.we_place()
    assert at.ledger().state is OrderState.UNKNOWN

    report = at.cancels(OURS)

    assert [o.state for o in report.orders] == [OrderState.CANCELED]
    assert (at.at_venue(), at.ledger().state) == ([Status.CANCELED], OrderState.CANCELED)


@each_venue
def test_a_decided_order_is_said_to_be_and_nothing_is_sent(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name, fills=[])
    at.we_place()
    sqlite_desk.recover()
    calls = at.venue.calls("any")

    report = at.cancels(OURS)

    assert [(o.state, o.was_decided) for o in report.orders] == [(OrderState.FILLED, True)]
    assert (report.exit_code, at.venue.calls("any")) == (0, calls)


@each_venue
def test_an_order_of_somebody_else_is_canceled_by_the_id_of_the_venue(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name)
    (theirs,) = at.others_offer("ETH")

    report = at.cancels(theirs, "platform")

    assert [(o.order_id, o.ours, o.state) for o in report.orders] == [(theirs, False, OrderState.CANCELED)]
    assert (report.exit_code, at.at_venue()) == (0, [Status.CANCELED])
    with pytest.raises(ConfigError, match="none rests at the venue"):
        at.cancels(theirs, "platform")
    with pytest.raises(ConfigError, match="no order of ours"):
        at.cancels(theirs)


@each_venue
def test_what_rests_is_marked_as_ours_or_not(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name, faults=[{"operation": "place", "fault": "drop_after"}])
    at.we_place("BTC")  # the venue's id is not in the ledger
    (theirs,) = at.others_offer("ETH")

    resting = {order.order_id: order for order in at.sees()}

    assert len(resting) == 2
    assert (resting[theirs].ours, resting[theirs].quantity) == (False, "0.5")
    assert [o.client_order_id for o in resting.values() if o.ours] == [OURS]


@each_venue
def test_everything_that_rests_is_canceled_whoever_placed_it(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name)
    at.we_place("BTC")
    at.others_offer("ETH", "SOL")

    report = at.cancels_all()

    assert sorted((o.symbol.split("/")[0], o.ours, o.state) for o in report.orders) == [
        ("BTC", True, OrderState.CANCELED),
        ("ETH", False, OrderState.CANCELED),
        ("SOL", False, OrderState.CANCELED),
    ]
    assert (report.left, report.exit_code, at.sees()) == (0, 0, [])
    assert at.ledger().state is OrderState.CANCELED


@each_venue
def test_one_that_cannot_be_canceled_does_not_stop_the_others(sqlite_desk: Desk, name: str) -> None:
    sqlite_desk.policy["balance_fetch_max_attempts"] = 1
    at = counter(sqlite_desk, name)
    at.others_offer("BTC", "ETH", "SOL")
    at.venue.set_faults({"operation": "cancel", "fault": "status", "status": 503})

    report = at.cancels_all()

    assert sorted(at.at_venue()) == [Status.CANCELED, Status.CANCELED, Status.OPEN]
    assert [o.error is None for o in report.orders] == [False, True, True]
    assert (report.left, report.exit_code) == (1, 3)
    assert at.cancels_all().exit_code == 0


@each_venue
def test_only_the_symbol_that_was_named_is_canceled(sqlite_desk: Desk, name: str) -> None:
    at = counter(sqlite_desk, name)
    at.others_offer("BTC", "ETH")

    report = at.cancels_all("ETH")

    assert ([o.symbol for o in report.orders], report.exit_code) == ([at.symbol("ETH")], 0)
    assert [order.symbol for order in at.sees()] == [at.symbol("BTC")]


def test_an_order_that_came_after_the_question_is_left_and_told(sqlite_desk: Desk) -> None:
    at = counter(sqlite_desk, "kraken")
    at.others_offer("BTC")
    approved = at.sees()
    (late,) = at.others_offer("ETH")

    report = at.cancels_all(approved=approved)

    assert [o.symbol for o in report.orders] == ["BTC/USD"]
    assert (report.left, report.exit_code, [o.order_id for o in at.sees()]) == (1, 3, [late])


def test_an_order_without_an_end_that_the_venue_does_not_list_is_not_passed_over(sqlite_desk: Desk) -> None:
    at = counter(sqlite_desk, "kraken")
    at.we_place()
    at.venue.set_faults({"operation": "open_orders", "fault": "empty_result", "times": None})

    report = at.cancels_all()

    assert ([e.code for e in report.errors], report.exit_code) == (["ORDER_UNDECIDED"], 3)


def test_a_cancel_that_the_venue_took_and_did_not_carry_out_is_told_as_left(sqlite_desk: Desk) -> None:
    at = counter(sqlite_desk, "kraken")
    at.we_place()
    at.venue.set_faults({"operation": "cancel", "fault": "status", "status": 200, "body": TAKEN, "times": None})

    report = at.cancels(OURS)

    assert ([o.state for o in report.orders], report.left, report.exit_code) == ([OrderState.OPEN], 1, 3)
    assert at.ledger().state is OrderState.OPEN


def test_an_order_that_the_venue_does_not_find_stays_undecided(sqlite_desk: Desk) -> None:
    at = counter(sqlite_desk, "kraken", faults=[{"operation": "place", "fault": "refuse_before"}])
    at.we_place()

    report = at.cancels(OURS)

    assert ([o.state for o in report.orders], report.exit_code) == ([OrderState.UNKNOWN], 3)
    assert at.ledger().state is OrderState.UNKNOWN


def test_a_venue_that_cannot_be_read_is_told_with_the_order(sqlite_desk: Desk) -> None:
    sqlite_desk.policy["balance_fetch_max_attempts"] = 1
    at = counter(sqlite_desk, "kraken")
    at.we_place()
    at.venue.set_faults({"operation": "order", "fault": "html", "times": None})

    report = at.cancels(OURS)

    assert [o.error and o.error.code for o in report.orders] == ["MALFORMED_ANSWER"]
    assert (report.exit_code, at.ledger().state) == (3, OrderState.OPEN)
    at.venue.set_faults()
    assert [o.state for o in at.cancels(OURS).orders] == [OrderState.CANCELED]


def test_an_intent_that_was_never_sent_is_closed_without_a_word_to_the_venue(sqlite_desk: Desk) -> None:
    at = counter(sqlite_desk, "kraken")

    async def write(runtime: Runtime) -> None:
        (account,) = runtime.fleet.accounts
        async with (
            hold(runtime.store, account.id, runtime.holder) as lease,
            open_account(runtime, account, run_id="run", mode=Mode.LIVE) as opened,
        ):
            await opened.ledger.commit(lease, [an_intent(at.symbol(), client_order_id=OURS)], opened.clock.now())

    sqlite_desk.at_runtime(write)

    report = at.cancels(OURS)

    assert ([o.state for o in report.orders], report.exit_code) == ([OrderState.CANCELED], 0)
    assert (at.venue.calls("cancel"), at.venue.calls("place")) == (0, 0)


def test_while_a_run_has_the_account_nothing_is_canceled(desk: Desk) -> None:
    at = counter(desk, "kraken")
    at.we_place()

    async def cancel_beside_a_run(runtime: Runtime) -> None:
        async with hold(runtime.store, "platform", runtime.holder):
            await cancel_target(runtime, await find_target(runtime, OURS, None))

    with pytest.raises(LeaseHeld):
        desk.at_runtime(cancel_beside_a_run)
    with pytest.raises(LeaseHeld):
        desk.at_runtime(_all_beside_a_run)
    assert at.venue.calls("cancel") == 0


async def _all_beside_a_run(runtime: Runtime) -> None:
    async with hold(runtime.store, "platform", runtime.holder):
        await cancel_all(runtime, runtime.fleet.accounts[0])


def test_two_cancels_at_once_end_one_order_once(desk: Desk) -> None:
    at = counter(desk, "kraken")
    at.we_place()

    async def both(runtime: Runtime) -> list[CancelReport | BaseException]:
        targets = [await find_target(runtime, OURS, None) for _ in range(2)]
        return await asyncio.gather(*(cancel_target(runtime, t) for t in targets), return_exceptions=True)

    answers = desk.at_runtime(both)

    ends = [o.state for a in answers if isinstance(a, CancelReport) for o in a.orders]
    assert set(ends) == {OrderState.CANCELED}
    assert all(isinstance(answer, CancelReport | LeaseHeld) for answer in answers)
    assert at.ledger().state is OrderState.CANCELED


def test_an_order_that_ended_while_a_person_was_asked_is_not_canceled_again(sqlite_desk: Desk) -> None:
    at = counter(sqlite_desk, "kraken")
    at.we_place()

    async def twice(runtime: Runtime) -> CancelReport:
        target = await find_target(runtime, OURS, None)
        await cancel_target(runtime, target)
        return await cancel_target(runtime, target)

    report = sqlite_desk.at_runtime(twice)

    assert [(o.state, o.was_decided) for o in report.orders] == [(OrderState.CANCELED, True)]
    assert (report.exit_code, at.venue.calls("cancel")) == (0, 1)


def test_one_venue_that_cannot_be_read_does_not_hide_what_rests_at_the_others(sqlite_desk: Desk) -> None:
    kraken = sqlite_desk.opens(prices={"ETH": 60}, holds={"platform": {"ETH": 1}, "alice": {"ETH": 1}})
    kraken.set_faults({"operation": "open_orders", "account": "alice", "fault": "html", "times": None})

    orders, errors = sqlite_desk.at_runtime(lambda runtime: resting_orders(runtime, runtime.fleet.accounts))

    assert (orders, [(e.account, e.code) for e in errors]) == ([], [("alice", "MALFORMED_ANSWER")])
