"""Draw what an account was worth over time, as SVG in the colours of the page. Pure."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from math import floor, log10

from desk.views.accounts import EquityView

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 220, 72, 12, 12, 26
_LINES = 4
_DOTS_UP_TO = 60  # more of them hide the line
_STEPS = (1, 2, 2.5, 5, 10)


def equity_picture(points: Sequence[EquityView], quote: str) -> str:
    """Draw equity as a line with the cash under it; nothing for no points."""
    if not points:
        return ""
    times = [point.at for point in points]
    worth, cash = [float(point.equity) for point in points], [float(point.cash) for point in points]
    ticks = _ticks(min(worth), max(worth))
    low, high = ticks[0], ticks[-1]

    def x(at: datetime) -> float:
        span = (times[-1] - times[0]).total_seconds()
        share = 0.5 if not span else (at - times[0]).total_seconds() / span
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y(t) + 4:.1f}" text-anchor="end">{_amount(t, ticks)}</text>'
        for t in ticks
    )
    line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in zip(times, worth, strict=True))
    area = f"{x(times[0]):.1f},{y(low):.1f} {line} {x(times[-1]):.1f},{y(low):.1f}"
    drawn = f'<polygon class="area-1" points="{area}"/><polyline class="line line-1" points="{line}"/>'
    dots = range(len(points)) if len(points) <= _DOTS_UP_TO else (len(points) - 1,)
    told = "".join(
        f'<circle class="dot line-1" cx="{x(times[i]):.1f}" cy="{y(worth[i]):.1f}" r="3">'
        f"<title>{times[i]:%Y-%m-%d %H:%M} UTC: {points[i].equity} {escape(quote)}, "
        f"{points[i].cash} of it cash</title></circle>"
        for i in dots
    )
    name = f"Equity from {points[0].equity} to {points[-1].equity} {quote}, now {cash[-1]:.2f} of it cash"
    ends = (
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{times[0]:%Y-%m-%d %H:%M}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{times[-1]:%Y-%m-%d %H:%M} UTC</text>'
    )
    size = f"0 0 {_WIDTH} {_HEIGHT}"
    return f'<svg viewBox="{size}" role="img" aria-label="{escape(name)}">{grid}{drawn}{told}{ends}</svg>'


def _ticks(least: float, most: float) -> list[float]:
    """Return round values, evenly apart, that enclose both."""
    span = (most - least) or max(abs(most) * 0.02, 1.0)
    rough = span / _LINES
    scale = 10 ** floor(log10(rough))
    step = next(s * scale for s in _STEPS if s * scale >= rough)
    first = floor(least / step) * step
    count = 1
    while first + count * step < most or count < _LINES - 1:
        count += 1
    return [first + number * step for number in range(count + 1)]


def _amount(value: float, ticks: Sequence[float]) -> str:
    digits = max(0, -floor(log10(ticks[1] - ticks[0])))
    return f"{value:,.{min(digits, 8)}f}"
