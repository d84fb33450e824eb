"""Compare an account's books with its venue: what it is worth, what is held, what rests there. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from models.order import LedgerOrder
from models.position import OpenOrder, Snapshot
from models.reconciliation import Difference, Finding
from rules.adoption import EXPLAINED_FRACTION, Trade

FEE_FRACTION = Decimal("0.01")  # of what an order filled, the most that a fee in its base asset takes
IN_FLIGHT = timedelta(minutes=2)  # on top of an order's own time: until then whoever sent it is at work on it


@dataclass(frozen=True, slots=True)
class EquityMismatch:
    """The two figures in quote units, and the difference (computed less reported) the tolerance does not cover."""

    reported: Decimal
    computed: Decimal
    difference: Decimal
    tolerance_fraction: Decimal


def equity_mismatch(snapshot: Snapshot, tolerance_fraction: Decimal) -> EquityMismatch | None:
    """Return the figures when computed and reported equity are further apart than the tolerance allows.

    None when the venue reports no equity. With unvalued holdings our sum is too low by an unknown amount, so only a sum
    above the reported equity is a mismatch then.
    """
    if snapshot.reported_equity is None:
        return None
    difference = snapshot.equity - snapshot.reported_equity
    allowed = abs(snapshot.reported_equity) * tolerance_fraction
    if abs(difference) <= allowed or (snapshot.unvalued and difference < 0):
        return None
    return EquityMismatch(
        reported=snapshot.reported_equity,
        computed=snapshot.equity,
        difference=difference,
        tolerance_fraction=tolerance_fraction,
    )


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the books say of one symbol. `before`: held when the books last agreed with the venue, in base units.

    `surely`: by how much our own fills since then changed that; `perhaps`: by how much more they may have (orders that
    were under way then, or still are).
    """

    symbol: str
    before: Decimal
    surely: Decimal = Decimal(0)
    perhaps: Decimal = Decimal(0)
    filled: Decimal = Decimal(0)  # of all those orders together, whichever side
    is_ours: bool = False  # whether there were any

    @property
    def expected(self) -> Decimal:
        """What should be held."""
        return self.before + self.surely


def books_of(symbol: str, before: Decimal, orders: Sequence[LedgerOrder], since: datetime) -> Holdings:
    """Return what the books say of a symbol, out of the orders that changed since the books last agreed."""
    surely = perhaps = filled = Decimal(0)
    mine = [order for order in orders if order.intent.symbol == symbol]
    for order in mine:
        sign = 1 if order.intent.side == "buy" else -1
        filled += order.filled
        may_fill = Decimal(0) if order.is_decided else order.intent.quantity - order.filled
        if order.created_at is not None and order.created_at >= since:
            surely += sign * order.filled
            perhaps += sign * may_fill
        else:  # some of it may have been filled before
            perhaps += sign * (order.filled + may_fill)
    return Holdings(symbol, before, surely, perhaps, filled, is_ours=bool(mine))


def agrees(books: Holdings, held: Decimal) -> bool:
    """Tell whether what is held is what the books say, within rounding and fees in the asset itself."""
    low, high = sorted((books.expected, books.expected + books.perhaps))
    allowed = max(abs(high), abs(held)) * EXPLAINED_FRACTION + books.filled * FEE_FRACTION
    return low - allowed <= held <= high + allowed


def judge_holding(books: Holdings, held: Decimal, trades: Sequence[Trade] | None) -> Difference:
    """Say what a quantity that the books do not explain is due to.

    `trades`: every fill in the symbol since the books last agreed, ours or not; None: they could not be read. What
    changed without an order of ours is the owner's business; where we traded, our own books are contradicted.
    """
    base = books.symbol.split("/", maxsplit=1)[0]
    moved = sum((trade.moved(base) for trade in trades or ()), Decimal(0))
    slack = sum((trade.fill.quantity for trade in trades or ()), Decimal(0)) * FEE_FRACTION
    tiny = max(abs(held), abs(books.before)) * EXPLAINED_FRACTION
    if trades and abs(books.before + moved - held) <= tiny + slack:
        finding, detail = Finding.TRADED_OUTSIDE, f"the venue's fills explain it ({len(trades)}), and not all are ours"
    elif books.is_ours:
        finding, detail = Finding.QUANTITY, "our own fills do not explain what is held"
    else:
        finding, detail = Finding.MOVED_OUTSIDE, "no order explains it: a deposit, withdrawal, conversion or reward"
    detail += "; the venue's fills could not be read" if trades is None else ""
    return Difference(finding, books.symbol, books.expected, held, detail=detail)


def judge_orders(
    undecided: Sequence[LedgerOrder],
    resting: Sequence[OpenOrder],
    ours: Mapping[OpenOrder, LedgerOrder],
    *,
    order_timeout: timedelta,
    now: datetime,
) -> list[Difference]:
    """Compare the ledger with what rests at the venue. `ours`: which of those orders are the ledger's."""
    at_venue = {order.intent.client_order_id for order in ours.values()}
    found = [_resting(order, ours.get(order)) for order in resting if order not in ours or ours[order].is_decided]
    for order in undecided:
        if order.intent.client_order_id in at_venue:
            continue
        is_young = order.created_at is not None and now - order.created_at <= order_timeout + IN_FLIGHT
        finding = Finding.ORDER_IN_FLIGHT if is_young else Finding.ORDER_LOST
        detail = "" if is_young else f"{order.state} in the ledger, and not resting at the venue: nija recover"
        found.append(Difference(finding, order.intent.symbol, order=order.intent.client_order_id, detail=detail))
    return found


def keep_accepted(found: Sequence[Difference], before: Collection[Difference], tolerance: Decimal) -> list[Difference]:
    """Return what was found, with what a person has accepted before and is still the same.

    A difference that has changed since by more than the tolerance allows is another one, and so is every quantity: what
    was accepted of it is from then on what the books say.
    """
    lasting = [difference for difference in before if difference.finding is not Finding.QUANTITY]
    accepted = {difference.matter: difference for difference in lasting if difference.accepted}

    def is_same(difference: Difference) -> bool:
        known = accepted.get(difference.matter)
        if known is None:
            return False
        one, other = _gap(difference), _gap(known)
        return abs(one - other) <= abs(difference.found or Decimal(0)) * tolerance

    return [replace(d, accepted=True) if is_same(d) else d for d in found]


def _gap(difference: Difference) -> Decimal:
    return (difference.found or Decimal(0)) - (difference.expected or Decimal(0))


def _resting(order: OpenOrder, known: LedgerOrder | None) -> Difference:
    if known is None:
        detail = f"{order.side} {order.quantity:f}, placed by somebody else"
        return Difference(Finding.FOREIGN_ORDER, order.symbol, order=order.order_id, detail=detail)
    detail = f"{known.state} in the ledger, and it rests at the venue: nija orders cancel"
    return Difference(Finding.ORDER_STILL_OPEN, order.symbol, order=known.intent.client_order_id, detail=detail)
