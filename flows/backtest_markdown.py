"""A backtest, and a comparison, as markdown for the Prefect UI."""

from models.backtest_report import BacktestReport, CompareReport
from research.words import name_of, written


def backtest_markdown(report: BacktestReport) -> str:
    """Write a backtest: the verdict with its points, the figures beside holding, what is not certain."""
    found = report.recommendation
    span = f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"# {_plain(report.label)} on {_plain(report.data)}: {found.verdict}",
        "",
        f"{span}, {report.bars:,} bars, backtest {report.backtest_id}.",
        "",
        f"{found.words}.",
        "",
        "| points | is | earned | why |",
        "|---|---|---|---|",
    ]
    lines += [f"| {p.figure} | {written(p.figure, p.value)} | {p.points} of {p.most} | {p.why} |" for p in found.points]
    lines += ["", "| figure | strategy | buy and hold |", "|---|---|---|"]
    for name, value in report.figures.items():
        held = written(name, report.buy_and_hold[name]) if name in report.buy_and_hold else ""
        lines.append(f"| {name_of(name)} | {written(name, value)} | {held} |")
    if report.ambiguous_bars:
        lines += ["", f"{report.ambiguous_bars:,} bars in which the order of high and low is not known."]
    return "\n".join(lines) + "\n"


def compare_markdown(report: CompareReport) -> str:
    """Write a comparison: a row for each figure, the best of it in bold."""
    heads = [_plain(one.label) for one in report.backtests]
    lines = [
        f"# {len(heads)} strategies on {_plain(report.data)}",
        "",
        f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC, {report.bars:,} bars.",
        "",
        f"| | {' | '.join(heads)} | buy and hold |",
        "|---" * (len(heads) + 2) + "|",
        f"| verdict | {' | '.join(one.recommendation.verdict for one in report.backtests)} | |",
    ]
    for row in report.rows:
        values = [written(row.figure, value) for value in row.values]
        cells = [f"**{cell}**" if place in row.best else cell for place, cell in enumerate(values)]
        held = written(row.figure, report.buy_and_hold[row.figure]) if row.figure in report.buy_and_hold else ""
        lines.append(f"| {name_of(row.figure)} | {' | '.join(cells)} | {held} |")
    return "\n".join(lines) + "\n"


def compared_table(report: CompareReport) -> list[dict[str, str]]:
    """Return the same as rows of a table."""
    return [
        {"figure": name_of(row.figure)}
        | {
            one.label: f"{written(row.figure, value)}{' *' if place in row.best else ''}"
            for place, (one, value) in enumerate(zip(report.backtests, row.values, strict=True))
        }
        for row in report.rows
    ]


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
