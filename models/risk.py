"""What an account may risk, how its day has gone, and what a person has set aside. Money in its quote currency."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from models.reasons import Block, HaltCause

# The limits that a person may set aside for a while, by the name they go by. What protects the books, the cap and the
# venue is not among them.
OVERRIDABLE = {
    "daily_loss": Block.DAILY_LOSS,
    "drawdown": Block.DRAWDOWN,
    "size": Block.SIZE_LIMIT,
    "exposure": Block.EXPOSURE_LIMIT,
    "positions": Block.POSITIONS_LIMIT,
    "global": Block.GLOBAL_LIMIT,
    "balance": Block.BALANCE_TOO_LOW,
}
RISK_CAUSES = {HaltCause.DAILY_LOSS: Block.DAILY_LOSS, HaltCause.DRAWDOWN: Block.DRAWDOWN}


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The most one account may have at stake; None: no such limit. Fractions: 0.2 is 20 %."""

    position: Decimal | None = Decimal(1000)
    exposure: Decimal | None = Decimal(5000)
    positions: int | None = 10
    daily_loss: Decimal | None = Decimal(500)
    drawdown_fraction: Decimal | None = Decimal("0.20")


@dataclass(frozen=True, slots=True)
class RiskDay:
    """One account's day in UTC: the equity it began with, the highest equity ever seen, and the last one."""

    day: date
    began_with: Decimal
    peak: Decimal
    equity: Decimal

    @property
    def gain(self) -> Decimal:
        """What the day has brought so far; below zero: lost."""
        return self.equity - self.began_with

    @property
    def drawdown_fraction(self) -> Decimal:
        """How far the equity is below the highest ever seen, as a fraction of that."""
        return Decimal(0) if self.peak <= 0 else max(Decimal(0), 1 - self.equity / self.peak)


@dataclass(frozen=True, slots=True)
class Trip:
    """A limit that an account's day has crossed: why, in figures, and what ends the halt that follows."""

    cause: HaltCause
    detail: str
    clears_when: str


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """An account's day after a read, and every limit it has crossed."""

    day: RiskDay
    trips: tuple[Trip, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """A limit of one account that a person has set aside, until when and why."""

    account: str
    block: Block
    set_at: datetime
    expires_at: datetime
    by: str
    reason: str

    @property
    def limit(self) -> str:
        """The name the limit goes by on the command line."""
        return next(name for name, block in OVERRIDABLE.items() if block is self.block)

    @property
    def sentence(self) -> str:
        """Say it in words."""
        return f"{self.limit} is set aside until {self.expires_at:%Y-%m-%d %H:%M:%S} UTC by {self.by}: {self.reason}"
