"""Draw a search as one HTML page that stands alone: no script, its pictures are in it, nothing is loaded.

Every text is escaped: symbols, file names and parameters come from outside.
"""

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.search_report import BatchReport, Verdict
from research.search_pictures import pictures
from research.words import name_of, written

_SHOWN = ("return_fraction", "sharpe", "drawdown_fraction", "win_rate", "profit_factor", "trades")


def search_page(batch: BatchReport) -> str:
    """Return the page of a search over one or more strategies."""
    page = Environment(
        loader=PackageLoader("research.pages", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page.filters.update(
        minute=lambda instant: f"{instant:%Y-%m-%d %H:%M}",
        count=lambda number: f"{number:,}",
        words=name_of,
        figure=written,
    )
    drawn = [
        {} if one.report is None else {what: _address(png) for what, png in pictures(one.report).items()}
        for one in batch.strategies
    ]
    title = f"Search: {', '.join(one.strategy for one in batch.strategies)}"
    return page.get_template("search.html").render(
        batch=batch, pictures=drawn, title=title, shown=_SHOWN, verdict=verdict_figures
    )


def verdict_figures(verdict: Verdict) -> list[tuple[str, str]]:
    """Return what a verdict rests on, in words; what was not computed is left out."""
    found = [
        ("combinations tried", f"{verdict.tried:,}"),
        ("bars", f"{verdict.bars:,}"),
        ("trades", f"{verdict.trades:,}"),
        ("Sharpe ratio per bar", _number(verdict.sharpe_per_bar)),
        ("what the luckiest of as many would show", _number(verdict.luck_per_bar)),
        ("probability that it is above that (deflated Sharpe ratio)", _share(verdict.deflated_sharpe)),
        ("probability of overfitting (PBO)", _share(verdict.pbo)),
        ("probability that the best of one half loses in the other", _share(verdict.loss_probability)),
        ("probability that its Sharpe ratio out of the sample is above zero", _share(verdict.out_of_sample)),
    ]
    return [(words, value) for words, value in found if value]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
