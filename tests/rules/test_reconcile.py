from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from models.order import LedgerOrder
from models.reasons import OrderState
from models.reconciliation import Difference, Finding
from rules.adoption import Trade
from rules.reconcile import (
    Holdings,
    agrees,
    books_of,
    equity_mismatch,
    judge_holding,
    judge_orders,
    keep_accepted,
)
from tests.builders import NOW, a_fill, a_ledger_order, a_position, a_snapshot, an_intent, an_open_order

TOLERANCE = Decimal("0.01")


@pytest.mark.parametrize("reported", [10_000, 9_901, 10_101])
def test_equity_within_the_tolerance_agrees(reported: int) -> None:  # case E4
    snapshot = a_snapshot(a_position(value=5000), cash=5000, reported_equity=reported)

    assert equity_mismatch(snapshot, TOLERANCE) is None


@pytest.mark.parametrize(("reported", "difference"), [(9_900, 100), (10_102, -102)])
def test_equity_beyond_the_tolerance_is_a_mismatch_with_its_figures(reported: int, difference: int) -> None:  # case E4
    found = equity_mismatch(a_snapshot(a_position(value=5000), cash=5000, reported_equity=reported), TOLERANCE)

    assert found is not None
    assert (found.computed, found.reported, found.difference) == (10_000, reported, difference)


def test_a_venue_that_reports_no_equity_contradicts_nothing() -> None:
    assert equity_mismatch(a_snapshot(a_position(value=5000)), TOLERANCE) is None


@pytest.mark.parametrize(("reported", "is_mismatch"), [(20_000, False), (9_000, True)])
def test_with_unvalued_holdings_only_too_high_a_sum_is_a_mismatch(reported: int, is_mismatch: bool) -> None:
    snapshot = a_snapshot(a_position(value=5000), a_position("AUT/USD", None), cash=5000, reported_equity=reported)

    assert (equity_mismatch(snapshot, TOLERANCE) is not None) is is_mismatch


def an_order(
    filled: int, *, side: str = "buy", state: OrderState = OrderState.FILLED, after: timedelta = timedelta(minutes=5)
) -> LedgerOrder:
    order = a_ledger_order(state, intent=an_intent("SOL/USD", side=side, quantity=10), filled=filled)
    return replace(order, created_at=NOW + after)


def books(*orders: LedgerOrder, before: int = 10) -> Holdings:
    return books_of("SOL/USD", Decimal(before), orders, NOW)


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (books(), 10),
        (books(an_order(10)), 20),
        (books(an_order(10)), "19.9"),  # its fee was taken off it
        (books(an_order(4, side="sell", state=OrderState.PARTIALLY_FILLED)), 6),
        (books(an_order(4, state=OrderState.PARTIAL)), 14),  # and anything up to all of it
        (books(an_order(4, state=OrderState.PARTIAL)), 20),
        (books(an_order(10, after=-timedelta(minutes=5))), 10),  # filled before the books agreed, or after
        (books(an_order(10, after=-timedelta(minutes=5))), 20),
    ],
)
def test_our_own_fills_explain_what_is_held(said: Holdings, held: str) -> None:
    assert agrees(said, Decimal(held))


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (books(), "9.99"),
        (books(an_order(10)), 10),
        (books(an_order(10)), 30),  # added twice
        (books(an_order(4, side="sell")), 10),
        (books(an_order(4, state=OrderState.PARTIAL)), 21),
    ],
)
def test_what_they_do_not_explain_is_a_difference(said: Holdings, held: str) -> None:
    assert not agrees(said, Decimal(held))


@pytest.mark.parametrize(
    ("said", "traded", "finding"),
    [
        (books(), 5, Finding.TRADED_OUTSIDE),
        (books(an_order(3)), 5, Finding.TRADED_OUTSIDE),
        (books(), 0, Finding.MOVED_OUTSIDE),
        (books(), None, Finding.MOVED_OUTSIDE),
        (books(an_order(3)), 3, Finding.QUANTITY),
        (books(an_order(3)), None, Finding.QUANTITY),
    ],
)
def test_a_difference_is_the_owners_business_but_where_we_traded(
    said: Holdings, traded: int | None, finding: Finding
) -> None:
    trades = None if traded is None else [Trade("buy", a_fill(traded))] if traded else []

    found = judge_holding(said, Decimal(15), trades)

    assert (found.finding, found.is_mismatch) == (finding, finding is Finding.QUANTITY)


def test_an_order_is_looked_for_once_its_time_is_over() -> None:
    waiting = [an_order(0, state=OrderState.SENT, after=-timedelta(minutes=minutes)) for minutes in (1, 9)]

    found = judge_orders(waiting, [], {}, order_timeout=timedelta(seconds=30), now=NOW)

    assert [difference.finding for difference in found] == [Finding.ORDER_IN_FLIGHT, Finding.ORDER_LOST]


def test_what_rests_is_ours_foreign_or_thought_to_be_over() -> None:
    resting = [an_open_order(order_id=name) for name in ("V1", "V2", "V3")]
    open_one, over = (a_ledger_order(state) for state in (OrderState.OPEN, OrderState.CANCELED))

    found = judge_orders(
        [open_one], resting, {resting[0]: open_one, resting[1]: over}, order_timeout=timedelta(0), now=NOW
    )

    assert [difference.finding for difference in found] == [Finding.ORDER_STILL_OPEN, Finding.FOREIGN_ORDER]


@pytest.mark.parametrize(("reported", "stands"), [(9000, True), (9001, True), (8000, False)])
def test_what_was_accepted_stays_accepted_while_it_is_the_same(reported: int, stands: bool) -> None:
    accepted = Difference(Finding.EQUITY, expected=Decimal(10_000), found=Decimal(9000), accepted=True)
    now = Difference(Finding.EQUITY, expected=Decimal(10_000), found=Decimal(reported))

    (found,) = keep_accepted([now], [accepted], TOLERANCE)

    assert found.accepted is stands
