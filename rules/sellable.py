"""Decide how much of a position can be sold now, or why none of it can. Pure: never more than is free."""

from dataclasses import dataclass
from decimal import Decimal

from models.amounts import floor_to_step
from models.market import Market
from models.policy import Policy
from models.position import OpenOrder, Position, Snapshot
from models.reasons import Reason


@dataclass(frozen=True, slots=True)
class Sellable:
    """What one sell order can take now, in base units.

    `remainder` is what stays of the whole holding; `withheld` is the part of it that is locked, or held by orders that
    may not be canceled, and `withheld_by` names the larger of the two.
    """

    quantity: Decimal
    remainder: Decimal
    cancel_first: tuple[str, ...] = ()
    withheld: Decimal = Decimal(0)
    withheld_by: Reason | None = None


def sellable(position: Position, *, snapshot: Snapshot, policy: Policy) -> Sellable | Reason:
    """Return the largest sale the venue would take now, or the reason why it would take none.

    What open sell orders of the symbol hold can be sold too where the policy cancels them: their ids come first.
    """
    market = snapshot.markets.get(position.symbol)
    if market is None or market.lot_step <= 0:  # without its lot step a market cannot be traded in
        return Reason.NO_MARKET
    if not market.active:
        return Reason.MARKET_INACTIVE
    if position.price is None:
        return Reason.UNVALUED

    holding, resting = position.holding, _resting_sells(position.symbol, snapshot, policy)
    freed = min(max(holding.held, Decimal(0)), sum((o.quantity for o in resting), Decimal(0)))
    available = max(holding.free, Decimal(0)) + freed
    withheld_by = _withheld_by(holding.held - freed, holding.locked)

    quantity = _order_quantity(available, market)
    problem = too_small(quantity, price=position.price.value, market=market)
    if problem is None:
        return Sellable(
            quantity=quantity,
            remainder=holding.total - quantity,
            cancel_first=tuple(sorted(o.order_id for o in resting)),
            withheld=holding.total - available,
            withheld_by=withheld_by,
        )
    whole = _order_quantity(max(holding.total, Decimal(0)), market)
    if withheld_by and (available == 0 or too_small(whole, price=position.price.value, market=market) is None):
        return withheld_by
    return problem


def too_small(quantity: Decimal, *, price: Decimal, market: Market) -> Reason | None:
    """Say which of the venue's minimums an order of `quantity`, floored to the lot step, stays below."""
    if quantity <= 0:
        return Reason.BELOW_LOT_STEP
    if market.minimum_quantity is not None and quantity < market.minimum_quantity:
        return Reason.BELOW_MINIMUM_QUANTITY
    if market.minimum_notional is not None and quantity * price < market.minimum_notional:
        return Reason.BELOW_MINIMUM_NOTIONAL
    return None


def _resting_sells(symbol: str, snapshot: Snapshot, policy: Policy) -> tuple[OpenOrder, ...]:
    if not policy.cancel_open_orders:
        return ()
    return tuple(o for o in snapshot.open_orders if o.symbol == symbol and o.side == "sell")


def _order_quantity(available: Decimal, market: Market) -> Decimal:
    most = available if market.maximum_quantity is None else min(available, market.maximum_quantity)
    quantity = floor_to_step(most, market.lot_step)
    # the division inside the floor rounds at 28 digits, so a number longer than that could come out one step too high
    return quantity if quantity <= most else quantity - market.lot_step


def _withheld_by(held: Decimal, locked: Decimal) -> Reason | None:
    if held <= 0 and locked <= 0:
        return None
    return Reason.FUNDS_HELD if held > locked else Reason.LOCKED_AT_VENUE
