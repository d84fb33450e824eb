"""The options that the commands of research share, and what they ask for: prices, strategies, assumptions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from models.errors import ConfigError

if TYPE_CHECKING:
    from flows.research_data import DataRequest
    from flows.research_settings import Assumptions
    from research.registry import Registry

_Model = TypeVar("_Model", bound=BaseModel)

SourceOption = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", help="Where the stored history came from; twice for a strategy of two."),
]
SymbolOption = Annotated[
    list[str] | None,
    typer.Option("--symbol", metavar="SYMBOL", help="As its source writes it; twice for a strategy of two series."),
]
TimeframeOption = Annotated[str | None, typer.Option("--timeframe", metavar="1h", help="Length of a bar.")]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="From when on: 90d, 12h, 8w, or a date in UTC [default: all]."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="Until when, written as --since [default: all].")
]
DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="CSV or Parquet with time, open, high, low, close, volume, in place of stored history; may be repeated.",
    ),
]
GapsOption = Annotated[bool, typer.Option("--allow-gaps", help="Take prices with holes in them.")]
CashOption = Annotated[
    float | None, typer.Option("--cash", metavar="QUOTE", help="Cash to begin with [default: 10000].")
]
FeeOption = Annotated[
    float | None, typer.Option("--fee", metavar="FRACTION", help="Fee of each side of a trade [default: 0.002].")
]
SlippageOption = Annotated[
    float | None,
    typer.Option("--slippage", metavar="FRACTION", help="How much worse each side is filled [default: 0.001]."),
]
LongOnlyOption = Annotated[bool, typer.Option("--long-only", help="Open no short position.")]
SizeOption = Annotated[
    str | None,
    typer.Option(
        "--size", metavar="SIZE", help="Of a position: a part of the equity like 50%, or quote [default: 100%]."
    ),
]
SizingOption = Annotated[
    str | None, typer.Option("--sizing", metavar="HOW", help="By volatility: tiers or inverse_volatility.")
]
StopOption = Annotated[
    float | None, typer.Option("--stop-loss", metavar="FRACTION", help="Loss at which a position is left.")
]
TakeOption = Annotated[
    float | None, typer.Option("--take-profit", metavar="FRACTION", help="Gain at which a position is left.")
]
TrailingOption = Annotated[
    float | None,
    typer.Option("--trailing-stop", metavar="FRACTION", help="Fall from its best price at which it is left."),
]
HoldOption = Annotated[
    float | None, typer.Option("--longest-hold", metavar="HOURS", help="Hours after which a position is left.")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the whole report as one page of HTML.")
]

_OPTIONS = {
    "timeframe": "--timeframe",
    "since": "--since, --until",
    "initial_cash": "--cash",
    "fee_fraction": "--fee",
    "slippage_fraction": "--slippage",
    "position_fraction": "--size",
    "position_quote": "--size",
    "sizing": "--sizing",
    "stop_loss_fraction": "--stop-loss",
    "take_profit_fraction": "--take-profit",
    "trailing_stop_fraction": "--trailing-stop",
    "longest_hold_hours": "--longest-hold",
}


def data_request(
    sources: list[str] | None,
    symbols: list[str] | None,
    timeframe: str | None,
    instants: tuple[str | None, str | None],
    files: list[Path] | None,
    *,
    allow_gaps: bool,
) -> "DataRequest":
    """Return which prices are meant. `instants`: since and until. Raises: ConfigError naming the option."""
    from flows.research_data import DataRequest  # noqa: PLC0415 - numba takes seconds that --help need not pay

    if files and (sources or timeframe):
        raise ConfigError("--data", "goes with neither --source nor --timeframe", "one of the two")
    return checked(
        DataRequest,
        sources=sources or [],
        symbols=symbols or [],
        timeframe=timeframe,
        since=instants[0],
        until=instants[1],
        files=[str(file.absolute()) for file in files or ()],
        allow_gaps=allow_gaps,
    )


def assumptions(*, long_only: bool, size: str | None, **given: Any) -> "Assumptions":
    """Return what is assumed; an option that is not given keeps its default. Raises: ConfigError naming the option."""
    from flows.research_settings import Assumptions  # noqa: PLC0415 - as above

    told = {name: value for name, value in given.items() if value is not None}
    return checked(Assumptions, **told, **_size(size), allow_short=not long_only)


def figures(*values: float | None) -> dict[str, Any]:
    """Return cash, fee, slippage, stop, target, trailing stop and longest hold by the names they are assumed under."""
    names = (
        "initial_cash",
        "fee_fraction",
        "slippage_fraction",
        "stop_loss_fraction",
        "take_profit_fraction",
        "trailing_stop_fraction",
        "longest_hold_hours",
    )
    return dict(zip(names, values, strict=True))


def registry() -> "Registry":
    """Return the strategies there are; say which of them are broken."""
    from cli.console import note  # noqa: PLC0415 - as above
    from research.registry import found  # noqa: PLC0415

    there = found()
    for one in there.broken:
        note(str(one))
    return there


def checked(model: type[_Model], **values: Any) -> _Model:
    """Return the model of what was typed. Raises: ConfigError naming the option."""
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "since"  # of instants the whole model judges
        option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
        raise ConfigError(option, first["msg"].removeprefix("Value error, ")) from None


def _size(text: str | None) -> dict[str, float]:
    """Read `50%` as a part of the equity, `500` as an amount. Raises: ConfigError."""
    if text is None:
        return {}
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        raise ConfigError("--size", f"found {text!r}", "a part of the equity like 50%, or an amount of quote") from None
    return {"position_fraction": number / 100} if text.endswith("%") else {"position_quote": number}
