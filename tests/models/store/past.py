"""Builders of history: series, frames on the grid, answers of a source."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pandas as pd

from models.history import COLUMNS, Fetched, Judged, Rejected, Series, Span, Timeframe

START = 1_767_225_600  # 2026-01-01 00:00 UTC
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = Series("kraken", "BTC/USD", Timeframe.parse("1h"))
POINT = Series("polymarket", "4242", Timeframe.parse("1h"))


def hours(first: int, end: int) -> Span:
    """Return the span from the hour `first` of the year up to, and without, the hour `end`."""
    return Span(START + first * 3600, START + end * 3600)


def a_frame(numbers: Iterable[int], *, step: int = 3600, price: float = 100.0) -> pd.DataFrame:
    """Return sound candles of the steps with these numbers."""
    found = [(START + n * step, price, price + 2, price - 2, price + 1, 10.0 + n % 7) for n in numbers]
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(COLUMNS, "float64")).astype({"time": "int64"})


def points(numbers: Iterable[int], price: float = 0.25) -> pd.DataFrame:
    """Return prices of these hours."""
    times = [START + n * 3600 for n in numbers]
    return pd.DataFrame(
        {"time": pd.Series(times, dtype="int64"), "price": pd.Series([price] * len(times), dtype=float)}
    )


def an_answer(
    accepted: pd.DataFrame,
    *rejected: Rejected,
    series: Series = HOUR,
    asked: Span | None = None,
    provenance: str = "https://kraken.example/ohlc",
    at: datetime = NOW,
) -> tuple[Fetched, Judged]:
    """Return what a source answered, and how it was judged."""
    asked = asked or hours(0, 24)
    return Fetched(series, asked, accepted, provenance, at), Judged(accepted, rejected)
