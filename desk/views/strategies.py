"""Strategies side by side: which there are, what was tested, and two to four of them on one page."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from desk.desk import Desk
from desk.listing import Column, Kind, Listing, Tone
from flows.backtest_request import MOST_COMPARED
from models.backtest import KeptBacktest
from models.backtest_report import ComparedRow
from models.errors import ConfigError, NotFound
from models.history import utc
from models.store.backtests import backtest, backtests
from models.store.candles import known_series
from research.registry import found
from research.report import compared_figures
from research.words import name_of, written

LEAST_COMPARED = 2
MOST_KEPT = 1000
VERDICT_TONES = {"EXCELLENT": Tone.GOOD, "GOOD": Tone.GOOD, "MARGINAL": Tone.WARN, "FAILED": Tone.BAD}


class ParameterView(BaseModel):
    """One parameter of a strategy, and what it may be."""

    model_config = ConfigDict(frozen=True)

    name: str
    default: float
    lowest: float
    highest: float
    is_whole: bool


class StrategyView(BaseModel):
    """One strategy. `series`: how many series of prices it reads; `problem`: why it cannot be used, empty: it can."""

    model_config = ConfigDict(frozen=True)

    name: str
    says: str
    series: int
    parameters: list[ParameterView]
    problem: str = ""


class ResultView(BaseModel):
    """A backtest that is kept. Fractions, not percent; a figure that is None is not defined."""

    model_config = ConfigDict(frozen=True)

    backtest_id: int
    strategy: str
    label: str
    source: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    bars: int
    measured_at: datetime
    verdict: str
    points: int
    trades: int
    return_fraction: float | None
    sharpe: float | None
    drawdown_fraction: float | None

    @property
    def prices(self) -> str:
        """Whose prices it was tested on."""
        return f"{self.source} {self.symbol} {self.timeframe}"


class CurvePoint(BaseModel):
    """How a strategy stood at one instant: as a part of what it began with, and how far below its peak, a fraction."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    equity: float
    drawdown: float


class Comparison(BaseModel):
    """Two to four backtests. `best`: places of the best; `same_prices` False: they were not tested on the same."""

    model_config = ConfigDict(frozen=True)

    results: list[ResultView]
    rows: list[ComparedRow]
    curves: list[list[CurvePoint]]
    same_prices: bool


def strategies() -> list[StrategyView]:
    """Return the strategies there are, and those that cannot be used with why."""
    registry = found()
    usable = [
        StrategyView(
            name=name,
            says=kind.says,
            series=kind.series,
            parameters=[
                ParameterView(
                    name=one.name,
                    default=one.default,
                    lowest=one.bounds.low,
                    highest=one.bounds.high,
                    is_whole=one.is_whole,
                )
                for one in kind.declared()
            ],
        )
        for name, kind in sorted(registry.classes.items())
    ]
    broken = [StrategyView(name=b.name, says="", series=0, parameters=[], problem=b.problem) for b in registry.broken]
    return usable + broken


async def stored_series(desk: Desk) -> list[str]:
    """Return the series whose prices are stored, as they are called everywhere. Raises: StoreError."""
    return sorted(str(series) for _, series in await known_series(desk.store))


async def results(desk: Desk, *, strategy: str | None = None) -> list[ResultView]:
    """Return the backtests that are kept, newest first. Raises: StoreError."""
    return [_result(one) for one in await backtests(desk.store, limit=MOST_KEPT, strategy=strategy)]


async def comparison(desk: Desk, ids: Sequence[int]) -> Comparison:
    """Put kept backtests side by side. Raises: ConfigError for too few or too many, NotFound, StoreError."""
    chosen = list(dict.fromkeys(ids))
    if not LEAST_COMPARED <= len(chosen) <= MOST_COMPARED:
        raise ConfigError("ids", f"{len(chosen)} backtests are named", f"{LEAST_COMPARED} to {MOST_COMPARED} of them")
    kept = []
    for number in chosen:
        one = await backtest(desk.store, number)
        if one is None:
            raise NotFound("backtest", str(number))
        kept.append(one)
    prices = {(one.tested.source, one.tested.symbol, one.tested.timeframe, one.since, one.until) for one in kept}
    return Comparison(
        results=[_result(one) for one in kept],
        rows=compared_figures([one.points for one in kept], [one.figures for one in kept]),
        curves=[_curve(one) for one in kept],
        same_prices=len(prices) == 1,
    )


