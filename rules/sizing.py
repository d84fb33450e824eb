"""Size an entry by how much its price moves, in one of two ways. Pure: exact amounts and fractions in, a size out.

What is not known makes no size larger: without a volatility the smaller size is taken, and that is said.
"""

from decimal import Decimal

from models.sizing import Size, SizeReason, SizingLimits, SizingMethod

MODERATE_FRACTION = Decimal("0.02")  # above it a size is cut to three quarters
HIGH_FRACTION = Decimal("0.10")  # above it to half
MODERATE_SHARE = Decimal("0.75")
HIGH_SHARE = Decimal("0.5")
UNKNOWN_SHARE = HIGH_SHARE  # nothing known is taken for the worst that is


def size_entry(
    asked: Decimal, *, volatility: Decimal | None, portfolio: Decimal | None, limits: SizingLimits | None = None
) -> Size:
    """Return the size of an entry by the method of the policy.

    Unit: `asked` and `portfolio` (cash and positions) in quote units; `volatility` a fraction of the price in one
    candle, 0.02 is 2 %. None: it is not known.
    Raises: ValueError for an amount that is not above zero, or a volatility below zero.
    """
    if asked <= 0 or (volatility is not None and volatility < 0):
        raise ValueError(f"expected an amount above zero and a volatility of zero or more, found {asked}, {volatility}")
    limits = limits or SizingLimits()
    most = None if portfolio is None else max(portfolio, Decimal(0)) * limits.cap
    if limits.method is SizingMethod.TIERS:
        return by_tiers(asked, volatility)
    return by_inverse_volatility(asked, volatility, base_volatility=limits.base_volatility, most=most)


def by_tiers(asked: Decimal, volatility: Decimal | None) -> Size:
    """Halve a size above 10 % of volatility, take three quarters of it above 2 %, else leave it.

    Exactly 2 % and exactly 10 % belong to the tier below.
    """
    if volatility is None:
        share, reason = UNKNOWN_SHARE, SizeReason.VOLATILITY_UNKNOWN
    elif volatility > HIGH_FRACTION:
        share, reason = HIGH_SHARE, SizeReason.HIGH_VOLATILITY
    elif volatility > MODERATE_FRACTION:
        share, reason = MODERATE_SHARE, SizeReason.MODERATE_VOLATILITY
    else:
        share, reason = Decimal(1), SizeReason.CALM
    return Size(asked, asked * share, reason, SizingMethod.TIERS)


def by_inverse_volatility(
    asked: Decimal, volatility: Decimal | None, *, base_volatility: Decimal, most: Decimal | None
) -> Size:
    """Scale a size by `base_volatility` / volatility, up to `most`: half the volatility, twice the size.

    `most` None: nobody knows what the account is worth, and the size does not grow.
    """
    if volatility is None:
        wanted, reason = asked * UNKNOWN_SHARE, SizeReason.VOLATILITY_UNKNOWN
    elif most is None and volatility <= base_volatility:
        wanted, reason = asked, SizeReason.PORTFOLIO_UNKNOWN
    elif volatility == 0 or (most is not None and asked * base_volatility >= most * volatility):
        wanted, reason = most or Decimal(0), SizeReason.CAPPED
    else:
        wanted, reason = asked * base_volatility / volatility, SizeReason.SCALED
    if most is not None and wanted > most:  # half of it may still be more than the account can bear
        wanted = most
    return Size(asked, wanted, reason, SizingMethod.INVERSE_VOLATILITY)
