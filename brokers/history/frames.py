"""Make frames of what sources answer: numbers where numbers stand, and what stood there where they do not."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from models.history import COLUMNS, POINT_COLUMNS, Why

_LONGEST_TEXT = 500
_CHANCE = 1e-6  # that a market which trades seldom looks like one of a longer timeframe
_SECOND_MS = 1000


def number(raw: Any) -> Any:
    """Return a number, NaN and infinity among them, as a float; anything else as it is."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return raw
    try:
        return float(raw)
    except (ValueError, OverflowError):
        return raw


def seconds(milliseconds: Any) -> Any:
    """Return a time in seconds: whole where it is; what is no number as it is."""
    found = number(milliseconds)
    if not isinstance(found, float) or not abs(found) < float("inf"):
        return found
    return int(found) // _SECOND_MS if found % _SECOND_MS == 0 else found / _SECOND_MS


def candle_frame(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return a frame of COLUMNS, in the order of the rows."""
    return pd.DataFrame([tuple(row) for row in rows], columns=list(COLUMNS))


def point_frame(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return a frame of POINT_COLUMNS, in the order of the rows."""
    return pd.DataFrame([tuple(row) for row in rows], columns=list(POINT_COLUMNS))


def bad_row(raw: Any) -> tuple[str, Why]:
    """Return a row that has not even the shape, as text."""
    return json.dumps(raw, default=str)[:_LONGEST_TEXT], Why.BAD_ROW


def on_grid(
    points: Iterable[tuple[Any, Sequence[Any]]], step: int, tolerance: float
) -> list[tuple[Any, Sequence[Any]]]:
    """Give points the grid time that they stand nearest to, within a tolerance; between grid times they are left out.

    Points: (seconds, values), in any order, which is kept. Of those near one time the nearest is taken; where several
    are as near and say different things, all of them are, so that the contradiction is seen. A time that is no number
    stays as it is.
    """
    kept: dict[Any, list[tuple[float, Sequence[Any]]]] = {}
    for at, values in points:
        if isinstance(at, bool) or not isinstance(at, int | float) or not abs(at) < float("inf"):
            kept.setdefault(f"{at!r}", []).append((0.0, (at, *values)))
            continue
        time = int(at / step + 0.5) * step
        distance = abs(at - time)
        if distance > tolerance:
            continue
        there = kept.setdefault(time, [])
        if not there or distance < there[0][0]:
            kept[time] = [(distance, values)]
        elif distance == there[0][0] and values not in [known for _, known in there]:
            there.append((distance, values))
    found: list[tuple[Any, Sequence[Any]]] = []
    for time, rows in kept.items():
        found += [(values[0], values[1:]) if isinstance(time, str) else (time, values) for _, values in rows]
    return found


def is_of_other_step(times: Iterable[Any], step: int) -> bool:
    """Whether rows are of another timeframe than `step` seconds: its rows would pass for ours where the grids meet.

    A shorter one shows in the space between rows. A longer one shows when all of many rows stand on its grid; a market
    that trades seldom comes upon that by chance, once in a million times.
    """
    known = sorted({int(t) for t in times if isinstance(t, int | float) and abs(t) < float("inf")})
    if len(known) < 2:  # noqa: PLR2004 - one row has no spacing
        return False
    usual, met = Counter(later - earlier for earlier, later in pairwise(known)).most_common(1)[0]
    if usual <= step:
        return usual < step and met * 2 >= len(known) - 1
    return usual % step == 0 and not any(t % usual for t in known) and (step / usual) ** (len(known) - 1) < _CHANCE
