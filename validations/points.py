"""Hold a batch of Polymarket's prices to its contract: probabilities from 0 to 1, one a time, that are not ahead.

A probability that leaps is news and no spike, so there is none here; nor is there a second source for a token.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from models.history import POINT_COLUMNS, Judged, Series, Span, Why
from validations.candle_frames import PointFrame, failing, repeated
from validations.candles import in_its_moment, remarks
from validations.gate import refuse_unless_validating
from validations.received import has_columns, numbers_of, rejected_rows


def judge_points(
    series: Series,
    asked: Span,
    rows: pd.DataFrame,
    *,
    now: datetime,
    bad: Sequence[tuple[str, Why]] = (),
) -> Judged:
    """Judge what Polymarket answered; `accepted` is a frame of POINT_COLUMNS. `now`: taken after the answer came.

    Raises: ConfigError when validation is switched off; ValueError for a time without a zone.
    """
    refuse_unless_validating()
    if now.tzinfo is None:
        raise ValueError(f"expected an aware time, found {now!r}")
    rows = rows.reset_index(drop=True)
    if not has_columns(rows, POINT_COLUMNS):
        none = pd.DataFrame({"time": np.array([], dtype=np.int64), "price": np.array([], dtype=np.float64)})
        return Judged(none, rejected_rows(rows, {Why.BAD_ROW: np.ones(len(rows), dtype=bool)}, bad))
    numbers = numbers_of(rows, POINT_COLUMNS)
    marks = failing(in_its_moment(numbers, series, asked, now), PointFrame)
    rejected = np.logical_or.reduce([*marks.values(), np.zeros(len(rows), dtype=bool)])
    copies = repeated(numbers.loc[~rejected])
    if copies.any():
        marks[Why.DUPLICATE] = np.isin(numbers.index, copies.index[copies])
    marks |= remarks(numbers["time"], marks)
    rejected = np.logical_or.reduce([*marks.values(), np.zeros(len(rows), dtype=bool)])
    accepted = numbers.loc[~rejected].astype({"time": np.int64}).sort_values("time", ignore_index=True)
    return Judged(accepted, rejected_rows(rows, marks, bad))
