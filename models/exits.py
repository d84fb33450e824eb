"""When a position is left: the limits that hold for it, and what can set one off."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class ExitReason(StrEnum):
    """What sets an exit off, in the order in which it is looked at: a stop comes first and nothing overrules it."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_LIMIT = "time_limit"

    @property
    def is_stop(self) -> bool:
        """Whether it keeps a loss from growing: one that cannot be carried out is escalated."""
        return self in {ExitReason.STOP_LOSS, ExitReason.TRAILING_STOP}


@dataclass(frozen=True, slots=True)
class ExitLimits:
    """What one position may lose, gain and give back, as fractions (0.03 is 3 %); None: no such limit."""

    stop_loss_fraction: Decimal | None
    take_profit_fraction: Decimal | None
    trailing_stop_fraction: Decimal | None
    longest_hold: timedelta | None


@dataclass(frozen=True, slots=True)
class ExitSignal:
    """Why a position is to be left, with the figures.

    `fraction`: how far the price is from the entry (a loss is negative), for a trailing stop from the peak.
    """

    reason: ExitReason
    fraction: Decimal | None
    age: timedelta

    def __str__(self) -> str:
        hours = self.age.total_seconds() / 3600
        if self.reason is ExitReason.TIME_LIMIT or self.fraction is None:
            return f"held for {hours:.1f} h"
        against = "its peak" if self.reason is ExitReason.TRAILING_STOP else "its entry"
        return f"{self.fraction * 100:+.2f} % from {against}"


NEVER: Literal["never"] = "never"
_NOT_SET = datetime.min.replace(tzinfo=UTC)
OwnLimit = Decimal | Literal["never"] | None  # a figure; "never": no such limit; None: as the policy has it


@dataclass(frozen=True, slots=True)
class PositionConfig:
    """A person's own word on one position: fractions, hours, and what was paid where no fill tells it.

    The limits hold for the symbol until they are cleared; `entry_price` only for the position that was held when it was
    told: one that was first seen after `set_at` is another one, and cost something else.
    """

    account: str
    symbol: str
    stop_loss: OwnLimit = None
    take_profit: OwnLimit = None
    trailing_stop: OwnLimit = None
    max_hold_hours: OwnLimit = None
    entry_price: Decimal | None = None
    set_at: datetime = _NOT_SET
    set_by: str = ""
    reason: str = ""

    @property
    def says_nothing(self) -> bool:
        """Whether the policy alone decides, and no entry price is told either."""
        limits = (self.stop_loss, self.take_profit, self.trailing_stop, self.max_hold_hours)
        return self.entry_price is None and all(limit is None for limit in limits)
