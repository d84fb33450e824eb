"""Take what a venue shows into tracking: cost basis from fills, quantities replaced, what is gone. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Context, Decimal

from models.adoption import Entry, EntrySource, PositionSource
from models.order import Fill, LedgerOrder
from models.position import Snapshot, Tracked

EXPLAINED_FRACTION = Decimal("0.000001")  # venues round fills and balances differently
# Alpaca takes its fee off what is bought, 0.25 % at most, and names it in no fill: https://docs.alpaca.markets/docs/crypto-fees
UNTOLD_FEE_FRACTION = Decimal("0.005")
_READABLE = Context(prec=16)  # digits of an average


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill with the side of its order, as an account's trade history lists it."""

    side: str  # buy | sell
    fill: Fill
    order_id: str | None = None  # the venue's

    def moved(self, base: str) -> Decimal:
        """Return by how much it changed what is held of the base asset, a fee in that asset included."""
        fee = (self.fill.fee or Decimal(0)) if self.fill.fee_asset == base else Decimal(0)
        return self.fill.quantity - fee if self.side == "buy" else -self.fill.quantity - fee

    @property
    def may_have_cost(self) -> Decimal:
        """The most that a fee which was not told can have taken off what was bought."""
        is_untold = self.side == "buy" and self.fill.fee is None
        return self.fill.quantity * UNTOLD_FEE_FRACTION if is_untold else Decimal(0)


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
    average over the rest would be invented. Less may be held by what fees that were not told can have taken.
    """
    held, cost, untold, fees_complete = Decimal(0), Decimal(0), Decimal(0), True
    for trade in _in_time_order(trades):
        fill, fee = trade.fill, trade.fill.fee or Decimal(0)
        fees_complete &= fill.fee == 0 or (fill.fee is not None and fill.fee_asset in {base, quote})
        moved = trade.moved(base)
        if trade.side == "buy":
            held += moved
            untold += trade.may_have_cost
            cost += fill.quantity * fill.price + (fee if fill.fee_asset == quote else Decimal(0))
            continue
        if -moved > held * (1 + EXPLAINED_FRACTION):
            return None
        left = max(Decimal(0), held + moved)
        held, cost, untold = left, cost * left / held, untold * left / held
    if held <= 0 or not -quantity * EXPLAINED_FRACTION <= held - quantity <= quantity * EXPLAINED_FRACTION + untold:
        return None
    return CostBasis(quantity=quantity, price=cost / quantity, fees_complete=fees_complete)


def back_to_nothing(newest_first: Sequence[Trade], quantity: Decimal, *, base: str) -> tuple[Trade, ...] | None:
    """Return the newest trades, back to the first before which nothing was held; None: they do not reach that far.

    What was bought and sold before that has no part in what the held quantity cost.
    """
    left, untold, tiny = quantity, Decimal(0), quantity * EXPLAINED_FRACTION
    for count, trade in enumerate(newest_first, start=1):
        left -= trade.moved(base)
        untold += trade.may_have_cost
        if -tiny - untold <= left <= tiny:
            return tuple(newest_first[:count])
    return None


def entry_of(
    history: Sequence[Trade] | None, quantity: Decimal, *, base: str, quote: str, ours: Collection[str]
) -> Entry | None:
    """Return how a position began, out of the trades back to nothing; None where they do not tell it.

    `ours`: the venue's ids of the orders in our ledger. A position is ours when every buy of it is.
    """
    basis = None if history is None else cost_basis(history, quantity, base=base, quote=quote)
    if history is None or basis is None:
        return None
    buys = [trade for trade in history if trade.side == "buy"]
    times = [trade.fill.at for trade in buys if trade.fill.at is not None]
    is_ours = all(trade.order_id in ours for trade in buys)
    return Entry(
        price=_READABLE.plus(basis.price),
        price_source=EntrySource.FILLS,
        at=min(times, default=None),
        source=PositionSource.NIJA_STRATEGY if is_ours else PositionSource.BROKER_EXISTING,
    )


def adopt(
    tracked: Mapping[str, Tracked],
    snapshot: Snapshot,
    *,
    now: datetime,
    entry_prices: Mapping[str, Decimal] | None = None,
) -> dict[str, Tracked]:
    """Take a successful read into what is tracked: its quantities replace ours, they are never added.

    Adopting the same read twice changes nothing. An entry price survives a read that names none, and so does the time
    of the first sight; a peak only rises. What grew has an entry price of only a part of it, and so no source of it any
    more. What the read does not show stays tracked: only `gone` decides on that.
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
            entry_source=None if _outgrew(before, position.holding.total) else before.entry_source,
            peak_price=higher(before.peak_price, None if position.price is None else position.price.value),
        )
    return adopted


def entries_after(tracked: Mapping[str, Tracked], bought: Iterable[LedgerOrder]) -> dict[str, Decimal]:
    """Return what positions have cost, by symbol, now that more of them was bought; fees included where they are known.

    `tracked`: as it was before those orders. Where nobody knows what the part cost that was held before, nobody knows
    it of the whole.
    """
    entries: dict[str, Decimal] = {}
    for order in bought:
        symbol, before = order.intent.symbol, tracked.get(order.intent.symbol)
        held = Decimal(0) if before is None else before.quantity
        entry = None if before is None else before.entry_price
        if order.filled <= 0 or order.average_price is None or (held > 0 and entry is None):
            continue
        spent = order.filled * order.average_price + (order.fee_quote or Decimal(0))
        entries[symbol] = _READABLE.plus((held * (entry or Decimal(0)) + spent) / (held + order.filled))
    return entries


def _outgrew(before: Tracked, quantity: Decimal) -> bool:
    return before.entry_source is EntrySource.FILLS and quantity > before.quantity * (1 + EXPLAINED_FRACTION)


def higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the higher of two prices of which either may not be known."""
    return max((price for price in (one, other) if price is not None), default=None)


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
