"""Hold a batch of candles to its contract: every row that came is accepted, or rejected with all its reasons.

Each row is judged by itself first, those that are sound then together, so a bad row costs no good one:
- Rows out of order are sorted. OUT_OF_ORDER is told only of rows that are rejected for another reason.
- The same time twice with the same numbers is accepted once; with different ones not at all.
- A spike (validations/spikes.py) is rejected unless a second source saw it too; a row that a second source denies is
  rejected, unless the second source's is the spike.
- Candles of another timeframe are rejected as a whole, as BAD_ROW: those that happen to stand on the grid are not what
  was asked for either.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.history import COLUMNS, Judged, Series, Span, Why
from validations.candle_frames import PRICES, CandleFrame, Marks, TogetherFrame, failing
from validations.gate import refuse_unless_validating
from validations.received import floats, has_columns, numbers_of, rejected_rows
from validations.spikes import far_factor, is_calm, spikes, wrong_step

Numbers = npt.NDArray[np.float64]
_SECOND = ("high", "low", "close")


def judge_candles(
    series: Series,
    asked: Span,
    rows: pd.DataFrame,
    *,
    now: datetime,
    before: pd.DataFrame | None = None,
    second: pd.DataFrame | None = None,
    bad: Sequence[tuple[str, Why]] = (),
) -> Judged:
    """Judge what a source answered. `now`: taken after the answer came.

    `before`: candles that are stored near the span, before it or after it, as neighbours. `second`: another source's
    candles of the same symbol and timeframe. Both: frames of COLUMNS. `bad`: what had not even the shape of a row.
    Raises: ConfigError when validation is switched off; ValueError for a time without a zone.
    """
    refuse_unless_validating()
    if now.tzinfo is None:
        raise ValueError(f"expected an aware time, found {now!r}")
    if not has_columns(rows, COLUMNS):
        return Judged(_candles(_empty()), rejected_rows(rows, _all(len(rows)), bad))
    columns = [floats(rows[name]) for name in COLUMNS]
    if second is None and is_clean(columns, series, asked, now, before):
        return Judged(_stored(columns), rejected_rows(rows, {}, bad))
    numbers = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    marks = _alone(numbers, series, asked, now)
    for why, failed in _among_others(numbers, marks, series.timeframe.seconds, before, second).items():
        marks[why] = marks.get(why, False) | failed
    marks |= remarks(numbers["time"], marks)
    rejected = np.logical_or.reduce([*marks.values(), np.zeros(len(rows), dtype=bool)])
    return Judged(_candles(numbers.loc[~rejected]), rejected_rows(rows, marks, bad))


def is_clean(
    columns: Sequence[Numbers], series: Series, asked: Span, now: datetime, before: pd.DataFrame | None
) -> bool:
    """Whether every row is accepted for sure, told in a fraction of the time that the contracts take.

    `columns`: those of COLUMNS. False says nothing: the contracts decide then. Rows in order, none twice, no spike:
    that is nearly every page of a source that does not lie.
    """
    step, at = series.timeframe.seconds, now.timestamp()
    time, opened, high, low, close, volume = columns
    if not len(time):
        return True
    # Comparisons with nan are false, so each line also says that these are numbers; high and time bound the rest.
    return bool(
        time[0] >= asked.start
        and time[-1] < asked.end
        and time[-1] + step <= at
        and (time[1:] > time[:-1]).all()
        and not (time % step).any()
        and low.min() > 0
        and volume.min() >= 0
        and volume.max() < np.inf
        and high.max() < np.inf
        and (low <= np.minimum(opened, close)).all()
        and (high >= np.maximum(opened, close)).all()
        and not wrong_step(time, step)
        and _has_no_spike(columns, step, before)
    )


def _has_no_spike(columns: Sequence[Numbers], step: int, before: pd.DataFrame | None) -> bool:
    time, _, high, low, close, _ = columns
    factor = far_factor(step)
    if before is None or before.empty:
        return is_calm(high, low, factor) or not spikes(time, high, low, close, step).any()
    stored = _usable(before)
    closes = stored["close"].to_numpy()
    if is_calm(np.append(high, closes), np.append(low, closes), factor):
        return True
    numbers = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    return not _stand_alone(numbers, step, stored).any()


def _alone(numbers: pd.DataFrame, series: Series, asked: Span, now: datetime) -> dict[Why, Marks]:
    """Return which rows are rejected for which reason, each by itself, or all of them as of another timeframe."""
    marks = failing(in_its_moment(numbers, series, asked, now), CandleFrame)
    time = numbers["time"].to_numpy()
    if wrong_step(np.unique(time[np.isfinite(time)]), series.timeframe.seconds):
        marks |= _all(len(numbers))
    return marks


def _among_others(
    numbers: pd.DataFrame,
    marks: dict[Why, Marks],
    step: int,
    before: pd.DataFrame | None,
    second: pd.DataFrame | None,
) -> dict[Why, Marks]:
    """Return which of the rows that are not marked are rejected for what they are to each other."""
    sound = ~np.logical_or.reduce([*marks.values(), np.zeros(len(numbers), dtype=bool)])
    together = numbers.loc[sound].sort_values("time", kind="stable")
    places = together.index.to_numpy()
    found = {}
    for why, failed in failing(_together(together.reset_index(drop=True), step, before, second), TogetherFrame).items():
        found[why] = np.zeros(len(numbers), dtype=bool)
        found[why][places[failed]] = True
    return found


def in_its_moment(numbers: pd.DataFrame, series: Series, asked: Span, now: datetime) -> pd.DataFrame:
    """Return the rows beside what the contracts hold their times to."""
    return numbers.assign(
        step_seconds=float(series.timeframe.seconds),
        asked_from=float(asked.start),
        asked_to=float(asked.end),
        now=now.timestamp(),
    )


def remarks(time: "pd.Series[float]", marks: dict[Why, Marks]) -> dict[Why, Marks]:
    """Return what else is to be said of rejected rows: that they repeat a time, or came out of order."""
    if not marks:
        return {}
    rejected = np.logical_or.reduce([*marks.values()])
    twice = time.notna().to_numpy() & time.duplicated(keep=False).to_numpy()
    further = {Why.DUPLICATE: rejected & twice, Why.OUT_OF_ORDER: rejected & (time < time.shift()).to_numpy()}
    return {why: marks.get(why, False) | more for why, more in further.items() if why in marks or more.any()}


def _together(sound: pd.DataFrame, step: int, before: pd.DataFrame | None, second: pd.DataFrame | None) -> pd.DataFrame:
    """Return sound rows, sorted, beside what their neighbours and a second source say of them."""
    others = _usable(second)
    beside = others.assign(stands_alone=_spikes(others, step)).set_index("time").reindex(sound["time"])
    said = {f"second_{name}": beside[name].to_numpy(dtype=np.float64) for name in _SECOND}
    alone = beside["stands_alone"].eq(other=True).to_numpy(dtype=bool)
    return sound.assign(stands_alone=_stand_alone(sound, step, _usable(before)), **said, second_stands_alone=alone)


def _stand_alone(sound: pd.DataFrame, step: int, stored: pd.DataFrame) -> Marks:
    """Mark the spikes. Copies and rows that dispute a time count as one neighbour, the first that came."""
    firsts = sound.drop_duplicates("time")
    near = stored.loc[~stored["time"].isin(firsts["time"])]
    among = pd.concat([firsts, near]).sort_values("time", kind="stable") if len(near) else firsts
    alone = among.loc[_spikes(among, step), "time"]
    return sound["time"].isin(alone).to_numpy(dtype=bool)


def _spikes(candles: pd.DataFrame, step: int) -> Marks:
    time, high, low, close = (candles[name].to_numpy(dtype=np.float64) for name in ("time", "high", "low", "close"))
    return spikes(time, high, low, close, step)


def _usable(candles: pd.DataFrame | None) -> pd.DataFrame:
    """Return the candles of positive finite prices, one a time, sorted."""
    if candles is None or candles.empty:
        return _empty()
    numbers = numbers_of(candles, COLUMNS)
    prices = numbers[["time", *PRICES]]
    usable = ((prices > 0) & (prices < np.inf)).all(axis="columns")
    return numbers.loc[usable].drop_duplicates("time").sort_values("time", ignore_index=True)


def _candles(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return accepted rows as they are stored."""
    return numbers.astype({"time": np.int64}).sort_values("time", ignore_index=True)


def _stored(columns: Sequence[Numbers]) -> pd.DataFrame:
    """Return sorted columns as they are stored."""
    return pd.DataFrame({"time": columns[0].astype(np.int64), **dict(zip(COLUMNS[1:], columns[1:], strict=True))})


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: np.array([], dtype=np.float64) for name in COLUMNS})


def _all(rows: int) -> dict[Why, Marks]:
    return {Why.BAD_ROW: np.ones(rows, dtype=bool)}
