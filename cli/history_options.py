"""The options that the commands of `nija history` share, and the request that they make."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from models.errors import ConfigError
from models.fleet import Fleet, load_fleet
from models.history_plan import instant_of
from models.settings import Settings, policy_defaults

if TYPE_CHECKING:
    from flows.history_request import HistoryRequest

SourcesOption = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", help="Only this venue, coingecko or polymarket; may be given again."),
]
SymbolsOption = Annotated[
    list[str] | None,
    typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol, as its source writes it; may be given again."),
]
TimeframesOption = Annotated[
    list[str] | None,
    typer.Option("--timeframe", metavar="1h", help="Only this timeframe; may be given again."),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="From when on: 90d, 12h, 8w, or a date in UTC [default: all]."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="Until when, written as --since [default: now].")
]

AgainOption = Annotated[
    bool, typer.Option("--again", help="Ask also for what is known not to exist, where that may have been a mistake.")
]


def request_of(
    fleet: Path | None,
    names: tuple[list[str] | None, list[str] | None, list[str] | None],
    instants: tuple[str | None, str | None],
    *,
    outages_at_once: bool = False,
    absences_too: bool = False,
) -> "HistoryRequest":
    """Return what was asked for. `names`: sources, symbols, timeframes; `instants`: since and until.

    Raises: ConfigError naming the option.
    """
    from flows.history_request import HistoryRequest  # noqa: PLC0415 - pandas takes a second that --help need not pay

    for option, text in zip(("--since", "--until"), instants, strict=True):
        try:
            _ = text is None or instant_of(text, datetime.now(UTC))
        except ValueError as error:
            raise ConfigError(option, str(error)) from None
    sources, symbols, timeframes = (list(chosen or ()) for chosen in names)
    since, until = instants
    try:
        return HistoryRequest(
            fleet=None if fleet is None else str(fleet.absolute()),
            sources=sources,
            symbols=symbols,
            timeframes=timeframes,
            since=since,
            until=until,
            outages_at_once=outages_at_once,
            absences_too=absences_too,
        )
    except ValidationError as error:  # the instants were read above: what is left are timeframes
        raise ConfigError("--timeframe", error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def fleet_if_there(settings: Settings, path: Path | None) -> Fleet | None:
    """Load the fleet file; one that nobody named may be missing: the store is looked at all the same.

    Raises: ConfigError.
    """
    if path is None and not settings.fleet.exists():
        return None
    return load_fleet(path or settings.fleet, policy_defaults())
