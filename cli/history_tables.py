"""Tables of `nija history`: what was collected, what is missing, and a calendar of what is there."""

from collections.abc import Sequence
from datetime import date, timedelta

from rich.table import Table
from rich.text import Text

from cli.console import note, out
from models.history_report import (
    AuditOutcome,
    CollectReport,
    CoverageReport,
    DayReport,
    GapsReport,
    SeriesCoverage,
    SeriesReport,
    SeriesState,
)

_STATE = {
    SeriesState.COMPLETE: "green",
    SeriesState.OPEN: "yellow",
    SeriesState.OUTAGE: "bold red",
    SeriesState.REFUSED: "bold red",
    SeriesState.FAILED: "bold red",
    SeriesState.HELD: "dim",
}
_WEEK = 7
_CELL = "■"
_NONE, _PARTLY, _WHOLE, _ABSENT = "red", "yellow", "green", "bright_black"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def show_collected(report: CollectReport) -> None:
    """Print one row a series, and the run in one line."""
    table = Table("series", "", title="History", title_justify="left")
    for column in ("wanted", "requests", "stored", "rejected", "no trade", "not there", "missing"):
        table.add_column(column, justify="right")
    table.add_column("why", overflow="fold")
    for one in report.series:
        table.add_row(*_collected(one))
    out.print(table)
    speed = "" if report.rows_per_second is None else f", {report.rows_per_second:,.0f} rows/s"
    note(
        f"{report.requests} requests, {report.received} rows{speed}: {report.accepted} stored, "
        f"{report.rejected} rejected; {report.missing} candles missing"
    )


def _collected(one: SeriesReport) -> tuple[str | Text, ...]:
    counts = (one.wanted, one.requests, one.accepted, one.rejected, one.no_trade, one.not_there, one.missing)
    why = Text(f"{one.code} {one.message}".strip())
    return (Text(one.name), Text(one.state, style=_STATE[one.state]), *(f"{n:,}" for n in counts), why)


def show_gaps(report: GapsReport) -> None:
    """Print one row a gap."""
    if not report.gaps:
        out.print(f"nothing is missing in {report.series} series")
        return
    table = Table("series", "from (UTC)", "up to", title="Gaps", title_justify="left")
    table.add_column("candles", justify="right")
    table.add_column("known")
    for gap in report.gaps:
        known = Text("no" if gap.known is None else gap.known.replace("_", " "), style="" if gap.known else "yellow")
        name = Text(f"{gap.source} {gap.symbol} {gap.timeframe}")
        table.add_row(name, f"{gap.start:%Y-%m-%d %H:%M}", f"{gap.end:%Y-%m-%d %H:%M}", f"{gap.candles:,}", known)
    out.print(table)
    note(f"{report.missing} candles missing without a reason, in {report.series} series")


def show_coverage(report: CoverageReport) -> None:
    """Print a calendar a series: a row a weekday, a column a week, a coloured cell a day."""
    if not report.series:
        out.print("nothing is stored yet: nija history collect")
        return
    for one in report.series:
        part = "nothing is there" if one.fraction is None else f"{one.fraction:.2%} there"
        counts = f"{one.there:,} of {one.expected:,}, {one.absent:,} known to be absent, {one.missing:,} missing"
        out.print(Text.assemble((one.name, "bold"), f": {part} ({counts})"))
        out.print(_calendar(one))
    legend = ((_WHOLE, "whole"), (_PARTLY, "in part"), (_NONE, "nothing"), (_ABSENT, "known to be absent"))
    out.print(Text.assemble(*(part for style, word in legend for part in ((_CELL, style), f" {word}  "))))


def _calendar(one: SeriesCoverage) -> Text:
    """Return the weeks of a series side by side, as many to a line as fit."""
    if not one.days:
        return Text()
    days = {day.day: day for day in one.days}
    first = min(days) - timedelta(days=min(days).weekday())
    weeks = [first + timedelta(days=_WEEK * n) for n in range((max(days) - first).days // _WEEK + 1)]
    fit = max(1, out.width - len(_DAYS[0]) - 1)
    drawn = Text()
    for start in range(0, len(weeks), fit):
        drawn.append(_weeks(days, weeks[start : start + fit]))
    return drawn


def _weeks(days: dict[date, DayReport], weeks: Sequence[date]) -> Text:
    drawn = Text(f"{weeks[0]:%Y-%m-%d}\n", style="dim")
    for weekday, name in enumerate(_DAYS):
        drawn.append(f"{name} ", style="dim")
        for week in weeks:
            drawn.append_text(_cell(days.get(week + timedelta(days=weekday))))
        drawn.append("\n")
    return drawn


def _cell(day: DayReport | None) -> Text:
    if day is None:
        return Text(" ")
    if day.there == 0 and day.absent >= day.expected:
        return Text(_CELL, style=_ABSENT)
    if day.there + day.absent >= day.expected:
        return Text(_CELL, style=_WHOLE)
    return Text(_CELL, style=_PARTLY if day.there else _NONE)


def show_audit(audited: AuditOutcome) -> None:
    """Print what is not as expected, and where the page is."""
    broken = [check for check in audited.report.checks if not check.passed]
    if broken:
        table = Table("suite", "expected", "where", title="Not as expected", title_justify="left")
        table.add_column("found", overflow="fold")
        for check in broken:
            for finding in check.findings:
                table.add_row(check.suite, Text(check.says), Text(finding.subject), Text(finding.found))
        out.print(table)
    words = f"{audited.expectations - audited.failures} of {audited.expectations} expectations met"
    out.print(words, style="green" if audited.passed else "bold red")
    out.print(f"the page: {audited.page}", markup=False, soft_wrap=True)
