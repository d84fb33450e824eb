from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.order import LedgerOrder
from models.reasons import OrderState
from rules.order_statistics import order_statistics, seconds_to_end
from rules.orders import FillFinding
from tests.builders import NOW, a_ledger_order, an_intent


def ended(state: OrderState, seconds: float = 1, filled: int = 0, average: str | None = None) -> LedgerOrder:
    """Return an order of 100 at 10 that was sent."""
    order = a_ledger_order(state, intent=an_intent(), filled=filled, average_price=average)
    return replace(order, created_at=NOW, sent_at=NOW, updated_at=NOW + timedelta(seconds=seconds))


def test_orders_are_counted_by_what_became_of_them() -> None:
    late = replace(ended(OrderState.FILLED, filled=100, average="10"), timed_out_at=NOW)
    orders = [
        late,
        ended(OrderState.FILLED, filled=100, average="9.8"),
        ended(OrderState.PARTIALLY_FILLED, filled=40, average="10"),
        replace(ended(OrderState.CANCELED), timed_out_at=NOW),
        ended(OrderState.REJECTED),
        ended(OrderState.OPEN),
        ended(OrderState.UNKNOWN),
    ]

    sums = order_statistics(orders)

    assert (sums.orders, sums.filled, sums.partial, sums.canceled, sums.rejected, sums.unknown) == (7, 2, 1, 1, 1, 2)
    assert sums.timeouts == 2
    assert {finding: count for finding, count in sums.findings.items() if count} == {
        FillFinding.VERIFIED: 1,
        FillFinding.SLIPPAGE_HIGH: 1,
        FillFinding.PARTIAL_FILL: 1,
        FillFinding.FAILED: 2,
    }


def test_slippage_and_time_are_taken_over_the_orders_that_have_them() -> None:
    orders = [
        ended(OrderState.FILLED, 1, filled=100, average="9.9"),
        ended(OrderState.FILLED, 2, filled=100, average="10.3"),
        ended(OrderState.FILLED, 9, filled=100),
        ended(OrderState.OPEN, 500),
        replace(ended(OrderState.CANCELED, 900), sent_at=None),
    ]

    sums = order_statistics(orders)

    assert (sums.mean_slippage_bps, sums.worst_slippage_bps) == (-100, 100)
    assert sums.median_seconds == 2


def test_what_no_order_tells_is_not_zero() -> None:
    sums = order_statistics([])

    assert (sums.orders, sums.mean_slippage_bps, sums.worst_slippage_bps, sums.median_seconds) == (0, None, None, None)


@pytest.mark.parametrize("state", [OrderState.SENT, OrderState.OPEN, OrderState.UNKNOWN, OrderState.PARTIAL])
def test_an_order_without_an_end_took_no_time_yet(state: OrderState) -> None:
    assert seconds_to_end(ended(state)) is None


@st.composite
def orders(draw: st.DrawFn) -> LedgerOrder:
    state = draw(st.sampled_from(OrderState))
    filled = draw(st.sampled_from([0, 40, 99, 100, 101]))
    average = draw(st.none() | st.decimals("0.01", "100", places=2))
    order = ended(state, draw(st.integers(0, 3600)), filled=filled, average=None if average is None else str(average))
    return replace(order, timed_out_at=draw(st.sampled_from([None, NOW])), sent_at=draw(st.sampled_from([None, NOW])))


@given(st.lists(orders(), max_size=20))
def test_every_order_is_counted_once_and_the_worst_is_not_better_than_the_mean(ledger: list[LedgerOrder]) -> None:
    sums = order_statistics(ledger)

    assert sums.filled + sums.partial + sums.canceled + sums.rejected + sums.unknown == sums.orders == len(ledger)
    judged = sum(order.is_decided and order.sent_at is not None for order in ledger)
    good = sums.findings[FillFinding.VERIFIED] + sums.findings[FillFinding.FAILED]
    assert good <= judged <= sum(sums.findings.values())
    if sums.mean_slippage_bps is not None and sums.worst_slippage_bps is not None:
        assert sums.worst_slippage_bps - sums.mean_slippage_bps >= Decimal("-1e-9")
