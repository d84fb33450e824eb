"""Charts of a page: equity with drawdown and the trades on the price, and the curves of several strategies."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from research.bars import Floats, Integers
from research.metrics import buy_and_hold
from research.pictures import fallen
from research.result import Result
from research.thinning import thinned

MOST_POINTS = 4_000  # of a line: more than any screen has
MOST_TRADES = 2_000  # of a symbol that are drawn: the newest
MOST_SYMBOLS = 6  # whose prices are drawn
_GREEN, _RED, _BLUE, _GREY = "#2da44e", "#d1453b", "#4c7fd0", "#8b949e"


def plotly_script() -> str:
    """Return the library itself: the page asks nobody for it."""
    return str(get_plotlyjs())


def backtest_chart(result: Result) -> str:
    """Draw equity beside holding, drawdown, and the trades on the price, one above the other; return its HTML."""
    drawn = result.bars[:MOST_SYMBOLS]
    figure = make_subplots(
        rows=2 + len(drawn),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.04,
        row_heights=(0.42, 0.16, *[0.42] * len(drawn)),
        subplot_titles=("equity, quote", "drawdown", *[f"{escape(b.symbol)} and the trades" for b in drawn]),
    )
    at = thinned(result.equity, MOST_POINTS)
    held = buy_and_hold(result)
    also = thinned(held, MOST_POINTS)
    figure.add_trace(_line(result.time[at], result.equity[at], "strategy", _BLUE), row=1, col=1)
    figure.add_trace(_line(result.time[also], held[also], "buy and hold", _GREY, width=1), row=1, col=1)
    low = -fallen(result.equity)
    below = thinned(low, MOST_POINTS)
    shade = _line(result.time[below], low[below], "drawdown", _RED, width=1)
    shade.update(fill="tozeroy", showlegend=False)
    figure.add_trace(shade, row=2, col=1)
    for place, bars in enumerate(drawn):
        seen = thinned(bars.close, MOST_POINTS)
        price = _line(bars.time[seen], bars.close[seen], "close", _GREY, width=1)
        for trace in (price, *_trades(result, place)):
            figure.add_trace(trace.update(showlegend=place == 0), row=3 + place, col=1)
    figure.update_yaxes(tickformat=".0%", row=2, col=1)
    figure.update_layout(height=520 + 380 * len(drawn), hovermode="x unified")
    return _html(figure)


def compare_chart(curves: Sequence[tuple[str, Sequence[tuple[datetime, float]]]]) -> str:
    """Draw equity curves, each in units of what it began with; return its HTML."""
    figure = go.Figure()
    for name, curve in curves:
        values = np.array([value for _, value in curve])
        figure.add_trace(go.Scatter(x=[at for at, _ in curve], y=values / values[0], name=escape(name), mode="lines"))
    figure.update_layout(height=480, hovermode="x unified", yaxis_title="equity, 1 at the beginning")
    return _html(figure)


def _line(time: Integers, values: Floats, name: str, color: str, *, width: float = 1.6) -> go.Scatter:
    when = pd.to_datetime(time, unit="s", utc=True)
    return go.Scatter(x=when, y=values, name=name, mode="lines", line={"color": color, "width": width})


def _trades(result: Result, symbol: int) -> list[go.Scatter]:
    """Mark where the newest trades of a symbol were entered and left."""
    table = result.table()[result.trades["symbol"] == symbol].tail(MOST_TRADES)
    reasons = table["reason"].str.replace("_", " ")
    kinds = {
        "long entered": (table["side"] == "long", "entry", "triangle-up", _GREEN),
        "short entered": (table["side"] == "short", "entry", "triangle-down", _RED),
        "left with a profit": (table["pnl"] > 0, "exit", "circle", _GREEN),
        "left with a loss": (table["pnl"] <= 0, "exit", "circle", _RED),
    }
    return [
        go.Scatter(
            x=table.loc[chosen, f"{end}_time"],
            y=table.loc[chosen, f"{end}_price"],
            text=[f"{why}, {pnl:+,.2f}" for why, pnl in zip(reasons[chosen], table["pnl"][chosen], strict=True)],
            name=name,
            mode="markers",
            marker={"symbol": shape, "color": color, "size": 9 if end == "entry" else 6, "line": {"width": 0.5}},
        )
        for name, (chosen, end, shape, color) in kinds.items()
        if chosen.any()
    ]


def _html(figure: go.Figure) -> str:
    figure.update_layout(
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": -0.06},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    config = {"responsive": True, "displaylogo": False}
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config=config, div_id="chart"))
