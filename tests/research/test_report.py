"""A report says what a backtest did: months that multiply to the whole, curves with their ends, points, the page."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.backtest import Backtested
from models.backtest_report import BacktestReport, CompareReport
from research.bars import Bars
from research.engine import run
from research.metrics import measure
from research.months import monthly
from research.pages.page import backtest_page, compare_page, years_of
from research.pictures import curves_png, equity_png, fallen
from research.registry import found
from research.report import compared, report_of
from research.result import Result
from research.thinning import thinned
from research.words import name_of, written
from tests.builders import NOW
from tests.research.walks import a_trend_that_turns, a_walk

EVIL = "</script><img src=x onerror=alert(1)>"


def a_report(bars: Bars, name: str = "sma-cross", **parameters: Any) -> tuple[BacktestReport, Result]:
    strategy = found().named(name).built(parameters)
    result = run(bars, strategy.decided(bars))
    about = Backtested(name, strategy.values(), "binance", bars.symbol, "1h")
    return report_of(strategy, result, measure(result), about, data=f"binance {bars.symbol} 1h", now=NOW), result


def test_months_multiply_to_the_whole_return() -> None:
    report, result = a_report(a_trend_that_turns(4_000, 1), fast=5, slow=20)
    whole = np.prod([1 + month.return_fraction for month in report.months])

    assert whole - 1 == pytest.approx(report.figures["return_fraction"])
    assert next((m.year, m.month) for m in monthly(result)) == (2023, 11)
    assert len({(m.year, m.month) for m in report.months}) == len(report.months) == 6
    years = years_of(report.months)
    assert [(row.year, sum(value is not None for value in row.months)) for row in years] == [(2023, 2), (2024, 4)]
    assert (1 + years[0].whole) * (1 + years[1].whole) == pytest.approx(whole)


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=300), st.integers(4, 60))
def test_a_thinned_curve_keeps_its_ends_its_highest_and_its_lowest(values: list[float], most: int) -> None:
    curve = np.array(values)

    at = thinned(curve, most)

    assert len(at) <= max(most, 4)
    assert (at[0], at[-1]) == (0, len(curve) - 1)
    assert (curve[at].max(), curve[at].min()) == (curve.max(), curve.min())
    assert (np.diff(at) > 0).all()


def test_the_recommendation_and_every_figure_stand_in_the_report() -> None:
    report, result = a_report(a_trend_that_turns(2_000, 3), fast=5, slow=20)

    assert report.recommendation.total == sum(one.points for one in report.recommendation.points)
    assert report.recommendation.trades == len(report.trades) == len(result.trades)
    assert report.figures["final_equity"] == report.equity[-1][1] == result.equity[-1]
    assert set(report.buy_and_hold) < set(report.figures)
    assert sum(trade.pnl for trade in report.trades) == pytest.approx(result.equity[-1] - 10_000)
    assert (report.since, report.bars) == (datetime.fromtimestamp(int(result.time[0]), UTC), 2_000)


def test_without_a_trade_it_failed_and_what_is_not_defined_is_named() -> None:
    report, _ = a_report(a_walk(60, 1), fast=30, slow=59)

    assert (report.recommendation.verdict, report.recommendation.too_few_trades) == ("FAILED", True)
    assert report.figures["win_rate"] is None
    assert report.undefined["win_rate"] == "no_trades"


def test_side_by_side_the_best_of_a_row_is_marked_by_what_is_better() -> None:
    bars = a_trend_that_turns(2_000, 3)
    reports = [a_report(bars, fast=5, slow=20)[0], a_report(bars, "rsi")[0]]

    rows = {row.figure: row for row in compared(reports)}

    for figure, better in (("return_fraction", max), ("drawdown_fraction", min), ("fees_quote", min)):
        values = [report.figures[figure] or 0.0 for report in reports]
        assert rows[figure].best == [values.index(better(values))]
    assert rows["trades"].best == []
    same = compared([reports[0], reports[0]])
    assert all(row.best == [] for row in same)


def test_a_page_stands_alone_and_escapes_every_text() -> None:
    report, result = a_report(replace(a_trend_that_turns(6_000, 1), symbol=EVIL), fast=5, slow=20)
    report = report.model_copy(update={"data": EVIL})
    compared_report = CompareReport(
        data=EVIL,
        since=report.since,
        until=report.until,
        bars=report.bars,
        backtests=[report, report],
        rows=compared([report, report]),
        buy_and_hold=report.buy_and_hold,
    )

    for page in (backtest_page(report, result), compare_page(compared_report)):
        own = page.replace(re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0], "")  # without the library
        assert EVIL not in page
        assert "<img" not in own
        assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", own)
        assert own.count("</script>") == page.count("</script>") <= 4
    assert "thinned" in backtest_page(report, result)


def test_pictures_are_png_and_drawdown_is_measured_from_the_peak() -> None:
    report, _ = a_report(a_walk(500, 2))

    assert equity_png("a $5 title_x^", report.equity, 10_000).startswith(b"\x89PNG")
    assert curves_png([("one", report.equity), ("two", report.equity)]).startswith(b"\x89PNG")
    assert fallen(np.array([100.0, 80.0, 120.0, 60.0])).tolist() == pytest.approx([0, 0.2, 0, 0.5])


@pytest.mark.parametrize(
    ("figure", "value", "words"),
    [
        ("return_fraction", 0.1234, "12.34%"),
        ("win_rate", 0.5, "50.00%"),
        ("sharpe", 1.237, "1.24"),
        ("trades", 1234, "1,234"),
        ("drawdown_seconds", 90_000, "1 d 1 h"),
        ("drawdown_seconds", 1_800, "30 min"),
        ("sharpe", None, "not defined"),
    ],
)
def test_a_figure_is_written_with_its_unit(figure: str, value: float | None, words: str) -> None:
    assert written(figure, value) == words
    assert name_of(figure)
