"""Decide what an order came to: its next state, its outcome, and whether its fill is what was expected. Pure."""

from decimal import Decimal
from enum import StrEnum

from models.order import LedgerOrder, VenueOrder
from models.reasons import FINAL_STATES, OrderState, Outcome

FULL_FRACTION = Decimal("0.99")  # of the wanted quantity; less is a partial fill
SLIPPAGE_LIMIT_FRACTION = Decimal("0.01")  # worse than the expected price; more is high

_PLACED = FINAL_STATES - {OrderState.REJECTED} | {OrderState.OPEN, OrderState.PARTIAL}
_NEXT: dict[OrderState, frozenset[OrderState]] = {
    OrderState.SENT: _PLACED,
    OrderState.UNKNOWN: _PLACED,
    OrderState.OPEN: _PLACED,
    OrderState.PARTIAL: frozenset({OrderState.PARTIAL, OrderState.FILLED, OrderState.PARTIALLY_FILLED}),
} | {state: frozenset({state}) for state in FINAL_STATES}

_OUTCOMES: dict[OrderState, Outcome] = {
    OrderState.INTENT: Outcome.SKIPPED,
    OrderState.SENT: Outcome.UNKNOWN,
    OrderState.UNKNOWN: Outcome.UNKNOWN,
    OrderState.OPEN: Outcome.UNKNOWN,  # it rests: what becomes of it is not known yet
    OrderState.PARTIAL: Outcome.PARTIAL,
    OrderState.FILLED: Outcome.FILLED,
    OrderState.PARTIALLY_FILLED: Outcome.PARTIAL,
    OrderState.CANCELED: Outcome.SKIPPED,
    OrderState.REJECTED: Outcome.REJECTED,
}


class FillFinding(StrEnum):
    """What the comparison of a fill with its order found."""

    VERIFIED = "verified"
    PARTIAL_FILL = "partial_fill"
    OVER_FILL = "over_fill"
    SLIPPAGE_HIGH = "slippage_high"
    PRICE_UNKNOWN = "price_unknown"
    FAILED = "failed"


class LedgerContradicted(ValueError):
    """The venue's word on an order cannot follow from what the ledger holds: a person must look."""

    def __init__(self, client_order_id: str, current: str, found: str) -> None:
        super().__init__(client_order_id, current, found)  # all positional, so pickling restores it
        self.client_order_id, self.current, self.found = client_order_id, current, found

    def __str__(self) -> str:
        return f"order {self.client_order_id}: the ledger holds {self.current}, the venue says {self.found}"


def outcome_of(order: LedgerOrder) -> Outcome:
    """Say what came of an order. Accepted, open, partial and unknown are not fills."""
    if order.state in {OrderState.OPEN, OrderState.CANCELED} and order.filled > 0:
        return Outcome.PARTIAL
    return _OUTCOMES[order.state]


def next_state(current: LedgerOrder, found: VenueOrder) -> OrderState:
    """Return the state that the venue's word moves an order to. Hearing the same again changes nothing.

    Raises: LedgerContradicted where the ledger's diagram has no such step, a final state would change, or the filled
    quantity would shrink; and for an order called filled of which nothing was.
    """
    state = _named_by_fills(found)
    is_step = state in _NEXT.get(current.state, frozenset())
    is_filled_by_name_only = state is OrderState.FILLED and found.filled <= 0
    if not is_step or is_filled_by_name_only or found.filled < current.filled:
        raise LedgerContradicted(
            current.intent.client_order_id,
            f"{current.state} with {current.filled} filled",
            f"{found.state} with {found.filled} filled",
        )
    return state


def verify_fill(
    *,
    side: str,
    wanted_quantity: Decimal,
    expected_price: Decimal,
    filled: Decimal,
    average_price: Decimal | None,
) -> tuple[FillFinding, ...]:
    """Compare a fill with what was wanted; all findings that hold, VERIFIED alone when none does.

    Unit: quantities in base units, prices in quote per base unit. A better price is not slippage.
    Raises: ValueError for a side that is neither buy nor sell.
    """
    if side not in {"buy", "sell"}:
        raise ValueError(f"expected buy or sell, found {side!r}")
    if filled <= 0:
        return (FillFinding.FAILED,)
    findings: list[FillFinding] = []
    if filled < wanted_quantity * FULL_FRACTION:
        findings.append(FillFinding.PARTIAL_FILL)
    if filled > wanted_quantity:
        findings.append(FillFinding.OVER_FILL)
    if average_price is None:
        findings.append(FillFinding.PRICE_UNKNOWN)
    else:
        against_us = average_price - expected_price if side == "buy" else expected_price - average_price
        if against_us > expected_price * SLIPPAGE_LIMIT_FRACTION:
            findings.append(FillFinding.SLIPPAGE_HIGH)
    return tuple(findings) or (FillFinding.VERIFIED,)


def verify_order(order: LedgerOrder) -> tuple[FillFinding, ...]:
    """Compare what the ledger knows of an order's fills with its intent."""
    return verify_fill(
        side=order.intent.side,
        wanted_quantity=order.intent.quantity,
        expected_price=order.intent.expected_price,
        filled=order.filled,
        average_price=order.average_price,
    )


def verification_of(order: LedgerOrder) -> tuple[FillFinding, ...]:
    """Compare an order's fills with its intent once it has an end; nothing for one without, or that was never sent."""
    return verify_order(order) if order.is_decided and order.sent_at is not None else ()


def slippage_bps(order: LedgerOrder) -> Decimal | None:
    """Return how much worse than expected an order was filled; below zero: better. None: no fill with a price.

    Unit: hundredths of a percent of the expected price.
    """
    expected, average = order.intent.expected_price, order.average_price
    if average is None or order.filled <= 0 or expected <= 0:
        return None
    against_us = average - expected if order.intent.side == "buy" else expected - average
    return against_us / expected * 10_000


def _named_by_fills(found: VenueOrder) -> OrderState:
    """Name the state by what was filled: venues call an order open or canceled with or without fills."""
    if found.filled > 0:
        with_fills = {OrderState.OPEN: OrderState.PARTIAL, OrderState.CANCELED: OrderState.PARTIALLY_FILLED}
        return with_fills.get(found.state, found.state)
    without = {OrderState.PARTIAL: OrderState.OPEN, OrderState.PARTIALLY_FILLED: OrderState.CANCELED}
    return without.get(found.state, found.state)
