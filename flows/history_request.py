"""Which series a run over history is about: what the fleet file wants, narrowed or added to by whoever asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from brokers.venues import check_venue
from models.errors import ConfigError
from models.fleet import Fleet
from models.history import Absence, Series, Span, Timeframe
from models.history_plan import COINGECKO, POLYMARKET, WantedHistory, check_symbol, instant_of
from models.settings import Settings
from tasks.history_sources import Place
from tasks.runtime import read_fleet


class HistoryRequest(BaseModel):
    """Which history to collect or fill. Plain data, shown by Prefect: secrets never pass here."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(default=None, description="The fleet file; without it NIJA_FLEET or ./fleet.yaml.")
    sources: list[str] = Field(
        default_factory=list, description="ccxt exchange ids, coingecko, polymarket; none means all."
    )
    symbols: list[str] = Field(default_factory=list, description="Only these symbols; none means all.")
    timeframes: list[str] = Field(default_factory=list, description="Only these timeframes; none means all.")
    since: str | None = Field(
        default=None, description="From when on: 90d, 12h, 8w or a date in UTC; without it as the fleet file says."
    )
    until: str | None = Field(default=None, description="Until when, written like `since`; without it until now.")
    outages_at_once: bool = Field(
        default=False, description="Ask at once for what an outage kept away; else an hour after it."
    )

    absences_too: bool = Field(
        default=False, description="Ask also for what is known not to exist: where that may have been a mistake."
    )

    @property
    def again(self) -> frozenset[Absence]:
        """For what is asked although a reason is known why it is absent."""
        if self.absences_too:
            return frozenset(Absence)
        return frozenset({Absence.OUTAGE}) if self.outages_at_once else frozenset()

    @field_validator("timeframes")
    @classmethod
    def _written_as_ccxt_does(cls, value: list[str]) -> list[str]:
        return [str(Timeframe.parse(text)) for text in value]

    @model_validator(mode="after")
    def _instants_can_be_read(self) -> Self:
        for text in (self.since, self.until):
            if text is not None:
                instant_of(text, datetime.fromisoformat("2200-01-01T00:00:00+00:00"))
        return self


@dataclass(frozen=True, slots=True)
class Chosen:
    """One series, from when to when it is wanted, and where it comes from."""

    series: Series
    span: Span
    place: Place


def wanted_fleet(settings: Settings, request: HistoryRequest) -> Fleet:
    """Load the fleet file; one that is not there is missed only by who does not name the whole series.

    Raises: ConfigError.
    """
    path = settings.fleet if request.fleet is None else Path(request.fleet)
    if request.fleet is None and not path.exists() and request.sources and request.symbols and request.timeframes:
        return Fleet(path=path, accounts=(), policies={})
    return read_fleet(settings, path)


def choose(request: HistoryRequest, fleet: Fleet, now: datetime, *, needs_since: bool = True) -> tuple[Chosen, ...]:
    """Return the series of the fleet file that are meant, and those that the request names in full besides.

    Raises: ConfigError for a series that the fleet file does not have where the request does not say all of it.
    """
    until = now if request.until is None else min(now, _instant("--until", request.until, now))
    chosen = {
        series: Chosen(series, Span.between(_since(request, wanted, now), until), _place(wanted))
        for wanted in fleet.history
        for series in series_of(wanted)
        if _is_meant(request, series)
    }
    for series in named_series(request):
        if series in chosen:
            continue
        if needs_since and request.since is None:
            raise ConfigError("--since", f"says nothing, and {series} is not in {fleet.path}", "90d, or a date")
        since = now if request.since is None else _instant("--since", request.since, now)
        chosen[series] = Chosen(series, Span.between(since, until), _elsewhere(fleet, series.source))
    if not chosen and (request.sources or request.symbols or request.timeframes):
        there = ", ".join(str(series) for wanted in fleet.history for series in series_of(wanted))
        where = f"{fleet.path}: history"
        raise ConfigError(where, "wants nothing of what was named", there or "--source, --symbol, --timeframe, --since")
    for one in chosen.values():
        if needs_since and not one.span:
            raise ConfigError("--since", f"{one.series} is to begin after it ends", "an instant before --until and now")
    return tuple(chosen.values())


def series_of(wanted: WantedHistory) -> tuple[Series, ...]:
    """Return the series of one entry."""
    timeframe = Timeframe.parse(wanted.timeframe)
    return tuple(Series(wanted.source, symbol, timeframe) for symbol in wanted.symbols)


def is_among(series: Series, sources: Iterable[str], symbols: Iterable[str], timeframes: Iterable[str]) -> bool:
    """Whether a series is meant; nothing named of a kind means all of it."""
    pairs = ((series.source, sources), (series.symbol, symbols), (str(series.timeframe), timeframes))
    return all(not named or value in named for value, named in ((value, list(names)) for value, names in pairs))


def _is_meant(request: HistoryRequest, series: Series) -> bool:
    return is_among(series, request.sources, request.symbols, request.timeframes)


def named_series(request: HistoryRequest) -> tuple[Series, ...]:
    """Return the series that the request names in full. Raises: ConfigError."""
    found = []
    for source in request.sources if request.symbols and request.timeframes else ():
        if source not in {COINGECKO, POLYMARKET}:
            check_venue(source, "--source")
        for symbol in request.symbols:
            try:
                check_symbol(source, symbol)
            except ValueError as error:
                raise ConfigError("--symbol", str(error)) from None
            found += [Series(source, symbol, Timeframe.parse(text)) for text in request.timeframes]
    return tuple(found)


def _since(request: HistoryRequest, wanted: WantedHistory, now: datetime) -> datetime:
    return instant_of(wanted.since, now) if request.since is None else _instant("--since", request.since, now)


def _instant(where: str, text: str, now: datetime) -> datetime:
    try:
        return instant_of(text, now)
    except ValueError as error:
        raise ConfigError(where, str(error)) from None


def _place(wanted: WantedHistory) -> Place:
    return Place(wanted.source, None if wanted.url is None else str(wanted.url), wanted.simulated)


def _elsewhere(fleet: Fleet, source: str) -> Place:
    """Return where the fleet file reaches a source: a series that it does not name comes from the same address."""
    return next((_place(wanted) for wanted in fleet.history if wanted.source == source), Place(source))
