"""Which prices a piece of research is about, and how they are read: stored history, or files of candles."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from models.errors import ConfigError
from models.history import Series, Span, Timeframe
from models.history_plan import POLYMARKET, instant_of
from models.store.candles import candles, known_series
from models.store.engine import Store
from models.store.gaps import gaps
from models.store.history_bounds import bounds
from research.bars import Bars, Gaps
from research.files import read_bars

_NAMES = "--source, --symbol, --timeframe"


class DataRequest(BaseModel):
    """Which prices. Plain data, shown by Prefect.

    A strategy of two series is given two symbols, two sources or two files; what is given once holds for both.
    """

    model_config = ConfigDict(frozen=True)

    sources: list[str] = Field(
        default_factory=list, description="Where the history came from: a ccxt exchange id, coingecko or polymarket."
    )
    symbols: list[str] = Field(
        default_factory=list, description="Symbols as their source writes them; of polymarket the tokens of YES and NO."
    )
    timeframe: str | None = Field(default=None, description="Length of a bar, like 1h; needed where several are there.")
    since: str | None = Field(default=None, description="From when on: 90d, 12h, 8w or a date in UTC; else all of it.")
    until: str | None = Field(default=None, description="Until when, written like `since`; else all of it.")
    files: list[str] = Field(
        default_factory=list,
        description="CSV or Parquet files of candles on the worker's machine, in place of stored history.",
    )
    allow_gaps: bool = Field(default=False, description="Take prices with holes in them; the result says how many.")

    @field_validator("timeframe")
    @classmethod
    def _written_as_ccxt_does(cls, value: str | None) -> str | None:
        return None if value is None else str(Timeframe.parse(value))

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        for text in (self.since, self.until):
            if text is not None:
                instant_of(text, datetime.fromisoformat("2200-01-01T00:00:00+00:00"))
        return self


@dataclass(frozen=True, slots=True)
class Loaded:
    """Prices, and where they came from in words, `binance BTC/USDT 1h` or the name of a file."""

    series: tuple[Bars, ...]
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """All of it in one."""
        return " and ".join(self.names)


async def load_series(store: Store, request: DataRequest, count: int, now: datetime) -> Loaded:
    """Read so many series, one for most strategies.

    Raises: ConfigError where they are not named exactly, or are not there; BadBars with row and column; StoreError.
    """
    if request.files:
        return await _from_files(request, count, now)
    chosen = await _chosen(store, request, count)
    return Loaded(
        tuple([await _stored(store, series, request, now) for series in chosen]), tuple(str(one) for one in chosen)
    )


async def _from_files(request: DataRequest, count: int, now: datetime) -> Loaded:
    paths = [Path(file) for file in request.files]
    if len(paths) != count:
        raise ConfigError("--data", f"{len(paths)} files are given", f"{count}, as many as the strategy reads")
    symbols = request.symbols or [path.stem for path in paths]
    if len(symbols) not in {1, count}:
        raise ConfigError("--symbol", f"{len(symbols)} are named for {count} files", "one, one a file, or none")
    named = zip(paths, symbols * (count if len(symbols) == 1 else 1), strict=True)
    keeps: Gaps = "keep" if request.allow_gaps else "error"
    found = [await asyncio.to_thread(read_bars, path, symbol, gaps=keeps) for path, symbol in named]
    return Loaded(tuple(_within(bars, request, now) for bars in found), tuple(path.name for path in paths))


async def _chosen(store: Store, request: DataRequest, count: int) -> list[Series]:
    """Return the stored series that are meant, in the order they are named. Raises: ConfigError."""
    stored = [series for _, series in await known_series(store)]
    if not stored:
        raise ConfigError(_NAMES, "no history is stored", "nija history collect, or --data FILE")
    sources, symbols = _spread("--source", request.sources, count), _spread("--symbol", request.symbols, count)
    return [
        _one([one for one in stored if _is_meant(one, source, symbol, request.timeframe)], stored)
        for source, symbol in zip(sources, symbols, strict=True)
    ]


def _spread(option: str, names: Sequence[str], count: int) -> list[str | None]:
    """Return a name for each series; None: any."""
    if len(names) <= 1:
        return [names[0] if names else None] * count
    if len(names) != count:
        wanted = "1" if count == 1 else f"1 or {count}"
        raise ConfigError(option, f"is given {len(names)} times", f"{wanted}, as the strategy reads")
    return list(names)


def _is_meant(series: Series, source: str | None, symbol: str | None, timeframe: str | None) -> bool:
    pairs = ((series.source, source), (series.symbol, symbol), (str(series.timeframe), timeframe))
    return all(wanted in {None, there} for there, wanted in pairs)


def _one(found: Sequence[Series], stored: Sequence[Series]) -> Series:
    if len(found) == 1:
        return found[0]
    problem = f"{len(found)} stored series are meant" if found else "nothing that is stored is meant"
    raise ConfigError(_NAMES, problem, f"one of {', '.join(str(one) for one in found or stored)}")


async def _stored(store: Store, series: Series, request: DataRequest, now: datetime) -> Bars:
    """Read one stored series. A hole whose reason is known, nobody traded, is no fault. Raises: ConfigError."""
    there = (await bounds(store, series)).stored
    span = None if there is None else _span(request, there, now)
    if not span:
        raise ConfigError(_NAMES, f"nothing of {series} is stored in that time", "what nija history coverage shows")
    if not request.allow_gaps and (holes := await gaps(store, series, span)):
        missing = f"{len(holes)} gaps in {series}, the first {holes[0].span}"
        raise ConfigError("stored history", missing, "nija history fill, or --allow-gaps")
    frame = await candles(store, series, span)
    if series.source == POLYMARKET:  # points: what was paid between them, and how much, is not known
        frame = frame.assign(**dict.fromkeys(("open", "high", "low", "close"), frame["price"]), volume=0.0)
    return Bars.from_frame(frame, series.symbol, step_seconds=series.timeframe.seconds, gaps="keep")


def _within(bars: Bars, request: DataRequest, now: datetime) -> Bars:
    """Return the bars of the time that is asked for. Raises: ConfigError where there are none."""
    there = Span(int(bars.time[0]), int(bars.time[-1]) + bars.step_seconds)
    span = _span(request, there, now)
    kept = bars.cut(*(int(n) for n in np.searchsorted(bars.time, (span.start, span.end))))
    if len(kept) < 2:  # noqa: PLR2004 - a strategy acts at the bar after its signal
        raise ConfigError("--since, --until", f"{len(kept)} bars of {bars.symbol} are in that time", str(there))
    return kept


def _span(request: DataRequest, there: Span, now: datetime) -> Span:
    since = there.start if request.since is None else int(instant_of(request.since, now).timestamp())
    until = there.end if request.until is None else int(instant_of(request.until, now).timestamp())
    return Span(max(there.start, since), min(there.end, until))
