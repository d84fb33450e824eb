"""Pictures as SVG, in the colours of the page that they stand in: a calendar of coverage, a line over time. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape

from models.history_report import DayReport, SeriesCoverage

_CELL, _STEP, _LEFT, _TOP = 11, 13, 28, 16
_WEEKS, _WEEK = 53, 7
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL, _MOST, _SOME, _NONE, _ABSENT, _OUTSIDE = "cell-4", "cell-3", "cell-2", "cell-1", "cell-absent", "cell-0"
_MOSTLY = 0.9
LEVELS = (
    (_FULL, "complete"),
    (_MOST, "90 % and more"),
    (_SOME, "less"),
    (_NONE, "nothing"),
    (_ABSENT, "known not to exist"),
    (_OUTSIDE, "not asked for"),
)

_WIDTH, _HEIGHT, _PAD_LEFT, _PAD_RIGHT, _PAD_TOP, _PAD_BOTTOM = 720, 190, 44, 12, 12, 24


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line. `words`: what somebody reads who points at it; `is_bad`: it is drawn so."""

    at: datetime
    value: float
    words: str
    is_bad: bool = False


def level_of(day: DayReport) -> str:
    """Return the class of a day's cell: how much of what can be there is there."""
    possible = day.expected - day.absent
    if possible <= 0:
        return _ABSENT if day.expected else _OUTSIDE
    if day.there >= possible:
        return _FULL
    if day.there == 0:
        return _NONE
    return _MOST if day.there / possible >= _MOSTLY else _SOME


def calendar(covered: SeriesCoverage, *, until: date | None = None) -> str:
    """Draw 53 weeks of a series up to `until` (None: its last day): a column a week from Monday, a cell a day (UTC)."""
    last = until or (covered.days[-1].day if covered.days else date(1970, 1, 1))
    monday = last - timedelta(days=last.weekday(), weeks=_WEEKS - 1)
    shown = {day.day: day for day in covered.days if monday <= day.day <= last}
    cells: dict[str, list[str]] = {}
    told: list[str] = []
    for number in range((last - monday).days + 1):
        day = shown.get(monday + timedelta(days=number))
        level = _OUTSIDE if day is None else level_of(day)
        x, y = _LEFT + number // _WEEK * _STEP, _TOP + number % _WEEK * _STEP
        if day is None or level == _FULL:
            cells.setdefault(level, []).append(f"M{x} {y}h{_CELL}v{_CELL}h-{_CELL}z")
        else:
            told.append(f'<rect class="{level}" x="{x}" y="{y}" width="{_CELL}" height="{_CELL}">{_title(day)}</rect>')
    paths = "".join(f'<path class="{level}" d="{"".join(drawn)}"/>' for level, drawn in cells.items())
    words = f"{covered.name}: {_percent(covered.fraction)} there, {covered.missing} missing"
    size = f"0 0 {_LEFT + _WEEKS * _STEP} {_TOP + _WEEK * _STEP}"
    return (
        f'<svg viewBox="{size}" role="img" aria-label="{escape(words)}">{_labels(monday)}{paths}{"".join(told)}</svg>'
    )


def line(points: Sequence[Point], *, name: str, lowest: float = 0.0, highest: float = 1.0) -> str:
    """Draw a line over time between two values that are fractions, which the axis shows as percent."""
    if not points:
        return ""
    first, span = points[0].at, max((points[-1].at - points[0].at).total_seconds(), 1.0)
    inner = _WIDTH - _PAD_LEFT - _PAD_RIGHT

    def x(point: Point) -> float:
        alone = inner / 2 if len(points) == 1 else 0.0
        return _PAD_LEFT + alone + inner * (point.at - first).total_seconds() / span

    def y(value: float) -> float:
        return _PAD_TOP + (_HEIGHT - _PAD_TOP - _PAD_BOTTOM) * (1 - (value - lowest) / (highest - lowest))

    grid = "".join(
        f'<line class="grid" x1="{_PAD_LEFT}" x2="{_WIDTH - _PAD_RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="{_PAD_LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.0%}</text>'
        for v in (lowest + (highest - lowest) * part / 5 for part in range(6))
    )
    drawn = " ".join(f"{x(point):.1f},{y(point.value):.1f}" for point in points)
    dots = "".join(
        f'<circle class="dot {"bad" if p.is_bad else "line-1"}" cx="{x(p):.1f}" cy="{y(p.value):.1f}" r="3.5">'
        f"<title>{escape(p.words)}</title></circle>"
        for p in points
    )
    ends = "".join(
        f'<text x="{at:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{point.at:%Y-%m-%d}</text>'
        for at, anchor, point in _ends(points, x(points[0]))
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}">{grid}'
        f'<polyline class="line line-1" points="{drawn}"/>{dots}{ends}</svg>'
    )


def _ends(points: Sequence[Point], only: float) -> Iterable[tuple[float, str, Point]]:
    if len(points) == 1:
        return [(only, "middle", points[0])]
    return [(_PAD_LEFT, "start", points[0]), (_WIDTH - _PAD_RIGHT, "end", points[-1])]


def _labels(monday: date) -> str:
    days = "".join(
        f'<text x="0" y="{_TOP + row * _STEP + 9}">{word}</text>' for row, word in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
    )
    months = ""
    for week in range(_WEEKS - 1):
        start = monday + timedelta(weeks=week)
        if start.day <= _WEEK:
            months += f'<text x="{_LEFT + week * _STEP}" y="11">{_MONTHS[start.month - 1]}</text>'
    return days + months


def _title(day: DayReport) -> str:
    absent = f", {day.absent} known not to exist" if day.absent else ""
    return f"<title>{day.day}: {day.there} of {day.expected}{absent}</title>"


def _percent(fraction: float | None) -> str:
    return "nothing can be" if fraction is None else f"{fraction:.1%}"
