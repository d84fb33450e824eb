"""Put a backtest's report together: what was tested, its figures, the recommendation, the trades. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from models.backtest import Backtested
from models.backtest_report import (
    BacktestReport,
    ComparedRow,
    MonthReport,
    PointsReport,
    RecommendationReport,
    TradeReport,
)
from models.history import utc
from research.metrics import Metrics
from research.months import monthly
from research.result import Result
from research.settings import BacktestSettings
from research.strategies.base import Strategy
from research.thinning import thinned
from rules.recommendation import FEW_TRADES, Recommendation, recommend

EQUITY_POINTS = 500
# Figures of which less is better; of what is not here more is.
_LESS = frozenset({"drawdown_fraction", "drawdown_seconds", "fees_quote"})
# Figures that say how a strategy trades, and not how well.
_NEITHER = frozenset({"exposure_fraction", "turnover", "trades"})


def report_of(
    strategy: Strategy, result: Result, metrics: Metrics, about: Backtested, *, data: str, now: datetime
) -> BacktestReport:
    """Return the report of a backtest that is not kept yet."""
    step = result.bars[0].step_seconds
    at = thinned(result.equity, EQUITY_POINTS)
    figures = asdict(metrics)
    undefined, of_holding = figures.pop("undefined"), figures.pop("buy_and_hold")
    held = {name: value for name, value in of_holding.items() if name in figures}
    return BacktestReport(
        backtest_id=None,
        measured_at=now,
        strategy=strategy.name,
        parameters=strategy.values(),
        data=data,
        source=about.source,
        symbol=about.symbol,
        timeframe=about.timeframe,
        since=utc(int(result.time[0])),
        until=utc(int(result.time[-1]) + step),
        bars=len(result.time),
        gaps=result.gaps,
        settings=_settings(result.settings),
        recommendation=_recommendation(
            recommend(
                return_fraction=metrics.return_fraction,
                win_rate=metrics.win_rate,
                sharpe=metrics.sharpe,
                drawdown_fraction=metrics.drawdown_fraction,
                trades=metrics.trades,
            )
        ),
        figures=figures,
        buy_and_hold=held,
        undefined={name: why.value for name, why in undefined.items()},
        ambiguous_bars=result.ambiguous_bars,
        resolved_bars=result.resolved_bars,
        cut_entries=result.cut_entries,
        unfilled={why.value: count for why, count in result.unfilled.items() if count},
        months=[MonthReport(**asdict(month)) for month in monthly(result)],
        trades=_trades(result),
        equity=[(utc(int(result.time[n])), float(result.equity[n])) for n in at],
    )


def compared(reports: list[BacktestReport]) -> list[ComparedRow]:
    """Return each figure of all backtests side by side, the best of each marked where there is such a thing."""
    return compared_figures([one.recommendation.total for one in reports], [one.figures for one in reports])


def compared_figures(points: Sequence[int], figures: Sequence[Mapping[str, float | None]]) -> list[ComparedRow]:
    """Do the same with the points and figures alone, as they are kept; a figure that one does not have is None."""
    rows = [_row("points", [float(total) for total in points])]
    return rows + [_row(name, [one.get(name) for one in figures]) for name in figures[0]]


def _row(figure: str, values: list[float | None]) -> ComparedRow:
    known = [value for value in values if value is not None]
    if figure in _NEITHER or not known or len(set(known)) == 1:
        return ComparedRow(figure=figure, values=values, best=[])
    best = min(known) if figure in _LESS else max(known)
    return ComparedRow(figure=figure, values=values, best=[n for n, value in enumerate(values) if value == best])


def _settings(settings: BacktestSettings) -> dict[str, float | int | str | bool | None]:
    size, limits = settings.size, settings.limits
    return {
        "initial_cash": settings.initial_cash,
        "fee_fraction": settings.fee_fraction,
        "slippage_fraction": settings.slippage_fraction,
        "max_positions": settings.max_positions,
        "allow_short": settings.allow_short,
        "size_quote": size.quote or None,
        "size_fraction": size.fraction or None,
        "sizing": None if size.method is None else size.method.value,
        "stop_loss_fraction": limits.stop_loss_fraction,
        "take_profit_fraction": limits.take_profit_fraction,
        "trailing_stop_fraction": limits.trailing_stop_fraction,
        "longest_hold_seconds": limits.longest_hold_seconds,
        "at_end": settings.at_end.value,
    }


def _recommendation(found: Recommendation) -> RecommendationReport:
    return RecommendationReport(
        verdict=found.verdict.value,
        total=found.total,
        points=[PointsReport(**asdict(one)) for one in found.points],
        trades=found.trades,
        enough_trades=FEW_TRADES,
        too_few_trades=found.too_few_trades,
        words=found.words,
    )


def _trades(result: Result) -> list[TradeReport]:
    return [
        TradeReport(
            symbol=row["symbol"],
            side=row["side"],
            entered_at=row["entry_time"],
            entry_price=row["entry_price"],
            left_at=row["exit_time"],
            exit_price=row["exit_price"],
            quantity=row["quantity"],
            pnl=row["pnl"],
            return_fraction=row["return_fraction"],
            fees=row["entry_fee"] + row["exit_fee"],
            reason=row["reason"],
            is_open=row["open"],
        )
        for row in result.table().to_dict("records")
    ]
