"""A mark on a holding that could not be sold: the dust blacklist of one account and symbol."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.reasons import Reason


@dataclass(frozen=True, slots=True)
class DustMark:
    """Why a holding stays although policy would close it, until an operator removes the mark.

    `value` in quote units when it was marked; None: an operator marked what no read had valued, and says it is dust.
    `retry_at`: the venue refused its sale, so it is not tried again before; None: nothing to try, it is below the
    venue's minimum (it is judged anew in every cycle).
    """

    symbol: str
    reason: Reason
    value: Decimal | None
    marked_at: datetime
    retry_at: datetime | None = None

    @property
    def is_by_hand(self) -> bool:
        """Whether an operator put it there: then the holding is left alone even where it could be sold."""
        return self.reason is Reason.BLACKLISTED


@dataclass(frozen=True, slots=True)
class DustOffer:
    """What a venue would take of a small balance, in base units, and what it would give, in units of `into`.

    `yields` is what arrives, `fee` already taken off; None: the venue does not say beforehand.
    """

    asset: str
    quantity: Decimal
    into: str
    yields: Decimal | None
    fee: Decimal | None


@dataclass(frozen=True, slots=True)
class Converted:
    """One small balance that a venue has converted; `received` and `fee` in units of `into`."""

    reference: str
    asset: str
    quantity: Decimal
    into: str
    received: Decimal
    fee: Decimal
    at: datetime
