import pickle
from dataclasses import replace
from decimal import Decimal

import pytest

from models.reasons import OrderState, Outcome
from rules.orders import (
    FillFinding,
    LedgerContradicted,
    next_state,
    outcome_of,
    slippage_bps,
    verification_of,
    verify_fill,
    verify_order,
)
from tests.builders import NOW, a_ledger_order, a_venue_order, an_intent


@pytest.mark.parametrize(
    ("state", "filled", "outcome"),
    [
        (OrderState.INTENT, 0, Outcome.SKIPPED),
        (OrderState.SENT, 0, Outcome.UNKNOWN),
        (OrderState.UNKNOWN, 0, Outcome.UNKNOWN),
        (OrderState.OPEN, 0, Outcome.UNKNOWN),
        (OrderState.OPEN, 40, Outcome.PARTIAL),
        (OrderState.PARTIAL, 40, Outcome.PARTIAL),
        (OrderState.PARTIALLY_FILLED, 40, Outcome.PARTIAL),
        (OrderState.CANCELED, 0, Outcome.SKIPPED),
        (OrderState.CANCELED, 40, Outcome.PARTIAL),
        (OrderState.REJECTED, 0, Outcome.REJECTED),
        (OrderState.FILLED, 100, Outcome.FILLED),
    ],
)
def test_only_filled_is_filled(state: OrderState, filled: int, outcome: Outcome) -> None:  # case I1
    assert outcome_of(a_ledger_order(state, filled=filled)) is outcome


@pytest.mark.parametrize("current", [OrderState.SENT, OrderState.UNKNOWN, OrderState.OPEN])
@pytest.mark.parametrize(
    ("found", "filled", "state"),
    [
        (OrderState.OPEN, 0, OrderState.OPEN),
        (OrderState.OPEN, 40, OrderState.PARTIAL),
        (OrderState.PARTIAL, 40, OrderState.PARTIAL),
        (OrderState.FILLED, 100, OrderState.FILLED),
        (OrderState.CANCELED, 0, OrderState.CANCELED),
        (OrderState.CANCELED, 40, OrderState.PARTIALLY_FILLED),
        (OrderState.PARTIALLY_FILLED, 0, OrderState.CANCELED),
    ],
)
def test_an_undecided_order_becomes_what_its_fills_say(
    current: OrderState, found: OrderState, filled: int, state: OrderState
) -> None:
    assert next_state(a_ledger_order(current), a_venue_order(found, filled=filled)) is state


def test_a_cancel_that_meets_a_fill_is_filled() -> None:  # case I3
    assert next_state(a_ledger_order(OrderState.PARTIAL, filled=40), a_venue_order()) is OrderState.FILLED


def test_hearing_a_final_state_again_changes_nothing() -> None:
    assert next_state(a_ledger_order(OrderState.FILLED, filled=100), a_venue_order()) is OrderState.FILLED


@pytest.mark.parametrize(
    ("current", "had", "found", "filled"),
    [
        (OrderState.FILLED, 100, OrderState.CANCELED, 100),
        (OrderState.CANCELED, 0, OrderState.FILLED, 100),
        (OrderState.REJECTED, 0, OrderState.OPEN, 0),
        (OrderState.PARTIALLY_FILLED, 40, OrderState.FILLED, 100),
        (OrderState.INTENT, 0, OrderState.FILLED, 100),
        (OrderState.PARTIAL, 40, OrderState.PARTIAL, 30),
        (OrderState.PARTIAL, 40, OrderState.CANCELED, 0),
        (OrderState.SENT, 0, OrderState.UNKNOWN, 0),
        (OrderState.SENT, 0, OrderState.FILLED, 0),
    ],
)
def test_a_step_the_ledger_does_not_know_is_refused(
    current: OrderState, had: int, found: OrderState, filled: int
) -> None:
    with pytest.raises(LedgerContradicted):
        next_state(a_ledger_order(current, filled=had), a_venue_order(found, filled=filled))


def test_a_contradiction_survives_pickling() -> None:
    error = LedgerContradicted("abc", "filled with 1 filled", "open with 0 filled")

    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


def findings(filled: int, average: str | None, side: str = "sell") -> tuple[FillFinding, ...]:
    return verify_fill(
        side=side,
        wanted_quantity=Decimal(100),
        expected_price=Decimal(10),
        filled=Decimal(filled),
        average_price=None if average is None else Decimal(average),
    )


@pytest.mark.parametrize(
    ("filled", "average", "side", "found"),
    [
        (100, "10", "sell", [FillFinding.VERIFIED]),
        (99, "10", "sell", [FillFinding.VERIFIED]),
        (98, "10", "sell", [FillFinding.PARTIAL_FILL]),
        (100, "9.90", "sell", [FillFinding.VERIFIED]),
        (100, "9.89", "sell", [FillFinding.SLIPPAGE_HIGH]),
        (100, "10.11", "buy", [FillFinding.SLIPPAGE_HIGH]),
        (100, "12", "sell", [FillFinding.VERIFIED]),
        (100, "8", "buy", [FillFinding.VERIFIED]),
        (50, "9", "sell", [FillFinding.PARTIAL_FILL, FillFinding.SLIPPAGE_HIGH]),
        (0, None, "sell", [FillFinding.FAILED]),
        (100, None, "sell", [FillFinding.PRICE_UNKNOWN]),
        (101, "10", "sell", [FillFinding.OVER_FILL]),
    ],
)
def test_a_fill_is_compared_with_what_was_wanted(  # case I2
    filled: int, average: str | None, side: str, found: list[FillFinding]
) -> None:
    assert findings(filled, average, side) == tuple(found)


def test_a_side_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected buy or sell"):
        findings(100, "10", "hold")


def test_a_ledger_order_is_compared_with_its_intent() -> None:
    order = a_ledger_order(
        OrderState.FILLED,
        intent=an_intent(quantity=100, expected_price=10),
        filled=100,
        average_price=10,
    )

    assert verify_order(order) == (FillFinding.VERIFIED,)


@pytest.mark.parametrize("state", sorted(OrderState))
def test_only_an_order_that_was_sent_and_has_an_end_is_verified(state: OrderState) -> None:
    order = a_ledger_order(state)

    assert verification_of(order) == ()
    assert verification_of(replace(order, sent_at=NOW)) == ((FillFinding.FAILED,) if state.is_final else ())


@pytest.mark.parametrize(
    ("side", "average", "bps"),
    [("sell", "9.9", 100), ("sell", "10.1", -100), ("buy", "10.1", 100), ("buy", "9.9", -100), ("sell", "10", 0)],
)
def test_slippage_is_what_the_price_was_worse_by(side: str, average: str, bps: int) -> None:
    order = a_ledger_order(
        OrderState.FILLED, intent=an_intent(side=side, expected_price=10), filled=100, average_price=average
    )

    assert slippage_bps(order) == bps


@pytest.mark.parametrize(("filled", "average"), [(0, None), (100, None)])
def test_without_a_fill_or_its_price_slippage_is_unknown(filled: int, average: str | None) -> None:
    assert slippage_bps(a_ledger_order(OrderState.CANCELED, filled=filled, average_price=average)) is None
