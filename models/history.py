"""What was traded, by time: candles of a series, spans of time, and what is known of a hole.

A series is one source's view of one symbol in one timeframe. Its candles stand on a grid: their times are open times,
whole multiples of the timeframe since 1970 in UTC. Numbers are float64: history is studied, never sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import pandas as pd

# Columns of a batch of candles, in this order. `time`: open time in whole seconds since 1970, UTC; the rest float64.
COLUMNS = ("time", "open", "high", "low", "close", "volume")
POINT_COLUMNS = ("time", "price")  # of a batch of Polymarket prices: a probability from 0 to 1

_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Why(StrEnum):
    """Why a row of a batch was rejected. A row may have several reasons."""

    NOT_A_NUMBER = "not_a_number"  # missing, NaN or infinite
    NOT_POSITIVE = "not_positive"  # a price of zero or less, a volume below zero
    OFF_GRID = "off_grid"  # its time is no open time of the timeframe
    FUTURE = "future"
    UNFINISHED = "unfinished"  # its timeframe is not over yet
    NOT_ASKED = "not_asked"  # outside of the span that was asked for
    DUPLICATE = "duplicate"  # another row of the batch has its time
    OUT_OF_ORDER = "out_of_order"  # earlier than the row before it
    LOW_ABOVE = "low_above"  # low above open, close or high
    HIGH_BELOW = "high_below"
    JUMP = "jump"  # too far from its neighbours
    DISAGREES = "disagrees"  # too far from a second source
    BAD_ROW = "bad_row"  # not a row of the shape that the source documents


class Absence(StrEnum):
    """What is known of times without a candle: they are not asked for again, but for an outage, after a while."""

    NO_TRADE = "no_trade"  # the source answered for the span and has nothing there: nobody traded
    NOT_THERE = "not_there"  # before a listing, after a delisting, or older than the source keeps
    OUTAGE = "outage"  # the source could not be asked


@dataclass(frozen=True, slots=True, order=True)
class Timeframe:
    """A candle's length, as ccxt writes it: 1m, 5m, 1h, 1d. Months and years stand on no grid and are refused."""

    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Timeframe":
        """Read ccxt's word for it. Raises: ValueError."""
        number, unit = text[:-1], text[-1:]
        if unit not in _SECONDS or not number.isdigit() or int(number) < 1:
            raise ValueError(f"expected a timeframe like 1m, 1h or 1d, found {text!r}")
        return cls(int(number) * _SECONDS[unit])

    def __str__(self) -> str:
        for unit, seconds in sorted(_SECONDS.items(), key=lambda item: -item[1]):
            if self.seconds % seconds == 0:
                return f"{self.seconds // seconds}{unit}"
        return f"{self.seconds}s"

    @property
    def span(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One source's view of one symbol. `source`: a ccxt venue id, `coingecko` or `polymarket`.

    `symbol`: ccxt's BASE/QUOTE; of CoinGecko its coin id and currency (`bitcoin/usd`); of Polymarket a CLOB token id.
    """

    source: str
    symbol: str
    timeframe: Timeframe

    def __str__(self) -> str:
        return f"{self.source} {self.symbol} {self.timeframe}"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Times from `start` up to, and without, `end`: whole seconds since 1970, UTC."""

    start: int
    end: int

    @classmethod
    def between(cls, start: datetime, end: datetime) -> "Span":
        """Return the span of two aware instants."""
        return cls(int(start.timestamp()), int(end.timestamp()))

    def __bool__(self) -> bool:
        return self.end > self.start

    def __str__(self) -> str:
        return f"{utc(self.start):%Y-%m-%d %H:%M} to {utc(self.end):%Y-%m-%d %H:%M}"

    def on(self, timeframe: Timeframe) -> "Span":
        """Return the span of the candles whose open times lie in it."""
        step = timeframe.seconds
        return Span(-(-self.start // step) * step, -(-self.end // step) * step)

    def steps(self, timeframe: Timeframe) -> int:
        """Return how many candles it holds, on the grid."""
        return max(0, (self.end - self.start) // timeframe.seconds)

    def pages(self, timeframe: Timeframe, rows: int) -> Iterator["Span"]:
        """Cut it into spans of at most `rows` candles, oldest first."""
        width = timeframe.seconds * rows
        for start in range(self.start, self.end, width):
            yield Span(start, min(start + width, self.end))


@dataclass(frozen=True, slots=True)
class Gap:
    """Contiguous times of a series without a candle. `known` None: nobody knows why."""

    series: Series
    span: Span
    known: Absence | None = None

    @property
    def candles(self) -> int:
        """How many are missing."""
        return self.span.steps(self.series.timeframe)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer of a source. `rows`: as it came, a frame of COLUMNS (or POINT_COLUMNS), numbers or what stood there.

    `asked`: what the answer answers for. `bad`: rows that have not even the shape, as text, with their reason.
    `reaches_back_to`: the source says it has nothing older than this; None: it says nothing.
    """

    series: Series
    asked: Span
    rows: pd.DataFrame
    provenance: str  # the address without its key, or the method
    fetched_at: datetime
    bad: Sequence[tuple[str, Why]] = ()
    reaches_back_to: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that broke its contract, as it came, and why."""

    row: dict[str, Any]
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch held to its contract: len(accepted) + len(rejected) is what was received.

    `accepted`: a frame of COLUMNS, sorted by time, finite and on the grid.
    """

    accepted: pd.DataFrame
    rejected: tuple[Rejected, ...]


class HistorySource(Protocol):
    """Where history comes from: a venue, CoinGecko, Polymarket."""

    name: str

    def page_rows(self, timeframe: Timeframe) -> int:
        """Return how many candles one request may ask for. Raises: ValueError: the source has no such timeframe."""
        ...

    def reach(self, series: Series, now: datetime) -> int | None:
        """Return the oldest open time that the source can still serve; None: it knows no bound."""
        ...

    async def fetch(self, series: Series, span: Span) -> Fetched:
        """Ask once for the candles of a span of at most `page_rows`, through the throttle at the priority of history.

        Unfinished candles are left out. Raises: VenueUnavailable, VenueRefused.
        """
        ...


def utc(seconds: int) -> datetime:
    """Return the instant."""
    return datetime.fromtimestamp(seconds, UTC)
