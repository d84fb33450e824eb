"""What a person wishes to be told of: a price, a strategy's signal, or what an account is worth, past a threshold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.alert import FLEET, Severity
from models.amounts import plain


class AlertKind(StrEnum):
    """What it is about."""

    PRICE = "price"
    STRATEGY = "strategy"
    PORTFOLIO = "portfolio"


class Metric(StrEnum):
    """Which figure is compared. `drawdown`: a fraction of what the day (UTC) began with."""

    PRICE = "price"
    CONFIDENCE = "confidence"
    EQUITY = "equity"
    CASH = "cash"
    POSITIONS = "positions"
    DRAWDOWN = "drawdown"


class Side(StrEnum):
    """On which side of the threshold the condition holds; on the threshold itself it does not."""

    ABOVE = "above"
    BELOW = "below"


METRICS = {
    AlertKind.PRICE: frozenset({Metric.PRICE}),
    AlertKind.STRATEGY: frozenset({Metric.CONFIDENCE}),
    AlertKind.PORTFOLIO: frozenset({Metric.EQUITY, Metric.CASH, Metric.POSITIONS, Metric.DRAWDOWN}),
}
# A price is read for the look itself; balances and signals are as old as what wrote them lets them be.
MAX_AGE = {
    AlertKind.PRICE: timedelta(minutes=5),
    AlertKind.STRATEGY: timedelta(hours=1),
    AlertKind.PORTFOLIO: timedelta(minutes=30),
}

_Number = Annotated[Decimal, Field(allow_inf_nan=False)]


class Alert(BaseModel):
    """One condition. It fires when it becomes true, and not again before it was false.

    `account`: whose figures; of a price, "*" where `venue` says which; of a portfolio, "*" for the whole fleet.
    `hysteresis_fraction`: how far back over the threshold, in parts of it, the figure must go before it can fire again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: AlertKind
    metric: Metric
    side: Side
    threshold: _Number
    account: str = FLEET
    venue: str = ""
    symbol: str = ""
    strategy: str = ""
    hysteresis_fraction: Annotated[Decimal, Field(ge=0, lt=1, allow_inf_nan=False)] = Decimal(0)
    max_age: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    severity: Severity = Severity.WARNING
    note: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.metric not in METRICS[self.kind]:
            raise ValueError(f"{self.metric} is no figure of a {self.kind} alert")
        if self.kind is AlertKind.PRICE and (not self.symbol or bool(self.venue) is (self.account != FLEET)):
            raise ValueError("a price alert takes a symbol, and either a venue or an account")
        if self.kind is AlertKind.STRATEGY and not (self.strategy and self.symbol):
            raise ValueError("a strategy alert takes a strategy and a symbol")
        return self

    @property
    def subject(self) -> str:
        """What is compared, in words."""
        if self.kind is AlertKind.PRICE:
            return f"{self.symbol} at {self.venue or self.account}"
        if self.kind is AlertKind.STRATEGY:
            return f"{self.metric} of {self.strategy} on {self.symbol}"
        return f"{self.metric} of {'the fleet' if self.account == FLEET else self.account}"

    @property
    def condition(self) -> str:
        """The condition as one sentence."""
        return f"{self.subject} {self.side} {plain(self.threshold)}"


@dataclass(frozen=True, slots=True)
class Observed:
    """One figure as it was found; without one, `problem` says why."""

    value: Decimal | None = None
    at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert in the store, with what became of it. `version` changes with every look that is kept."""

    alert_id: int
    alert: Alert
    enabled: bool
    is_met: bool
    trigger_count: int
    last_triggered_at: datetime | None
    last_value: Decimal | None
    last_value_at: datetime | None
    last_checked_at: datetime | None
    problem: str
    created_at: datetime
    created_by: str
    version: int


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that an alert fired. `number` counts those of the alert; it stays when the alert is deleted."""

    firing_id: int
    alert_id: int
    number: int
    kind: AlertKind
    severity: Severity
    account: str
    symbol: str
    message: str
    value: Decimal
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class Signal:
    """What a strategy thinks of a symbol at one instant."""

    strategy: str
    symbol: str
    metric: Metric
    value: Decimal
    at: datetime
    by: str = ""
