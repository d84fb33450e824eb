"""What a watch over exits knows of one position, and what it reports in the end."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from models.exits import ExitLimits


@dataclass(frozen=True, slots=True)
class Watched:
    """A tracked position with the limits that hold for it. Quantity in base units, prices in quote units.

    `peak_price`: the highest price seen while it was held; `stored_peak` is the one that a restart would find.
    """

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None
    first_seen_at: datetime
    limits: ExitLimits
    peak_price: Decimal | None = None
    stored_peak: Decimal | None = None


class WatchEnd(StrEnum):
    """Why a watch ended."""

    TIME_IS_OVER = "time_is_over"
    HANDED_OVER = "handed_over"  # a successor asked for it
    TAKEN_OVER = "taken_over"  # it stood still for so long that another one took its place


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class WatchedExit(_Part):
    """One attempt to leave a position. `outcome`: filled, or why not."""

    at: datetime
    account: str
    symbol: str
    why: str
    outcome: str


class ExitWatchReport(_Part):
    """What one watch did. `exits` has the newest attempts; `filled` and `failed` count all of them."""

    mode: str
    started_at: datetime
    finished_at: datetime
    ended: WatchEnd
    accounts: list[str]
    polls: int
    failed_polls: int
    filled: int
    failed: int
    exits: list[WatchedExit]
