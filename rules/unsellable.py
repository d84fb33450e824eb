"""Decide what else can be done with a holding that is too small to be sold: convert it, or buy as much as is missing.

Pure. Conversion costs what the venue says; buying more costs two fees, and is chosen only where the policy wants it,
the holding is worth more than that, and what results is closed by the policy in the next cycle.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal

from models.amounts import money, plain
from models.dust import DustOffer
from models.market import Market
from models.plan import Action
from models.policy import Policy
from models.position import Position, Snapshot
from models.reasons import ActionKind, Reason

TOO_SMALL = frozenset({Reason.BELOW_LOT_STEP, Reason.BELOW_MINIMUM_QUANTITY, Reason.BELOW_MINIMUM_NOTIONAL})
MARGIN = Decimal("1.05")  # over the venue's minimum, for a price that moves before the order arrives
UNKNOWN_FEE_FRACTION = Decimal("0.01")  # dearer than any venue's


@dataclass(frozen=True, slots=True)
class Ways:
    """What the venue offers for small balances, by symbol; whether more may be bought, and what was planned before."""

    offers: Mapping[str, DustOffer] = field(default_factory=dict)
    may_top_up: bool = False
    barred: Collection[str] = ()  # symbols that nothing is bought of
    spent: Decimal = Decimal(0)  # cash that earlier buys of the same plan need

    def out(self, position: Position, why: Reason, *, snapshot: Snapshot, policy: Policy) -> Action | None:
        """Return the action that rids the account of the holding; None: there is none, it stays and is marked."""
        if why not in TOO_SMALL or position.price is None:
            return None
        offer = self.offers.get(position.symbol)
        if offer is not None:
            return _converted(position, offer, why)
        market = snapshot.markets.get(position.symbol)
        if not self.may_top_up or market is None or position.symbol in self.barred:
            return None
        return _topped_up(position, market, why, policy, cash=snapshot.cash_free - self.spent)

    def after(self, action: Action | None) -> "Ways":
        """Return what is left of the ways once an action is planned."""
        if action is None or action.kind is not ActionKind.TOP_UP:
            return self
        return replace(self, spent=self.spent + action.value * MARGIN)


NO_OTHER_WAYS = Ways()


def _converted(position: Position, offer: DustOffer, why: Reason) -> Action:
    value = position.value or Decimal(0)
    if offer.yields is None:
        outcome = f"converted into {offer.into}, at a rate the venue does not name beforehand"
    else:
        fee = "" if offer.fee is None else f", costs {plain(offer.fee)} {offer.into}"
        outcome = f"yields {plain(offer.yields)} {offer.into}{fee}"
    return Action(
        kind=ActionKind.CONVERT_DUST,
        symbol=position.symbol,
        quantity=min(offer.quantity, position.holding.total),
        value=value,
        reason=why,
        detail=f"worth {money(value)}; {outcome}",
    )


def _topped_up(position: Position, market: Market, why: Reason, policy: Policy, *, cash: Decimal) -> Action | None:
    """Return the smallest buy after which the whole holding can be sold. `value` is what it spends."""
    price, value = position.price, position.value
    if price is None or value is None or market.lot_step <= 0 or not market.active:
        return None
    least = max(market.minimum_quantity or Decimal(0), (market.minimum_notional or Decimal(0)) * MARGIN / price.value)
    quantity = max(_ceiling(least, market.lot_step), market.lot_step)
    spends = quantity * price.value
    fee = UNKNOWN_FEE_FRACTION if market.taker_fee_fraction is None else market.taker_fee_fraction
    costs = (2 * spends + value) * fee  # the buy's fee and the sale's; a spread comes on top of it
    pays = costs < value and spends * MARGIN <= cash
    # What results must be closed by the policy itself: above its minimum it would stay as one more position.
    if not pays or spends + value >= policy.minimum_position_usd:
        return None
    return Action(
        kind=ActionKind.TOP_UP,
        symbol=position.symbol,
        quantity=quantity,
        value=spends,
        reason=why,
        detail=f"worth {money(value)}; buys {money(spends)} more to sell all of it, costs {money(costs)} in fees",
    )


def _ceiling(quantity: Decimal, step: Decimal) -> Decimal:
    return (quantity / step).to_integral_value(ROUND_CEILING) * step
