"""Several curves over time in one picture that can be pointed at, in the colours of the page that it stands in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

Curve = Sequence[tuple[datetime, float]]
MOST = 4  # colours that are told apart


def curves(named: Sequence[tuple[str, Curve]], *, label: str, is_percent: bool = False) -> ui.echart:
    """Draw up to four curves; `is_percent`: their values are fractions, shown as percent."""
    unit = "value => (100 * value).toFixed(1) + ' %'" if is_percent else "value => value.toFixed(2)"
    options: dict[str, Any] = {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis", ":valueFormatter": unit, "confine": True},
        "xAxis": {
            "type": "time",
            "axisLine": {"lineStyle": {"color": "var(--edge)"}},
            "axisTick": {"show": False},
            "axisLabel": {"hideOverlap": True},
        },
        "yAxis": {
            "type": "value",
            "scale": not is_percent,
            "inverse": is_percent,
            "axisLabel": {":formatter": unit},
            "splitLine": {"lineStyle": {"color": "var(--line)"}},
        },
        "series": [_series(name, curve, number) for number, (name, curve) in enumerate(named[:MOST], start=1)],
    }
    return ui.echart(options, renderer="svg").classes("echart").props(f'role="img" aria-label="{label}"')


def _series(name: str, curve: Curve, number: int) -> dict[str, Any]:
    colour = f"var(--line-{number})"
    return {
        "name": name,
        "type": "line",
        "showSymbol": False,
        "silent": True,
        "data": [[int(at.timestamp() * 1000), round(value, 6)] for at, value in curve],
        "lineStyle": {"width": 1.6, "color": colour},
        "itemStyle": {"color": colour},
        "emphasis": {"disabled": True},
    }
