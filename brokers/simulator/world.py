"""Say what a simulated venue is: its markets, accounts, fees and manners. Read from one YAML or JSON file."""

import hashlib
import json
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from brokers.simulator.credentials import Keys, simulated_credentials
from brokers.simulator.manners import Manners, VenueName, manners_of

T = TypeVar("T")
Positive = Annotated[Decimal, Field(gt=0)]
NotNegative = Annotated[Decimal, Field(ge=0)]
Fraction = Annotated[Decimal, Field(ge=0, le=1)]

_FINEST = Decimal("0.00000001")
_TICK_DIGITS_BELOW_PRICE = 5


class MarketStatus(StrEnum):
    """What may happen in a market: all, cancels only, or nothing since it is no longer served."""

    ONLINE = "online"
    HALTED = "halted"
    DELISTED = "delisted"


class FillMode(StrEnum):
    """How an order that meets the price is executed."""

    IMMEDIATE = "immediate"
    DELAYED = "delayed"
    PARTIAL = "partial"
    NEVER = "never"
    AT_CANCEL = "at_cancel"  # whole, in the moment its cancel arrives


class WorldError(ValueError):
    """The world file cannot be used; the text lists every fault found."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fees(_Strict):
    """Fees as fractions of the notional."""

    maker: Fraction = Decimal("0.0025")
    taker: Fraction = Decimal("0.0040")


class FillRule(_Strict):
    """How orders are filled, for one account, one market, or all. The last rule that matches wins."""

    account: str | None = None
    symbol: str | None = None
    mode: FillMode = FillMode.IMMEDIATE
    after_seconds: NotNegative | None = None  # delayed: until the fill; partial: until the rest, null means never
    fraction: Fraction = Decimal("0.5")  # partial: filled at once
    cancel_rest: bool = False  # partial: the venue itself cancels what it did not fill

    @model_validator(mode="after")
    def _delay_is_stated(self) -> Self:
        if self.mode is FillMode.DELAYED and self.after_seconds is None:
            raise ValueError("mode delayed needs after_seconds")
        return self

    def matches(self, account: str, symbol: str) -> bool:
        """Whether an order of this account in this market follows the rule."""
        return self.account in {None, account} and self.symbol in {None, symbol}


class Market(_Strict):
    """One spot market. Sizes left out take what the venue usually asks for at that price."""

    symbol: str = Field(pattern=r"^[A-Z0-9]+/[A-Z0-9]+$")
    price: Positive | None = None  # null: the market exists but has no ticker
    lot_step: Positive | None = None
    tick: Positive | None = None
    min_quantity: NotNegative | None = None
    min_notional: NotNegative | None = None
    status: MarketStatus = MarketStatus.ONLINE
    volatility_per_day: NotNegative = Decimal(0)  # 0.05: one standard deviation of a day is 5 %
    spread_bps: NotNegative = Decimal(0)
    listed_at: AwareDatetime | None = None  # before it there was no price; null: always there

    @property
    def base(self) -> str:
        """Left side of the symbol."""
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        """Right side of the symbol."""
        return self.symbol.split("/")[1]

    def completed(self, venue: VenueName) -> "Listing":
        """Give the market with every size decided."""
        manners = manners_of(venue)
        tick = self.tick or _power_of_ten((self.price or Decimal(1)).scaleb(-_TICK_DIGITS_BELOW_PRICE))
        lot_step = self.lot_step or self._worth(manners.step_quote) or _FINEST
        minimum = max(self._worth(manners.minimum_quote) or lot_step, lot_step)
        return Listing(
            **self.model_dump(exclude={"lot_step", "tick", "min_quantity", "min_notional"}),
            lot_step=lot_step,
            tick=max(tick, Decimal("0.0000000001")),
            min_quantity=minimum if self.min_quantity is None else self.min_quantity,
            min_notional=manners.min_notional if self.min_notional is None else self.min_notional,
        )

    def _worth(self, quote: Decimal | None) -> Decimal | None:
        """Quantity worth about so much, as a power of ten; None where there is no price to tell it by."""
        return None if quote is None or self.price is None else max(_FINEST, _power_of_ten(quote / self.price))


class Listing(Market):
    """A market with every size decided."""

    lot_step: Positive
    tick: Positive
    min_quantity: NotNegative
    min_notional: NotNegative


class PastTrade(_Strict):
    """One fill from before the start. `balances` are what is owned after it: it moves nothing any more."""

    symbol: str
    side: Literal["buy", "sell"]
    quantity: Positive
    price: Positive
    hours_ago: NotNegative = Decimal(0)  # when the venue first starts
    fee: NotNegative = Decimal(0)
    fee_asset: str | None = None  # null: as the venue usually charges it


class Account(_Strict):
    """What one account owns at the start, what it traded before, and the keys it signs with."""

    balances: dict[str, NotNegative] = {}
    borrowed: dict[str, NotNegative] = {}  # part of `balances` that is owed to the venue
    trades: tuple[PastTrade, ...] = ()
    may_trade: bool = True  # what the key is allowed, as the venue reports it
    may_withdraw: bool = False
    api_key: str | None = None
    api_secret: str | None = Field(default=None, repr=False)

    def credentials(self, account_id: str, venue: VenueName) -> Keys:
        """Keys of the account, simulated ones where the file gives none."""
        made = simulated_credentials(account_id, manners_of(venue).keys)
        return Keys(self.api_key or made.api_key, self.api_secret or made.api_secret, made.passphrase)


class World(_Strict):
    """Everything a simulated venue starts from."""

    venue: VenueName
    seed: int = 7
    latency_ms: int = Field(default=0, ge=0)
    fees: Fees = Fees()
    # Null: as the venue is known to. BNB falls back to the asset received when there is too little of it.
    commission: Literal["quote", "base", "received", "BNB"] | None = None
    balance_lag_seconds: NotNegative = Decimal(0)
    clock_skew_seconds: Decimal = Decimal(0)  # how far the venue's clock is ahead of this machine's
    rate_limits: bool = False
    plan: Literal["demo", "pro"] = "demo"  # which of CoinGecko's services it is
    max_open_orders: int = Field(default=80, ge=1)
    fills: tuple[FillRule, ...] = ()
    markets: tuple[Market, ...] = ()
    accounts: dict[str, Account] = {}

    @field_validator("markets")
    @classmethod
    def _symbols_are_unique(cls, markets: tuple[Market, ...]) -> tuple[Market, ...]:
        symbols = [market.symbol for market in markets]
        twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
        if twice:
            raise ValueError(f"listed more than once: {', '.join(twice)}")
        return markets

    @model_validator(mode="after")
    def _trades_have_a_market(self) -> Self:
        listed = {market.symbol for market in self.markets}
        traded = {trade.symbol for account in self.accounts.values() for trade in account.trades}
        if traded - listed:
            raise ValueError(f"traded before in no market: {', '.join(sorted(traded - listed))}")
        return self

    @property
    def manners(self) -> Manners:
        """What the venue is like."""
        return manners_of(self.venue)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any part of the world."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def load_world(path: Path) -> World:
    """Read a world file. Raises: WorldError naming the file and every wrong key."""
    return checked(path, read_yaml(path), World.model_validate)


def read_yaml(path: Path) -> object:
    """Read a YAML or JSON file. Raises: WorldError naming the file."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise WorldError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error


def checked(path: Path, raw: object, validate: Callable[[object], T]) -> T:
    """Validate what a file says. Raises: WorldError naming the file and every wrong key."""
    try:
        return validate(raw)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}" for fault in error.errors()
        )
        raise WorldError(f"{path}: {faults}") from error


def _power_of_ten(number: Decimal) -> Decimal:
    """Return the power of ten at or below a positive number."""
    return Decimal(10) ** int(number.log10().to_integral_value(ROUND_FLOOR))
