"""Tables of backtests for a person: the verdict with its points, figures beside holding, strategies side by side."""

from rich.table import Table
from rich.text import Text

from cli.console import out
from models.backtest_report import BacktestReport, CompareReport
from research.words import name_of, written

_STYLE = {"EXCELLENT": "bold green", "GOOD": "green", "MARGINAL": "yellow", "FAILED": "red"}


def show_backtest(report: BacktestReport) -> None:
    """Print one backtest."""
    found = report.recommendation
    out.print(Text.assemble((report.label, "bold"), f" on {report.data}: ", (found.words, _STYLE[found.verdict])))
    gaps = f", {report.gaps:,} gaps in them" if report.gaps else ""
    span = f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    out.print(f"{span}, {report.bars:,} bars{gaps}; backtest {report.backtest_id}", style="dim", markup=False)

    points = Table(title="Recommendation", title_justify="left")
    points.add_column("figure")
    points.add_column("is", justify="right")
    points.add_column("points", justify="right")
    points.add_column("why")
    for one in found.points:
        points.add_row(one.figure, written(one.figure, one.value), f"{one.points} of {one.most}", one.why)
    out.print(points)

    figures = Table(title="Figures", title_justify="left")
    figures.add_column("")
    figures.add_column("strategy", justify="right")
    figures.add_column("buy and hold", justify="right", style="dim")
    for name, value in report.figures.items():
        held = written(name, report.buy_and_hold[name]) if name in report.buy_and_hold else ""
        figures.add_row(name_of(name), written(name, value), held)
    out.print(figures)
    for line in _uncertain(report):
        out.print(line, style="yellow", markup=False)


def show_comparison(report: CompareReport) -> None:
    """Print several strategies side by side, the best of each row marked."""
    span = f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    table = Table(title=f"{report.data}, {span}, {report.bars:,} bars", title_justify="left")
    table.add_column("")
    for one in report.backtests:
        table.add_column(Text(one.label), justify="right", overflow="fold")
    table.add_column("buy and hold", justify="right", style="dim")
    verdicts = [one.recommendation for one in report.backtests]
    table.add_row("verdict", *(Text(one.verdict, style=_STYLE[one.verdict]) for one in verdicts), "")
    for row in report.rows:
        cells = [
            Text(
                written(row.figure, value) + (" *" if place in row.best else ""),
                style="green" if place in row.best else "",
            )
            for place, value in enumerate(row.values)
        ]
        held = written(row.figure, report.buy_and_hold[row.figure]) if row.figure in report.buy_and_hold else ""
        table.add_row(name_of(row.figure), *cells, held)
    out.print(table)
    out.print("* the best of its row", style="dim")
    for one in report.backtests:
        if one.recommendation.too_few_trades:
            out.print(f"{one.label}: {one.recommendation.words}", style="yellow", markup=False)


def _uncertain(report: BacktestReport) -> list[str]:
    """Say what a reader must not overlook."""
    lines = [f"{name_of(name)} is not defined: {name_of(why)}" for name, why in report.undefined.items()]
    if report.ambiguous_bars:
        lines.append(f"{report.ambiguous_bars:,} bars in which the order of high and low mattered and is not known")
    lines += [f"{count:,} entries not made: {name_of(why)}" for why, count in report.unfilled.items()]
    return lines
