"""What a backtest assumes: cash, costs, the cap, the size of a position, when it is left."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from models.errors import ConfigError
from models.exits import ExitLimits
from models.sizing import SizingLimits, SizingMethod
from rules.volatility import PERIODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How large a position is when it is opened: a base, in quote or as a fraction of equity, sized by a method.

    `method` None: the base as it is; else that of `rules.sizing`, by the volatility of the `periods` newest closes.
    `most_fraction`: no position is larger than this share of the equity. Nor is it larger than what the cash pays for,
    fee included.
    """

    quote: float = 0.0
    fraction: float = 0.0
    method: SizingMethod | None = None
    most_fraction: float = 1.0
    base_volatility: float = 0.10
    periods: int = PERIODS

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises: ConfigError."""
        _within("sizing quote", self.quote, 0, 1e15)
        _within("sizing fraction", self.fraction, 0, 1)
        _within("sizing most_fraction", self.most_fraction, 1e-9, 1)
        _within("sizing base_volatility", self.base_volatility, 1e-9, 10)
        _within("sizing periods", self.periods, 2, 100_000)
        if (self.quote > 0) == (self.fraction > 0):
            raise ConfigError("sizing", "needs one base", "an amount of quote or a fraction of equity, above 0")

    @classmethod
    def of_quote(cls, quote: float) -> Self:
        """Return the same amount of quote currency each time."""
        return cls(quote=quote)

    @classmethod
    def of_equity(cls, fraction: float) -> Self:
        """Return a fraction of the equity at the time of the entry."""
        return cls(fraction=fraction)

    @classmethod
    def by_policy(cls, base_quote: float, limits: SizingLimits) -> Self:
        """Return the size that a policy makes of an amount of quote currency."""
        most = float(limits.cap) if limits.method is SizingMethod.INVERSE_VOLATILITY else 1.0
        return cls(
            quote=base_quote, method=limits.method, most_fraction=most, base_volatility=float(limits.base_volatility)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a position is left whatever the strategy says, as fractions of prices (0.03 is 3 %); None: no such limit."""

    stop_loss_fraction: float | None = None
    take_profit_fraction: float | None = None
    trailing_stop_fraction: float | None = None
    longest_hold_seconds: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises: ConfigError."""
        for name in ("stop_loss_fraction", "take_profit_fraction", "trailing_stop_fraction"):
            if (fraction := getattr(self, name)) is not None:
                _within(name, fraction, 0, 1000 if name == "take_profit_fraction" else 1)
        if self.longest_hold_seconds is not None:
            _within("longest_hold_seconds", self.longest_hold_seconds, 0, 1e11)

    @classmethod
    def from_policy(cls, limits: ExitLimits) -> Self:
        """Return a policy's limits as floats."""
        stop, take = limits.stop_loss_fraction, limits.take_profit_fraction
        trailing, hold = limits.trailing_stop_fraction, limits.longest_hold
        return cls(
            stop_loss_fraction=None if stop is None else float(stop),
            take_profit_fraction=None if take is None else float(take),
            trailing_stop_fraction=None if trailing is None else float(trailing),
            longest_hold_seconds=None if hold is None else int(hold.total_seconds()),
        )


class AtEnd(StrEnum):
    """What becomes of a position that is open when the data ends."""

    CLOSE = "close"  # sold at the last close, with slippage and fee
    MARK = "mark"  # kept, and valued at the last close without costs


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings:
    """What is assumed of cash, costs and positions. Fees and slippage hold for each side of a trade.

    `sizing` None: each position gets an equal share of the equity, 1 / `max_positions`. `minimum_quote`: an order for
    less is not sent. `fills_without_volume`: a bar of volume zero can be traded in all the same.
    """

    initial_cash: float = 10_000.0
    fee_fraction: float = 0.002
    slippage_fraction: float = 0.001
    max_positions: int = 1
    sizing: Sizing | None = None
    limits: Limits = field(default_factory=Limits)
    allow_short: bool = True
    minimum_quote: float = 0.0
    fills_without_volume: bool = False
    at_end: AtEnd = AtEnd.CLOSE

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises: ConfigError."""
        _within("initial_cash", self.initial_cash, 1e-6, 1e15)
        _within("fee_fraction", self.fee_fraction, 0, 0.5)
        _within("slippage_fraction", self.slippage_fraction, 0, 0.5)
        _within("max_positions", self.max_positions, 1, 10_000)
        _within("minimum_quote", self.minimum_quote, 0, 1e15)

    @property
    def size(self) -> Sizing:
        """The sizing that holds."""
        return self.sizing or Sizing.of_equity(1 / self.max_positions)


def _within(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:  # NaN is not within anything
        raise ConfigError(name, f"{value:g} is out of range", f"{lowest:g} to {highest:g}")
