"""The policy of an account: the desired state, with a default for every value and a version for every set of them."""

import hashlib
import json
import re
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from models.amounts import plain
from models.risk import RiskLimits
from models.scope import Scope
from models.sizing import SizingLimits, SizingMethod

NO_CAP = 1000  # positions; the most that a policy can allow

Usd = Annotated[Decimal, Field(ge=0, le=Decimal(1_000_000_000), allow_inf_nan=False)]


def _as_markets_are_written(symbol: str) -> str:
    if not re.fullmatch(r"[^/:\s]+/[^/:\s]+", symbol) or symbol != symbol.upper():
        raise ValueError(f"expected upper case BASE/QUOTE, as in AUT/USD, found {symbol!r}")
    return symbol


Symbol = Annotated[
    str, AfterValidator(_as_markets_are_written), Field(json_schema_extra={"pattern": "^[^/:\\sa-z]+/[^/:\\sa-z]+$"})
]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class Policy(BaseModel):
    """What an account should look like, and how hard to try. Amounts in the account's quote currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_positions: int = Field(default=8, ge=1, le=NO_CAP, description="Count cap; dust does not count.")
    dust_threshold_usd: Usd = Field(default=Decimal("1.00"), description="Strictly below is dust.")
    minimum_position_usd: Usd = Field(default=Decimal("7.50"), description="Below it a position is closed.")
    consolidation_threshold_usd: Usd = Field(default=Decimal("10.00"), description="Below it a position is listed.")
    close_consolidation_candidates: bool = Field(default=False, description="Close them instead of listing them.")
    dust_hysteresis: Decimal = Field(
        default=Decimal("1.25"),
        ge=1,
        le=10,
        description="Marked dust counts again from this multiple of the dust threshold.",
    )
    dust_cleanup_dry_run: bool = Field(default=False, description="List dust, close none of it.")
    convert_dust: bool = Field(
        default=True, description="Convert what is too small to be sold, where the venue does that."
    )
    top_up_dust: bool = Field(
        default=False,
        description="Buy as much more of what is too small to be sold as it takes to sell it whole, where that pays.",
    )
    cancel_open_orders: bool = Field(default=True, description="Cancel open orders that hold what must be sold.")
    settle_seconds: Seconds = Field(default=3, description="Wait before positions are read again.")
    order_timeout_seconds: Seconds = Field(default=30, description="An order unfilled by then is canceled.")
    order_deadline_seconds: float = Field(  # not Seconds: its own limits would replace these
        default=10,
        ge=2,
        le=60,
        allow_inf_nan=False,
        description="The venue refuses an order that reaches it later than this after it was sent.",
    )
    late_order_seconds: Seconds = Field(
        default=60,
        description="The same where the venue takes late orders: then an order nobody knows is taken for lost.",
    )
    max_enforcement_cycles: int = Field(default=3, ge=1, le=10, description="Then an account over its cap is halted.")
    plan_ttl_seconds: Seconds = Field(default=300, description="An approved plan is void after this.")
    may_apply_unattended: bool = Field(
        default=True,
        description="Scheduled runs act on the account; false: they only plan, exits apart, and a person approves.",
    )
    max_price_age_seconds: Seconds = Field(default=300, description="An older price values nothing.")
    check_equity: bool = Field(default=True, description="Compare with the equity the venue reports, where it does.")
    equity_tolerance_fraction: Decimal = Field(default=Decimal("0.01"), ge=0, le=1)
    refusal_backoff_hours: float = Field(
        default=24,
        ge=0,
        le=8760,
        description="A holding whose sale the venue refused is not tried again before this.",
    )
    balance_fetch_max_attempts: int = Field(default=3, ge=1, le=10, description="Tries of one read.")
    balance_fetch_base_delay: Seconds = Field(default=2.0, description="Wait after the first try; doubles, 30 at most.")
    balance_stale_warning_minutes: float = Field(
        default=30, gt=0, le=10_080, allow_inf_nan=False, description="A balance older than this is warned of."
    )
    balance_error_alert: int = Field(default=3, ge=1, le=100, description="Failed reads in a row that raise an alert.")
    allow_stale_balance_minutes: float = Field(
        default=0,
        ge=0,
        le=1440,
        allow_inf_nan=False,
        description="Entries go on while the balance is unreadable and the last one is not older than this.",
    )
    breaker_failure_threshold: int = Field(
        default=5, ge=1, le=1000, description="Failed calls in a row that open a circuit breaker."
    )
    breaker_recovery_seconds: Seconds = Field(
        default=60, description="How long it stays open before one call may try; grows with every opening in a row."
    )
    breaker_success_threshold: int = Field(
        default=2, ge=1, le=100, description="Calls in a row that must succeed before it closes."
    )
    restricted_symbols: tuple[Symbol, ...] = Field(
        default=(), description="No entry is allowed in these, whatever their price."
    )
    symbol_freeze_threshold: int = Field(default=3, ge=1, le=100, description="Price failures that freeze a symbol.")
    symbol_freeze_cooldown_hours: float = Field(default=24, ge=0, le=8760)
    stop_loss_fraction: Decimal | None = Field(
        default=Decimal("0.03"),
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="A position is left when it has lost more than this since its entry: 0.03 is 3 %; null: never.",
    )
    take_profit_fraction: Decimal | None = Field(
        default=Decimal("0.08"),
        gt=0,
        le=100,
        allow_inf_nan=False,
        description="A position is left when it has gained more than this since its entry; null: never.",
    )
    trailing_stop_fraction: Decimal | None = Field(
        default=Decimal("0.05"),
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="A position is left when it has fallen by more than this from its highest price; null: never.",
    )
    max_hold_hours: float | None = Field(
        default=24,
        gt=0,
        le=87_600,
        allow_inf_nan=False,
        description="A position is left when it was first seen longer ago than this; null: never.",
    )
    risk_max_position_usd: Usd | None = Field(
        default=Decimal(1000), description="The most that one entry may cost; null: no limit."
    )
    risk_max_exposure_usd: Usd | None = Field(
        default=Decimal(5000),
        description="The most that positions and the entry may be worth together; null: no limit.",
    )
    risk_max_positions: int | None = Field(
        default=10, ge=1, le=NO_CAP, description="No entry from so many positions on; null: no limit beside the cap."
    )
    risk_max_daily_loss_usd: Usd | None = Field(
        default=Decimal(500),
        description="An account that has lost more than this since the day began in UTC enters nothing until it ends; "
        "null: never.",
    )
    risk_max_drawdown_fraction: Decimal | None = Field(
        default=Decimal("0.20"),
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="An account that is further below its highest equity enters nothing until a person says so: "
        "0.2 is 20 %; null: never.",
    )
    max_round_trip_fee_fraction: Decimal | None = Field(
        default=Decimal("0.025"),
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="No entry where the fees of buying and selling again take more of it: 0.025 is 2.5 %; null: any.",
    )
    minimum_balance_usd: Usd = Field(default=Decimal(10), description="No entry while the equity is below this.")
    low_balance_warning_usd: Usd = Field(default=Decimal(50), description="An equity below this is warned of.")
    entry_reservation_seconds: Seconds = Field(default=15, description="How long an allowed entry keeps its slot.")
    sizing_method: SizingMethod = Field(
        default=SizingMethod.TIERS,
        description="How the size of an entry follows volatility: tiers only make it smaller, inverse_volatility "
        "makes it larger too where it is calm.",
    )
    sizing_base_volatility_fraction: Decimal = Field(
        default=Decimal("0.10"),
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Where inverse_volatility leaves a size as it is; at half of it the size doubles.",
    )
    sizing_cap_fraction: Decimal = Field(
        default=Decimal("0.20"),
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="The most of the account's equity that inverse_volatility makes of one entry.",
    )

    rebalance_apply: bool = Field(
        default=False, description="Rebalancing may trade the account to its strategies' weights; false: it only plans."
    )
    rebalance_threshold_fraction: Decimal = Field(
        default=Decimal("0.02"),
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="A weight that is off by less than this is left as it is: 0.02 is 2 % of what is rebalanced.",
    )
    rebalance_result_max_age_days: float = Field(
        default=35,
        gt=0,
        le=3650,
        allow_inf_nan=False,
        description="Nothing is rebalanced by a backtest whose prices end longer ago than this.",
    )

    _version: str | None = PrivateAttr(default=None)  # of the whole policy, where this is a part of it

    @property
    def rebalances_against_its_exits(self) -> bool:
        """Whether rebalancing may trade, and a time limit sells whatever it holds."""
        return self.rebalance_apply and self.max_hold_hours is not None

    @model_validator(mode="after")
    def _thresholds_ascend(self) -> Self:
        if not self.dust_threshold_usd <= self.minimum_position_usd <= self.consolidation_threshold_usd:
            raise ValueError(
                "expected dust_threshold_usd <= minimum_position_usd <= consolidation_threshold_usd, found "
                f"{self.dust_threshold_usd}, {self.minimum_position_usd}, {self.consolidation_threshold_usd}",
            )
        return self

    def scoped(self, scope: Scope) -> Self:
        """Return the policy that asks for one part of this one; it goes by this one's version."""
        if scope is Scope.ALL:
            return self
        asks_less: dict[str, Any] = {
            "minimum_position_usd": self.dust_threshold_usd,
            "consolidation_threshold_usd": self.dust_threshold_usd,
        }
        if scope is not Scope.CAP:
            asks_less["max_positions"] = NO_CAP
        if scope is not Scope.DUST:
            asks_less["dust_cleanup_dry_run"] = True
        narrowed = self.model_copy(update=asks_less)
        narrowed._version = self.version  # noqa: SLF001 - of its own class
        return narrowed

    @property
    def version(self) -> str:
        """Twelve hex digits that change with any value: every plan and order names the version it was made under."""
        if self._version is not None:
            return self._version
        values = {k: plain(v) if isinstance(v, Decimal) else v for k, v in self.model_dump().items()}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def risk_limits(self) -> RiskLimits:
        """The most that the account may have at stake."""
        return RiskLimits(
            position=self.risk_max_position_usd,
            exposure=self.risk_max_exposure_usd,
            positions=self.risk_max_positions,
            daily_loss=self.risk_max_daily_loss_usd,
            drawdown_fraction=self.risk_max_drawdown_fraction,
        )

    @property
    def sizing(self) -> SizingLimits:
        """How an entry is sized by volatility."""
        return SizingLimits(
            method=self.sizing_method,
            base_volatility=self.sizing_base_volatility_fraction,
            cap=self.sizing_cap_fraction,
        )

    @property
    def regrown_threshold_usd(self) -> Decimal:
        """From this value a holding once marked as dust counts towards the cap again."""
        return self.dust_threshold_usd * self.dust_hysteresis
