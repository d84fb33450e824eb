"""Take what a venue shows into tracking: cost basis from fills, quantities replaced, what is gone. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from models.order import Fill
from models.position import Snapshot, Tracked

EXPLAINED_FRACTION = Decimal("0.000001")  # venues round fills and balances differently


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill with the side of its order, as an account's trade history lists it."""

    side: str  # buy | sell
    fill: Fill


@dataclass(frozen=True, slots=True)
class CostBasis:
    """What a position cost. `price` in quote per base unit, fees in quote and base included.

    `fees_complete` is false when a fee was not stated or was charged in a third asset: those are left out, not guessed.
    """

    quantity: Decimal
    price: Decimal
    fees_complete: bool


def cost_basis(trades: Iterable[Trade], quantity: Decimal, *, base: str, quote: str) -> CostBasis | None:
    """Return the average cost of a held quantity, sales leaving the average as it was.

    None when there are no fills, or when they do not add up to `quantity`: part of the history is then missing, and an
    average over the rest would be invented.
    """
    held, cost, fees_complete = Decimal(0), Decimal(0), True
    for trade in _in_time_order(trades):
        fill, fee = trade.fill, trade.fill.fee or Decimal(0)
        fees_complete &= fill.fee == 0 or (fill.fee is not None and fill.fee_asset in {base, quote})
        base_fee = fee if fill.fee_asset == base else Decimal(0)
        if trade.side == "buy":
            held += fill.quantity - base_fee
            cost += fill.quantity * fill.price + (fee if fill.fee_asset == quote else Decimal(0))
            continue
        sold = fill.quantity + base_fee
        if sold > held * (1 + EXPLAINED_FRACTION):
            return None
        left = max(Decimal(0), held - sold)
        held, cost = left, cost * left / held
    if held <= 0 or abs(held - quantity) > quantity * EXPLAINED_FRACTION:
        return None
    return CostBasis(quantity=held, price=cost / held, fees_complete=fees_complete)


def adopt(
    tracked: Mapping[str, Tracked],
    snapshot: Snapshot,
    *,
    now: datetime,
    entry_prices: Mapping[str, Decimal] | None = None,
) -> dict[str, Tracked]:
    """Take a successful read into what is tracked: its quantities replace ours, they are never added.

    Adopting the same read twice changes nothing. An entry price survives a read that names none, and so does the time
    of the first sight. What the read does not show stays tracked: only `gone` decides on that.
    """
    known = entry_prices or {}
    adopted = dict(tracked)
    for position in snapshot.positions:
        before = tracked.get(position.symbol) or Tracked(position.symbol, Decimal(0), None, now)
        adopted[position.symbol] = replace(
            before,
            quantity=position.holding.total,
            value=position.value,
            entry_price=known.get(position.symbol, before.entry_price),
        )
    return adopted


def gone(tracked: Collection[str], snapshot: Snapshot | None) -> tuple[str, ...]:
    """Return the tracked symbols that a successful read no longer shows; None, a failed read, shows nothing at all.

    A read that looks empty must be stopped before (rules/tracking.py).
    """
    if snapshot is None:
        return ()
    return tuple(sorted(set(tracked) - {p.symbol for p in snapshot.positions}))


def _in_time_order(trades: Iterable[Trade]) -> list[Trade]:
    """Sort by time where every fill has one; otherwise the order they came in is all there is."""
    given = list(trades)
    times = [t.fill.at for t in given if t.fill.at is not None]
    if len(times) < len(given):
        return given
    return [trade for _, trade in sorted(zip(times, given, strict=True), key=lambda pair: pair[0])]
