"""Count what became of orders, how well they were filled, and how long they took. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from models.order import LedgerOrder
from models.reasons import OrderState
from rules.orders import FillFinding, slippage_bps, verification_of


@dataclass(frozen=True, slots=True)
class OrderStatistics:
    """Sums over orders. filled + partial + canceled + rejected + unknown = orders.

    `unknown`: without an end yet. `timeouts`: not at their end when their time was over, whatever it came to be.
    Slippage in basis points of the expected price, below zero where the price was better; over the orders with a
    known price, None without any. `median_seconds`: from the intent to its known end, over the orders that were sent.
    """

    orders: int
    filled: int
    partial: int
    canceled: int
    rejected: int
    unknown: int
    timeouts: int
    findings: Mapping[FillFinding, int]
    mean_slippage_bps: Decimal | None
    worst_slippage_bps: Decimal | None
    median_seconds: float | None


def order_statistics(orders: Iterable[LedgerOrder]) -> OrderStatistics:
    """Add orders up."""
    orders = tuple(orders)
    states = Counter(order.state for order in orders)
    findings = Counter(finding for order in orders for finding in verification_of(order))
    slippages = [bps for order in orders if (bps := slippage_bps(order)) is not None]
    seconds = [took for order in orders if (took := seconds_to_end(order)) is not None]
    return OrderStatistics(
        orders=len(orders),
        filled=states[OrderState.FILLED],
        partial=states[OrderState.PARTIALLY_FILLED],
        canceled=states[OrderState.CANCELED],
        rejected=states[OrderState.REJECTED],
        unknown=sum(not order.is_decided for order in orders),
        timeouts=sum(order.timed_out_at is not None for order in orders),
        findings={finding: findings[finding] for finding in FillFinding},
        mean_slippage_bps=sum(slippages, Decimal(0)) / len(slippages) if slippages else None,
        worst_slippage_bps=max(slippages, default=None),
        median_seconds=median(seconds) if seconds else None,
    )


def seconds_to_end(order: LedgerOrder) -> float | None:
    """Return how long after its intent an order's end was known. None: it has no end, or was never sent."""
    # Not from the instant it was sent: that is by the venue's clock, and these two are by ours.
    if not order.is_decided or order.sent_at is None or order.created_at is None or order.updated_at is None:
        return None
    return (order.updated_at - order.created_at).total_seconds()
