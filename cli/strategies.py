"""`nija strategies`: which there are, what they can be told, and whether one looks ahead."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import JsonOption, note, out, print_json
from cli.research_options import (
    DataOption,
    GapsOption,
    SinceOption,
    SourceOption,
    SymbolOption,
    TimeframeOption,
    UntilOption,
    data_request,
    registry,
)
from models.errors import ConfigError

if TYPE_CHECKING:
    from models.strategy_report import CheckReport, ParameterReport, StrategiesReport

app = typer.Typer(no_args_is_help=True, help="List strategies, and check that one does not look ahead.")


@app.command("list")
def list_strategies(as_json: JsonOption = False) -> int:
    """List every strategy with its parameters, the installed ones of other packages included.

    Exit 0: all of them can be used. 3: one of another package is broken, and it says how.

    Example: nija strategies list
    """
    from flows.strategy_check import strategies_report  # noqa: PLC0415 - numba takes seconds that --help need not pay

    report = strategies_report(registry())
    (print_json if as_json else _show)(report)
    return 3 if report.broken else 0


@app.command()
def check(  # noqa: PLR0917 - Typer reads the options off the signature
    strategy: Annotated[str, typer.Argument(metavar="NAME", help="As nija strategies list shows it.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    source: SourceOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data: DataOption = None,
    allow_gaps: GapsOption = False,
    cuts: Annotated[int, typer.Option("--cuts", metavar="N", min=2, max=100_000, help="How often to cut.")] = 200,
    as_json: JsonOption = False,
) -> int:
    """Ask a strategy again with histories that end early: a signal that changes knew the future.

    Searches and backtests do so, too, with fewer cuts, before they begin.

    Exit 0: no signal changed. 3: one did. 1: it could not run.

    Example: nija strategies check sma-cross --param fast=10 --data candles.csv
    """
    from flows.strategy_check import check_strategy  # noqa: PLC0415 - as above

    found = registry().named(strategy)
    prices = data_request(source, symbol, timeframe, (since, until), data, allow_gaps=allow_gaps)
    report = asyncio.run(check_strategy(found, _given(param or []), prices, cuts=cuts))
    (print_json if as_json else _show_check)(report)
    return report.exit_code


def _given(texts: list[str]) -> dict[str, str]:
    """Read NAME=VALUE. Raises: ConfigError."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not (name and equals):
            raise ConfigError("--param", f"found {text!r}", "NAME=VALUE, as in fast=10")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _show(report: "StrategiesReport") -> None:
    table = Table(show_edge=False)
    for name in ("strategy", "what it does", "parameter", "default", "from", "to", "what it is"):
        table.add_column(name)
    for one in report.strategies:
        words = one.says + (f" ({one.series} series)" if one.series > 1 else "")
        head = (one.name, words)
        rows = [[parameter.name, *_range(parameter), parameter.says] for parameter in one.parameters]
        for row in rows or [[]]:
            table.add_row(*head, *row)
            head = ("", "")
    out.print(table)


def _range(parameter: "ParameterReport") -> tuple[str, str, str]:
    return f"{parameter.default:g}", f"{parameter.low:g}", f"{parameter.high:g}"


def _show_check(report: "CheckReport") -> None:
    from models.history import utc  # noqa: PLC0415 - as above

    out.print(f"{report.strategy} on {report.data}: {report.entries} entries in {report.bars} bars, {report.cuts} cuts")
    for peek in report.peeks[:10]:
        when = f"{utc(peek.time):%Y-%m-%d %H:%M:%S} UTC"
        out.print(f"{when}: its {peek.what} is {peek.whole} with what came later, {peek.cut} without", style="red")
    if len(report.peeks) > 10:  # noqa: PLR2004 - as above
        note(f"and {len(report.peeks) - 10} more")
    out.print("[bold red]it looks ahead[/]" if report.peeks else "[green]no signal changed[/]")
