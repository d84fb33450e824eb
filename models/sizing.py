"""How an entry is sized by volatility: the two methods, and why a size came out as it did."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class SizingMethod(StrEnum):
    """How a policy turns volatility into size."""

    TIERS = "tiers"  # never larger than what was asked
    INVERSE_VOLATILITY = "inverse_volatility"  # larger where it is calm, up to a part of the portfolio


class SizeReason(StrEnum):
    """Why a size is what it is."""

    CALM = "calm"  # tiers: unchanged
    MODERATE_VOLATILITY = "moderate_volatility"  # tiers: three quarters
    HIGH_VOLATILITY = "high_volatility"  # tiers: half
    SCALED = "scaled"  # inverse volatility: in proportion
    CAPPED = "capped"  # inverse volatility: no more than its part of the portfolio
    VOLATILITY_UNKNOWN = "volatility_unknown"  # the smaller size
    PORTFOLIO_UNKNOWN = "portfolio_unknown"  # never more than was asked: nobody knows what a part of it is


@dataclass(frozen=True, slots=True)
class SizingLimits:
    """What a policy says of sizes. Fractions: 0.10 is 10 %.

    `base_volatility`: where inverse volatility leaves a size as it is. `cap`: the most of the portfolio that it makes
    of one.
    """

    method: SizingMethod = SizingMethod.TIERS
    base_volatility: Decimal = Decimal("0.10")
    cap: Decimal = Decimal("0.20")


@dataclass(frozen=True, slots=True)
class Size:
    """A size in quote units and why it is that; `asked` is what it was made of."""

    asked: Decimal
    value: Decimal
    reason: SizeReason
    method: SizingMethod

    @property
    def is_made_smaller(self) -> bool:
        """Whether a volatility that is known made it smaller."""
        return self.value < self.asked and self.reason in _OF_VOLATILITY

    @property
    def is_flagged(self) -> bool:
        """Whether something that it takes was not known."""
        return self.reason in {SizeReason.VOLATILITY_UNKNOWN, SizeReason.PORTFOLIO_UNKNOWN}


_OF_VOLATILITY = frozenset({SizeReason.MODERATE_VOLATILITY, SizeReason.HIGH_VOLATILITY, SizeReason.SCALED})
