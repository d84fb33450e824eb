"""A cap that cannot be reached: the account is halted, entries stop, exits do not, and the halt ends by itself."""

import pytest

from brokers.simulator.orders import Status
from models.reasons import AccountStatus, Block, HaltCause
from tests.drills.desk import Desk, codes, left

pytestmark = pytest.mark.wire

NEVER = [{"mode": "never"}]
HELD = {"BTC": 1000, "ETH": 500, "SOL": 100}


def _desk_over_its_cap(desk: Desk) -> None:
    desk.policy |= {"max_positions": 2, "order_timeout_seconds": 0.15}


# B6
def test_orders_that_never_fill_are_tried_in_three_cycles_and_then_the_account_is_halted(desk: Desk) -> None:
    _desk_over_its_cap(desk)
    venue = desk.worth(HELD, venue="binance", fills=NEVER)

    report = desk.run()

    assert (report.status, report.cycles, report.positions_after) == (AccountStatus.HALTED, 3, 3)
    assert HaltCause.CAP_NOT_REACHED in codes(report)
    assert [(o.symbol, o.status) for o in venue.orders("platform")] == [("SOL/USDT", Status.CANCELED)] * 3
    assert left(venue) == {"BTC", "ETH", "SOL"}


# B6
def test_a_halt_refuses_entries_and_allows_exits(desk: Desk) -> None:
    _desk_over_its_cap(desk)
    desk.worth(HELD, venue="binance", fills=NEVER)
    desk.run()

    answer = desk.entry("BTC/USDT")

    assert (answer.allowed, answer.exits_allowed) == (False, True)
    assert Block.HALTED in answer.reasons


# B6, incident 18
def test_a_halted_account_is_left_alone_until_a_read_shows_that_its_cap_holds(desk: Desk) -> None:
    _desk_over_its_cap(desk)
    venue = desk.worth(HELD, venue="binance", fills=NEVER)
    desk.run()
    placed = venue.calls("place")

    blocked = desk.run()
    venue.set_balances("platform", SOL=0)
    cleared = desk.run()

    assert (blocked.status, codes(blocked)) == (AccountStatus.BLOCKED, {"HALTED"})
    assert (cleared.status, codes(cleared)) == (AccountStatus.COMPLIANT, {"HALT_CLEARED"})
    assert venue.calls("place") == placed
    assert desk.entry("BTC/USDT").allowed
