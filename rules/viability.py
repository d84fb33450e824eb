"""Judge whether an entry can be worth its cost: what going in and out again takes in fees, and whether any size fits.

Pure. Fees are fractions of what is traded: 0.004 is 0.4 %.
"""

from collections.abc import Collection
from decimal import ROUND_CEILING, Decimal

from models.amounts import money, plain
from models.market import Market
from models.policy import Policy
from models.reasons import Block
from models.risk import RiskLimits

_HUNDREDTH = Decimal("0.01")


def round_trip_fraction(market: Market) -> Decimal | None:
    """Return the part of an entry that the fees of its purchase and of its sale at the same price take together.

    Both are taken for market orders. None: the venue's metadata names no fee.
    """
    return None if market.taker_fee_fraction is None else 2 * market.taker_fee_fraction


def are_fees_too_high(market: Market, policy: Policy) -> bool:
    """Tell whether they take more than the policy allows; never said of fees that are not known."""
    most, taken = policy.max_round_trip_fee_fraction, round_trip_fraction(market)
    return most is not None and taken is not None and taken > most


def fee_words(market: Market, amount: Decimal, policy: Policy) -> str | None:
    """Say in words that the fees are too high, or not known; None: they are neither, or the policy does not ask."""
    most, taken = policy.max_round_trip_fee_fraction, round_trip_fraction(market)
    if most is None:
        return None
    if taken is None:
        return f"the venue's metadata names no fee for {market.symbol}: what the entry costs is not judged"
    if taken <= most:
        return None
    costs = f"{_percent(taken)} of {money(amount)} {market.quote}, {money((amount * taken).quantize(_HUNDREDTH))}"
    return f"buying {market.symbol} and selling it again costs {costs}; the policy allows {_percent(most)}"


def least_amount(market: Market, price: Decimal) -> Decimal | None:
    """Return the smallest purchase that the venue takes, in quote units; None: it cannot be told."""
    if market.lot_step <= 0 or price <= 0:
        return None
    of_value = (market.minimum_notional or Decimal(0)) / price
    least = max(market.minimum_quantity or Decimal(0), of_value, market.lot_step)
    return (least / market.lot_step).to_integral_value(ROUND_CEILING) * market.lot_step * price


def allowed_amount(limits: RiskLimits, exposure: Decimal, set_aside: Collection[Block] = ()) -> Decimal | None:
    """Return the most that the limits let one entry cost beside the `exposure` there is already; None: no limit.

    Zero and less: nothing more may be at stake at all. A limit that a person has set aside is none.
    """
    room = None if limits.exposure is None else limits.exposure - exposure
    most = {Block.SIZE_LIMIT: limits.position, Block.EXPOSURE_LIMIT: room}
    return min((m for block, m in most.items() if m is not None and block not in set_aside), default=None)


def _percent(fraction: Decimal) -> str:
    return f"{plain((fraction * 100).quantize(_HUNDREDTH))} %"
