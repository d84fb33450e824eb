"""Which strategies an account's money is for: the section `strategies` of an account in the fleet file."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.history_plan import TIMEFRAME
from models.policy import Symbol


class PlannedStrategy(BaseModel):
    """One strategy on one market: what is backtested, and what its weight is held in.

    Whether there is a strategy of that name, and what its parameters may be, `research.registry` knows, which costs an
    import that reading a fleet file need not pay.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", description="As nija backtest --strategy names it.")
    ]
    symbol: Symbol = Field(description="The market its weight is held in; its quote is the account's.")
    timeframe: Annotated[str, Field(pattern=TIMEFRAME, description="Of the stored candles it is tested on.")] = "1h"
    parameters: dict[str, int | float] = Field(
        default_factory=dict, description="What it is told; its defaults for what is left out."
    )

    @property
    def label(self) -> str:
        """Tell it from the account's others."""
        return f"{self.name} {self.symbol} {self.timeframe}"
