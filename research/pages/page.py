"""Draw a backtest, or a comparison, as one HTML page that stands alone: its script is in it, nothing else is loaded.

Every text is escaped: symbols, file names and parameters come from outside.
"""

from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.backtest_report import BacktestReport, CompareReport, MonthReport
from research.pages.charts import MOST_POINTS, MOST_SYMBOLS, MOST_TRADES, backtest_chart, compare_chart, plotly_script
from research.result import Result
from research.words import name_of, written

_SHOWN = 200  # trades of the table; the report itself keeps all
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class _Year:
    year: int
    months: tuple[float | None, ...]
    whole: float


def backtest_page(report: BacktestReport, result: Result) -> str:
    """Return the page of one backtest."""
    return _render(
        "backtest.html",
        report=report,
        chart=backtest_chart(result),
        years=years_of(report.months),
        month_names=_MONTHS,
        shown=_SHOWN,
        notes=_notes(report, len(result.bars)),
    )


def compare_page(report: CompareReport) -> str:
    """Return the page of a comparison."""
    chart = compare_chart([(one.label, one.equity) for one in report.backtests])
    return _render("compare.html", report=report, chart=chart)


def years_of(months: list[MonthReport]) -> list[_Year]:
    """Return a row for each year, January first; None: there is no bar in that month."""
    rows = []
    for year in dict.fromkeys(month.year for month in months):
        there = {month.month: month.return_fraction for month in months if month.year == year}
        whole = 1.0
        for fraction in there.values():
            whole *= 1 + fraction
        rows.append(_Year(year, tuple(there.get(number) for number in range(1, 13)), whole - 1))
    return rows


def _notes(report: BacktestReport, symbols: int) -> str:
    notes = []
    if report.bars > MOST_POINTS:
        notes.append(f"lines are thinned to {MOST_POINTS:,} points, highs and lows kept")
    if len(report.trades) > MOST_TRADES:
        notes.append(f"of each symbol the newest {MOST_TRADES:,} trades are drawn")
    if symbols > MOST_SYMBOLS:
        notes.append(f"the prices of the first {MOST_SYMBOLS} of {symbols} symbols are drawn")
    return ("; ".join(notes) + ".").capitalize() if notes else ""


def _render(name: str, **parts: object) -> str:
    page = Environment(
        loader=PackageLoader("research.pages", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page.filters.update(
        minute=_minute,
        count=lambda number: f"{number:,}",
        words=name_of,
        figure=written,
        points=written,
        setting=_setting,
        percent=lambda fraction: f"{fraction:,.2%}",
        amount=lambda amount: f"{amount:+,.2f}",
        price=lambda price: f"{price:,.6g}",
        sign=_sign,
    )
    return page.get_template(name).render(plotly=plotly_script(), **parts)


def _setting(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return written(name, value) if isinstance(value, int | float) else str(value).replace("_", " ")


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"


def _sign(value: float | None) -> str:
    if value is None or value == 0:
        return ""
    return "good" if value > 0 else "bad"
