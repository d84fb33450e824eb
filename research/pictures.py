"""Pictures of backtests as PNG: equity and drawdown of one, the curves of several beside each other."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import matplotlib.dates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from research.bars import Floats

_WIDTH, _HEIGHT, _DPI = 9.0, 5.4, 110
_DATES: Any = matplotlib.dates  # its functions are not typed
_Curve = Sequence[tuple[datetime, float]]


def equity_png(title: str, equity: _Curve, initial_cash: float) -> bytes:
    """Draw an equity curve in quote, and below it how far it was under its peak."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    times, values = _axes_of(equity)
    top.plot(times, values, linewidth=1.1)
    top.axhline(initial_cash, color="grey", linewidth=0.8, linestyle=":")
    top.set_title(_plain(title), fontsize=10)
    top.set_ylabel("equity, quote")
    fall = -fallen(values) * 100
    bottom.fill_between(times, fall, 0, color="firebrick", alpha=0.4, linewidth=0)
    bottom.set_ylabel("drawdown, %")
    return _png(figure, (top, bottom))


def curves_png(curves: Sequence[tuple[str, _Curve]]) -> bytes:
    """Draw several equity curves, each in units of what it began with."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves:
        times, values = _axes_of(curve)
        axes.plot(times, values / values[0], linewidth=1.1, label=_plain(name))
    axes.axhline(1, color="grey", linewidth=0.8, linestyle=":")
    axes.set_ylabel("equity, 1 at the beginning")
    axes.legend(fontsize=8)
    return _png(figure, (axes,))


def fallen(equity: Floats) -> Floats:
    """Return how far each value is below the highest so far, as a fraction of it."""
    peak = np.maximum.accumulate(equity)
    return np.where(peak > 0, 1 - equity / np.where(peak > 0, peak, 1), 0.0)


def _axes_of(curve: _Curve) -> tuple[Floats, Floats]:
    return np.asarray(_DATES.date2num([at for at, _ in curve])), np.array([value for _, value in curve])


def _plain(text: str) -> str:
    return text.replace("$", r"\$")  # no mathematics


def _png(figure: Figure, axes: Sequence[Axes]) -> bytes:
    """Return a figure as PNG; the same figure makes the same bytes."""
    for one in axes:
        locator = _DATES.AutoDateLocator()
        one.xaxis.set_major_locator(locator)
        one.xaxis.set_major_formatter(_DATES.ConciseDateFormatter(locator))
        one.grid(alpha=0.3)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()
