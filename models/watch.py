"""What the watch looks for, where the fleet file sets it: the section `watch`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

# Which deployment does a pipeline's work again where the fleet file lets the watch start it.
RESTARTABLE = {
    "cleanup_dust": "cleanup_dust/daily",
    "enforce_cap": "enforce_cap/every-five-minutes",
    "enforce_exits": "enforce_exits/every-minute",
    "enforce_exits_continuously": "enforce_exits_continuously/without-a-pause",
    "reconcile": "reconcile/every-fifteen-minutes",
}


class WatchLimits(BaseModel):
    """From when on something is a matter for a person. How old a balance may be stands in the policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silent_after_intervals: float = Field(
        default=3,
        ge=1,
        le=100,
        description="A pipeline, or an account in it, is silent after so many of its intervals.",
    )
    stalled_run_minutes: float = Field(
        default=15, ge=1, le=1440, description="A run that has not ended after so long is taken for dead."
    )
    undecided_order_minutes: float = Field(
        default=5, ge=0, le=1440, description="An order may be without a known outcome for so long."
    )
    max_frozen_symbols: int = Field(default=5, ge=0, description="More frozen symbols than this are a warning.")
    low_balance_warnings_a_day: int = Field(
        default=2, ge=1, description="So many low-balance warnings on one day (UTC) are a warning."
    )
    volatility_adjusted_fraction: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A larger part of a day's entries made smaller for volatility is a warning.",
    )
    ignore: list[str] = Field(
        default_factory=list, description="Pipelines that may be silent: their schedule is switched off."
    )
    restart: list[
        Literal["cleanup_dust", "enforce_cap", "enforce_exits", "enforce_exits_continuously", "reconcile"]
    ] = Field(
        default_factory=list,
        description="Pipelines whose deployment is started again where they crashed or are silent, once an interval.",
    )
