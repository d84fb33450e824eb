"""Pictures of a search as PNG: the heat map, how a parameter's values did, the equity out of the sample."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from models.search_report import HeatMap, SearchReport, Sensitivity
from research.evaluate import LESS_IS_BETTER
from research.pictures import equity_png
from research.words import name_of

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
        title = f"{report.strategy} on {report.data}, out of the sample"
        found["equity out of the sample"] = equity_png(title, report.equity, report.equity[0][1])
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
        middle = np.nanmean(scores) if not np.isnan(scores).all() else 0.0
        for row, column in np.argwhere(~np.isnan(scores)):
            color = "black" if scores[row, column] > middle else "white"
            axes.text(column, row, f"{scores[row, column]:.2f}", ha="center", va="center", color=color, fontsize=7)
    figure.colorbar(shown, label=f"mean {_sought(objective)}")
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
    row[0].set_ylabel(_sought(objective))
    row[0].legend()
    return _png(figure)


def _sought(objective: str) -> str:
    """Name what is drawn: up is better."""
    return f"minus {name_of(objective)}" if objective in LESS_IS_BETTER else name_of(objective)


def _png(figure: Figure) -> bytes:
    """Return a figure as PNG; the same figure makes the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()
