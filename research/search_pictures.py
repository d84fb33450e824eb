"""Pictures of a search as PNG: the heat map, how a parameter's values did, the equity out of the sample."""

import io
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from models.search_report import HeatMap, SearchReport, Sensitivity

_WIDTH, _HEIGHT, _DPI = 7.0, 4.2, 110
_WRITTEN_IN = 144  # cells: beyond it numbers would not be read


def pictures(report: SearchReport) -> dict[str, bytes]:
    """Return the pictures that a report has, by what they show; each is a PNG."""
    found = {}
    if report.heat_map is not None:
        found["heat map"] = heat_map_png(report.heat_map, report.objective)
    if report.sensitivity:
        found["sensitivity"] = sensitivity_png(report.sensitivity, report.objective)
    if report.equity:
        found["equity out of the sample"] = equity_png(report.equity)
    return found


def heat_map_png(found: HeatMap, objective: str) -> bytes:
    """Draw the mean score over two parameters; what was not tried stays white."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    scores = np.array([[np.nan if s is None else s for s in row] for row in found.scores])
    shown = axes.imshow(scores, origin="lower", aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(found.xs)), [f"{x:.6g}" for x in found.xs], rotation=45 if len(found.xs) > 12 else 0)  # noqa: PLR2004 - more overlap
    axes.set_yticks(range(len(found.ys)), [f"{y:.6g}" for y in found.ys])
    axes.set(xlabel=found.x, ylabel=found.y)
    if scores.size <= _WRITTEN_IN:
        middle = np.nanmean(scores)
        for row, column in np.argwhere(~np.isnan(scores)):
            color = "black" if scores[row, column] > middle else "white"
            axes.text(column, row, f"{scores[row, column]:.2f}", ha="center", va="center", color=color, fontsize=7)
    figure.colorbar(shown, label=f"mean {objective}")
    return _png(figure)


def sensitivity_png(order: Sequence[Sensitivity], objective: str) -> bytes:
    """Draw, for each parameter, the mean and the best score of its values."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    row = figure.subplots(1, len(order), squeeze=False, sharey=True)[0]
    for axes, one in zip(row, order, strict=True):
        values = [point.value for point in one.values]
        axes.plot(values, [point.mean for point in one.values], marker="o", markersize=3, label="mean")
        axes.plot(values, [point.best for point in one.values], linestyle="--", label="best")
        share = "unknown" if one.share is None else f"{one.share:.0%} of the variance"
        axes.set_title(f"{one.parameter}: {share}", fontsize=9)
        axes.grid(alpha=0.3)
    row[0].set_ylabel(objective)
    row[0].legend()
    return _png(figure)


def equity_png(points: Sequence[tuple[datetime, float]]) -> bytes:
    """Draw an equity curve."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    axes.plot(date2num([at for at, _ in points]), [equity for _, equity in points], linewidth=1)
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_ylabel("equity, quote")
    axes.grid(alpha=0.3)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    """Return a figure as PNG; the same figure makes the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()
