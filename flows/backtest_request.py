"""What a backtest and a comparison are asked for: bounded fields for a form, and the strategies that they mean."""

from pydantic import BaseModel, ConfigDict, Field

from flows.research_data import DataRequest
from flows.research_settings import Assumptions
from models.errors import ConfigError
from models.policy import NO_CAP
from research.registry import Registry
from research.strategies.base import Strategy

MOST_COMPARED = 4
MOST_SYMBOLS = 100


class _Request(BaseModel):
    """What both are asked for beside the strategies."""

    model_config = ConfigDict(frozen=True)

    data: DataRequest = Field(default_factory=DataRequest, description="Which prices.")
    assumptions: Assumptions = Field(default_factory=Assumptions, description="Cash, costs, size and limits.")
    max_positions: int | None = Field(
        default=None,
        ge=1,
        le=NO_CAP,
        description="With several symbols: positions at a time that share the cash; else the policy's cap, or all.",
    )
    account: str | None = Field(
        default=None,
        description="An account of the fleet file: its venue's stored history, its policy's limits and sizing where "
        "none is given here, long positions alone.",
    )
    fleet: str | None = Field(
        default=None, description="With account: the fleet file; without it NIJA_FLEET or ./fleet.yaml."
    )


class _One(BaseModel):
    strategy: str = Field(
        default="sma-cross",
        min_length=1,
        max_length=500,
        description="A name, or a name with parameters like rsi:period=7.",
    )
    parameters: dict[str, float] = Field(
        default_factory=dict, description="Its parameters by name; its defaults for what is left out."
    )


class _Several(BaseModel):
    strategies: list[str] = Field(
        default=["sma-cross", "rsi"],
        min_length=2,
        max_length=MOST_COMPARED,
        description="Names, or names with parameters like sma-cross:fast=5,slow=20; two to four of them.",
    )


class BacktestRequest(_Request, _One):  # of several bases the last one's fields come first in a form
    """Which strategy, with which parameters, on which prices. Plain data, shown by Prefect."""


class CompareRequest(_Request, _Several):
    """Which two to four strategies, on the same prices. Plain data, shown by Prefect."""


def count_of(strategy: Strategy, data: DataRequest) -> int:
    """Return how many series are read: as many as the strategy does, or one for each symbol it is to trade.

    Raises: ConfigError for more symbols than one run may have.
    """
    if strategy.series > 1:
        return strategy.series
    count = max(1, len(data.files), len(data.symbols))
    if count > MOST_SYMBOLS:
        raise ConfigError("--symbol, --data", f"{count} are given", f"{MOST_SYMBOLS} at most")
    return count


def strategy_named(registry: Registry, text: str, parameters: dict[str, float] | dict[str, str]) -> Strategy:
    """Return the strategy of a name like `rsi` or `rsi:period=7,low=25`. Raises: ConfigError."""
    name, _, written = text.partition(":")
    told: dict[str, object] = dict(parameters)
    for part in written.split(",") if written else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ConfigError("--strategy", f"found {part!r} in {text!r}", "NAME, or NAME:key=value,key=value")
        told[key.strip()] = value.strip()
    return registry.named(name.strip()).built(told)