def side_by_side(compared: Comparison) -> Listing[ComparedRow]:
    """Return the list of a comparison's figures: a column for each strategy, its best marked with a star."""
    labels = [one.label for one in compared.results]
    names = [
        label if labels.count(label) == 1 else f"{label} #{one.backtest_id}"
        for label, one in zip(labels, compared.results, strict=True)
    ]
    figure: Column[ComparedRow] = Column("figure", "Figure", lambda row: name_of(row.figure))
    return Listing(
        "strategy-comparison",
        (figure, *(_column(place, name) for place, name in enumerate(names))),
        key=lambda row: row.figure,
    )


def _column(place: int, name: str) -> Column[ComparedRow]:
    return Column(
        f"strategy_{place}",
        name,
        lambda row: row.values[place],
        Kind.NUMBER,
        shown=lambda row: written(row.figure, row.values[place]) + (" ★" if place in row.best else ""),
        tone=lambda row: Tone.GOOD if place in row.best else Tone.PLAIN,
    )


def _result(kept: KeptBacktest) -> ResultView:
    tested, figures = kept.tested, kept.figures
    return ResultView(
        backtest_id=kept.backtest_id,
        strategy=tested.strategy,
        label=tested.words,
        source=tested.source,
        symbol=tested.symbol,
        timeframe=tested.timeframe,
        since=kept.since,
        until=kept.until,
        bars=kept.bars,
        measured_at=kept.measured_at,
        verdict=kept.verdict,
        points=kept.points,
        trades=kept.trades,
        **{name: figures.get(name) for name in ("return_fraction", "sharpe", "drawdown_fraction")},
    )


def _curve(kept: KeptBacktest) -> list[CurvePoint]:
    if not kept.equity or kept.equity[0][1] <= 0:
        return []
    began, peak, found_points = kept.equity[0][1], 0.0, []
    for seconds, value in kept.equity:
        peak = max(peak, value)
        found_points.append(CurvePoint(at=utc(seconds), equity=value / began, drawdown=1 - value / peak))
    return found_points


RESULTS: Listing[ResultView] = Listing(
    "backtests",
    (
        Column("backtest_id", "No.", lambda r: r.backtest_id, Kind.NUMBER),
        Column("label", "Strategy", lambda r: r.label, Kind.LONG),
        Column("prices", "Prices", lambda r: r.prices),
        Column("since", "From (UTC)", lambda r: r.since, Kind.TIME),
        Column("until", "Until (UTC)", lambda r: r.until, Kind.TIME),
        Column(
            "verdict",
            "Verdict",
            lambda r: r.verdict,
            Kind.STATE,
            tone=lambda r: VERDICT_TONES.get(r.verdict, Tone.PLAIN),
        ),
        Column("points", "Points", lambda r: r.points, Kind.NUMBER),
        Column(
            "return_fraction",
            "Return",
            lambda r: r.return_fraction,
            Kind.NUMBER,
            shown=lambda r: written("return_fraction", r.return_fraction),
        ),
        Column("sharpe", "Sharpe", lambda r: r.sharpe, Kind.NUMBER, shown=lambda r: written("sharpe", r.sharpe)),
        Column(
            "drawdown_fraction",
            "Drawdown",
            lambda r: r.drawdown_fraction,
            Kind.NUMBER,
            shown=lambda r: written("drawdown_fraction", r.drawdown_fraction),
        ),
        Column("trades", "Trades", lambda r: r.trades, Kind.NUMBER),
        Column("measured_at", "Tested (UTC)", lambda r: r.measured_at, Kind.TIME),
    ),
    key=lambda r: str(r.backtest_id),
)
