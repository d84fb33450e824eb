"""What a backtest, and a comparison of several, say to the outside. Fractions, not percent; fields grow by addition."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class TradeReport(_Report):
    """One trade. Prices in quote per base unit, slippage included; `pnl` after both fees, in quote.

    `is_open`: it was not closed, and is valued at the last close. `reason`: why it ended.
    """

    symbol: str
    side: str
    entered_at: datetime
    entry_price: float
    left_at: datetime
    exit_price: float
    quantity: float
    pnl: float
    return_fraction: float
    fees: float
    reason: str
    is_open: bool


class PointsReport(_Report):
    """What one figure earned of the points it could have; None: it is not defined."""

    figure: str
    value: float | None
    points: int
    most: int
    why: str


class RecommendationReport(_Report):
    """A verdict and all that it is made of. `too_few_trades`: fewer than `enough_trades`, which prove little."""

    verdict: str
    total: int
    points: list[PointsReport]
    trades: int
    enough_trades: int
    too_few_trades: bool
    words: str


class MonthReport(_Report):
    """What a month earned; the first and the last may be parts of one."""

    year: int
    month: int
    return_fraction: float


class BacktestReport(_Report):
    """One backtest. `since`: when the first bar opens, `until`: when the last one closes.

    `figures` by name, and the same of having bought at the first open and held; None: not defined, and `undefined` says
    why. `unfilled`: entries that led to no order, by reason. `ambiguous_bars`: in which the order of the extremes
    mattered and is not known. `equity`: thinned, (time, quote). `backtest_id`: its number in the store.
    """

    backtest_id: int | None
    measured_at: datetime
    strategy: str
    parameters: dict[str, int | float]
    data: str
    source: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    bars: int
    gaps: int
    settings: dict[str, float | int | str | bool | None]
    recommendation: RecommendationReport
    figures: dict[str, int | float | None]
    buy_and_hold: dict[str, int | float | None]
    undefined: dict[str, str]
    ambiguous_bars: int
    resolved_bars: int
    cut_entries: int
    unfilled: dict[str, int]
    months: list[MonthReport]
    trades: list[TradeReport]
    equity: list[tuple[datetime, float]]

    @property
    def label(self) -> str:
        """The strategy with its parameters, on one line."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.parameters.items())
        return f"{self.strategy} ({told})" if told else self.strategy


class ComparedRow(_Report):
    """One figure of every strategy, in the order of the backtests. `best`: places of the best; none: none is known."""

    figure: str
    values: list[float | None]
    best: list[int]


class CompareReport(_Report):
    """Two to four strategies on the same prices. `buy_and_hold`: the same figures of holding."""

    data: str
    since: datetime
    until: datetime
    bars: int
    backtests: list[BacktestReport]
    rows: list[ComparedRow]
    buy_and_hold: dict[str, int | float | None]
