"""What `nija exits` says. Fields are kept and grow only by addition; numbers are strings, None is not known.

Prices in quote per base unit; `_fraction`: 0.03 is 3 %, a loss is negative.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.exits import ExitReason
from models.reasons import Mode


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class LimitReport(_Part):
    """One limit in force; `value` None: there is none. `own`: a person has set it, else the policy has."""

    value: str | None
    own: bool


class ExitPosition(_Part):
    """One tracked position as the last read showed it, and the limits that hold for it.

    `held` false: a person has set limits for a symbol that is not tracked now. `due`: what the last price sets off.
    """

    account: str
    symbol: str
    held: bool
    quantity: str | None = None
    entry_price: str | None = None
    entry_source: str | None = None
    peak_price: str | None = None
    price: str | None = None
    priced_at: datetime | None = None
    gain_fraction: str | None = None
    first_seen_at: datetime | None = None
    age_seconds: int | None = None
    stop_loss: LimitReport
    take_profit: LimitReport
    trailing_stop: LimitReport
    max_hold_hours: LimitReport
    due: ExitReason | None = None
    set_by: str | None = None
    reason: str | None = None


class ExitList(_Part):
    """Every tracked position, by account and symbol."""

    told_at: datetime
    positions: list[ExitPosition]


class ExitSums(_Part):
    """The exits of one reason, in one currency and mode.

    `pnl_quote`: sum over the `pnl_known` exits whose entry and price are known, fees taken off; `fees_missing`: of how
    many of them a fee is not known and not taken off. `mean_hold_hours`: from the first sight to the last fill.
    """

    reason: ExitReason
    mode: Mode
    quote: str
    exits: int
    pnl_quote: str | None
    pnl_known: int
    fees_missing: int
    mean_hold_hours: float | None


class ExitStatistics(_Part):
    """The exits of the ledger, by reason."""

    since: datetime | None
    sums: list[ExitSums]
