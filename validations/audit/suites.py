"""What must hold of the stored history: one rule a line, by suite. Knows no database and does not import the auditor.

A suite looks at a frame: of `series` one row a series, of `sources` one row for two sources of one symbol, of `tables`
one row for the whole store. A rule is about one column of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from models.store.audit_figures import APART, FRESH_FOR, OUTLIER, AuditFigures

DRIFT = 0.01  # a fraction: how far the means of two sources may be from each other


@dataclass(frozen=True, slots=True)
class Rule:
    """One column and how large it may be. `unit`: what its number counts, in words."""

    suite: str
    column: str
    says: str
    most: float = 0.0
    unit: str = "rows"


_FRESH = f"{FRESH_FOR.total_seconds() / 3600:.0f} h"
RULES = (
    Rule(
        "series",
        "unknown",
        "something is known of every series that is wanted",
        unit="series of which nothing is known",
    ),
    Rule("series", "missing", "no candle is missing that nobody can account for", unit="candles missing"),
    Rule(
        "series",
        "lateness",
        f"the newest candle is at most {_FRESH} old, or two of it",
        most=1.0,
        unit="times the limit",
    ),
    Rule("series", "off_grid", "times are open times of the timeframe", unit="candles"),
    Rule("series", "unfinished", "no candle is stored before it is over", unit="candles"),
    Rule("series", "broken", "numbers are finite and positive, low and high enclose the rest", unit="candles"),
    Rule(
        "series",
        "frozen_fraction",
        "candles do not repeat the one before them, volume and all: 1 % may",
        most=0.01,
        unit="of the candles",
    ),
    Rule(
        "series",
        "volume_outliers",
        f"no volume is {OUTLIER} times the mean of 24 candles before it",
        unit="times in 24 candles",
    ),
    Rule("sources", "drift", f"two sources of a symbol differ by {DRIFT:.0%} at most in the mean", most=DRIFT, unit=""),
    Rule(
        "sources",
        "apart_fraction",
        f"their closes are further apart than {APART:.0%} in 0.1 % of the candles at most",
        most=0.001,
        unit="of the candles",
    ),
    Rule("tables", "candles_without_series", "every candle is of a known series"),
    Rule("tables", "candles_without_batch", "every candle names the batch that it came with"),
    Rule("tables", "candles_of_another_series_batch", "a candle's batch is of the candle's series"),
    Rule("tables", "batches_that_do_not_add_up", "of every batch, received is accepted and rejected", unit="batches"),
    Rule("tables", "batches_that_kept_too_much", "no batch has more candles than it had accepted", unit="batches"),
    Rule("tables", "batches_whose_rejected_are_not_there", "what was rejected is in quarantine", unit="batches"),
    Rule("tables", "quarantined_without_batch", "every row in quarantine names the batch that it came with"),
    Rule("tables", "decisions_without_a_reason", "who decided on a quarantined row, when and why is known"),
    Rule("tables", "series_twice", "no series is there twice", unit="series"),
    Rule("tables", "times_twice", "no candle is there twice", unit="times"),
)


def frames(figures: AuditFigures) -> dict[str, pd.DataFrame]:
    """Return the frame of each suite: a column `name`, and one a rule."""
    series = _frame(figures.series)
    if len(series):
        nothing = [part.stored == 0 and part.known_until == part.wanted_from for part in figures.series]
        series["unknown"] = np.array(nothing, dtype=np.int64)
        series["frozen_fraction"] = series["frozen"] / series["stored"].clip(lower=1)
    sources = _frame(figures.pairs)
    if len(sources):
        sources["apart_fraction"] = sources["apart"] / sources["common"].clip(lower=1)
    return {
        "series": series,
        "sources": sources,
        "tables": pd.DataFrame([{"name": "the store", **figures.tables}]),
    }


def _frame(parts: Iterable[Any]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [{"name": part.name, **_fields(part)} for part in parts]
    return pd.DataFrame(rows)


def _fields(part: BaseModel) -> dict[str, Any]:
    return part.model_dump(exclude={"first", "last", "wanted_from", "known_until"})
