"""What research assumes of cash, costs and positions: bounded fields for a form, and the engine's settings."""

from pydantic import BaseModel, ConfigDict, Field

from models.sizing import SizingMethod
from research.settings import BacktestSettings, Limits, Sizing


class Assumptions(BaseModel):
    """Cash, costs, size and limits of the trades. Plain data, shown by Prefect. Fractions: 0.002 is 0.2 %."""

    model_config = ConfigDict(frozen=True)

    initial_cash: float = Field(default=10_000.0, gt=0, le=1e12, description="Cash to begin with, in quote currency.")
    fee_fraction: float = Field(default=0.002, ge=0, le=0.5, description="Fee of each side of a trade, a fraction.")
    slippage_fraction: float = Field(
        default=0.001, ge=0, le=0.5, description="How much worse than the open each side is filled, a fraction."
    )
    allow_short: bool = Field(default=True, description="Short positions are opened, too; else only longs.")
    position_fraction: float = Field(
        default=1.0, gt=0, le=1, description="Part of the equity that a position is made of."
    )
    position_quote: float | None = Field(
        default=None,
        gt=0,
        le=1e12,
        description="An amount of quote currency for each position, in the fraction's place.",
    )
    sizing: SizingMethod | None = Field(
        default=None, description="Sized by volatility: in tiers, or inversely; nothing: as it is."
    )
    stop_loss_fraction: float | None = Field(default=None, gt=0, le=1, description="Loss at which a position is left.")
    take_profit_fraction: float | None = Field(default=None, gt=0, le=1000, description="Gain at which it is left.")
    trailing_stop_fraction: float | None = Field(
        default=None, gt=0, le=1, description="Fall from its best price at which it is left."
    )
    longest_hold_hours: float | None = Field(default=None, gt=0, le=1e6, description="Hours after which it is left.")

    def settings(self) -> BacktestSettings:
        """Return the same for the engine. Raises: ConfigError."""
        quote = self.position_quote or 0.0
        hold = self.longest_hold_hours
        return BacktestSettings(
            initial_cash=self.initial_cash,
            fee_fraction=self.fee_fraction,
            slippage_fraction=self.slippage_fraction,
            allow_short=self.allow_short,
            sizing=Sizing(quote=quote, fraction=0.0 if quote else self.position_fraction, method=self.sizing),
            limits=Limits(
                stop_loss_fraction=self.stop_loss_fraction,
                take_profit_fraction=self.take_profit_fraction,
                trailing_stop_fraction=self.trailing_stop_fraction,
                longest_hold_seconds=None if hold is None else round(hold * 3600),
            ),
        )
