"""What a comparison of an account's books with its venue can find."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self


class Finding(StrEnum):
    """One kind of difference, by code."""

    EQUITY = "equity"  # cash and positions do not add up to what the venue says the account is worth
    QUANTITY = "quantity"  # our own fills do not explain what is held
    ORDER_LOST = "order_lost"  # the ledger waits for an order that does not rest at the venue
    ORDER_STILL_OPEN = "order_still_open"  # the ledger has its end, and it rests at the venue
    TRADED_OUTSIDE = "traded_outside"  # orders that are not ours explain what is held
    MOVED_OUTSIDE = "moved_outside"  # no order explains it: a deposit, a withdrawal, a conversion, a reward
    ORDER_IN_FLIGHT = "order_in_flight"  # sent a moment ago
    FOREIGN_ORDER = "foreign_order"  # it rests at the venue, and is not ours


MISMATCHES = frozenset({Finding.EQUITY, Finding.QUANTITY, Finding.ORDER_LOST, Finding.ORDER_STILL_OPEN})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between the books and the venue. Quantities in base units, equity in quote units.

    `order`: an order's id. `value`: what the difference is worth, None where there is no price. `accepted`: a
    person has said that it may stand as it is.
    """

    finding: Finding
    symbol: str = ""
    expected: Decimal | None = None
    found: Decimal | None = None
    order: str = ""
    value: Decimal | None = None
    detail: str = ""
    accepted: bool = False

    @property
    def is_mismatch(self) -> bool:
        """Whether it contradicts our own books, and nobody has accepted it: entries stop."""
        return self.finding in MISMATCHES and not self.accepted

    @property
    def words(self) -> str:
        """One line about it."""
        return " ".join(filter(None, [self.finding, self.symbol, self.order, self.detail]))

    @property
    def matter(self) -> tuple[Finding, str, str]:
        """What it is about: the same matter may be found again."""
        return self.finding, self.symbol, self.order

    def document(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        texts = {
            name: None if (n := getattr(self, name)) is None else str(n) for name in ("expected", "found", "value")
        }
        words = {"symbol": self.symbol, "order": self.order, "detail": self.detail}
        return {"finding": self.finding.value, **words, **texts, "accepted": self.accepted}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read back what `document` wrote."""
        return cls(
            finding=Finding(document["finding"]),
            symbol=str(document["symbol"]),
            expected=_number(document["expected"]),
            found=_number(document["found"]),
            order=str(document["order"]),
            value=_number(document["value"]),
            detail=str(document["detail"]),
            accepted=bool(document["accepted"]),
        )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the last comparison of one account left standing, accepted or not."""

    account: str
    at: datetime
    standing: tuple[Difference, ...]

    @property
    def mismatches(self) -> tuple[Difference, ...]:
        """What stops entries."""
        return tuple(difference for difference in self.standing if difference.is_mismatch)
