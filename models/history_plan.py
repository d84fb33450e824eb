"""Which history is wanted, and since when: the section `history` of the fleet file. Reaches no source."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator, model_validator

COINGECKO, POLYMARKET = "coingecko", "polymarket"
TIMEFRAME = r"^[1-9][0-9]{0,3}[mhdw]$"  # the language of `models.history.Timeframe`, which costs an import of pandas
_AGO = re.compile(r"^([1-9][0-9]{0,4})([hdw])$")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SYMBOLS = {
    COINGECKO: (re.compile(r"^[a-z0-9][a-z0-9._-]*/[a-z]{2,10}$"), "a coin id and a currency like bitcoin/usd"),
    POLYMARKET: (re.compile(r"^[0-9]{1,90}$"), "the CLOB token id of an outcome"),
}
_OF_A_VENUE = (re.compile(r"^[A-Z0-9]+/[A-Z0-9]+$"), "BASE/QUOTE")


def instant_of(text: str, now: datetime) -> datetime:
    """Read a beginning or an end: `90d` before now (hours, days, weeks), or a date, or a date and hour, in UTC.

    Raises: ValueError.
    """
    if ago := _AGO.match(text):
        try:
            return now - int(ago[1]) * _UNITS[ago[2]]
        except OverflowError:
            raise ValueError(f"{text!r} is before the calendar begins") from None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected 90d, 12h, 8w or a date like 2026-01-01, found {text!r}") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class WantedHistory(BaseModel):
    """Series of one source that are collected, each from `since` up to now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[
        str, Field(pattern=r"^[a-z0-9]+$", description="A ccxt exchange id, `coingecko` or `polymarket`.")
    ]
    symbols: Annotated[list[str], Field(min_length=1, description="As the source's kind of symbol is written.")]
    timeframe: Annotated[str, Field(pattern=TIMEFRAME, description="1m, 5m, 1h, 1d and so on.")]
    since: Annotated[str, Field(description="So long ago (90d, 12h, 8w), or a date: nothing older is asked for.")]
    url: HttpUrl | None = Field(default=None, description="Send every call for these series here.")
    simulated: str | None = Field(
        default=None, description="A world file, relative to this one: the series come from that simulated venue."
    )

    @field_validator("since", mode="before")
    @classmethod
    def _as_written(cls, value: object) -> object:
        """Take what YAML has already read as a date."""
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("since")
    @classmethod
    def _readable(cls, value: str) -> str:
        instant_of(value, datetime.combine(date(2200, 1, 1), time(), UTC))
        return value

    @model_validator(mode="after")
    def _fits_its_source(self) -> Self:
        for symbol in self.symbols:
            check_symbol(self.source, symbol)
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError("a symbol is listed more than once")
        if self.url is not None and self.simulated is not None:
            raise ValueError("url and simulated exclude each other: a simulated source has its own address")
        if self.simulated is not None and self.source in _SYMBOLS:
            raise ValueError(f"simulated is for venues; {self.source} is reached by url")
        return self


def check_symbol(source: str, symbol: str) -> None:
    """Hold a symbol to the way its source writes them. Raises: ValueError."""
    pattern, words = _SYMBOLS.get(source, _OF_A_VENUE)
    if not pattern.match(symbol):
        raise ValueError(f"expected {words}, found {symbol!r}")
