"""`nija history export` and `import`: one stored series as a file, Parquet or CSV, and back."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import JsonOption, note, out, print_json
from cli.history_options import SinceOption, SourcesOption, SymbolsOption, TimeframesOption, UntilOption, request_of
from models.clock import SystemClock
from models.errors import ConfigError
from models.history_report import FileReport
from models.settings import load_settings
from models.store.engine import Store

if TYPE_CHECKING:
    from flows.history_request import HistoryRequest
    from models.history import Series, Span
    from models.store.history_files import Imported

_REJECTED = 3


class Format(StrEnum):
    """What a file is written as."""

    PARQUET = "parquet"
    CSV = "csv"


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .parquet or .csv.")]


def export_history(  # noqa: PLR0917 - Typer reads the options off the signature
    file: FileArgument,
    source: SourcesOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="What to write [default: as the name of the file ends].")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Write one stored series to a file, in pieces: it may be longer than memory. Asks no source.

    Example: nija history export btc.parquet --source kraken --symbol BTC/USD --timeframe 1h
    """
    from models.store.history_files import export_history as write  # noqa: PLC0415 - pandas: --help need not pay

    request = request_of(None, (source, symbol, timeframe), (since, until))
    path = _named(file, form)

    async def run() -> FileReport:
        async with await Store.open(load_settings().store_url) as store:
            series, span = await _one(store, request)
            return _report(path, series, await write(store, series, span, path))

    report = asyncio.run(run())
    if as_json:
        print_json(report)
    else:
        out.print(f"{report.rows} candles of {report.series} in {report.file}", markup=False, soft_wrap=True)
    return 0


def import_history(
    file: FileArgument,
    source: SourcesOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframesOption = None,
    as_json: JsonOption = False,
) -> int:
    """Store the rows of a file that hold their contract, and quarantine the others. The file is their provenance.

    A Parquet file of an export says which series it holds; for a CSV file --source, --symbol and --timeframe say it.
    A file that cannot be history at all is refused with its row and column, before anything is stored.

    Exit 0: every row is stored. 3: some are in quarantine. 1: it could not run.

    Example: nija history import btc.csv --source kraken --symbol BTC/USD --timeframe 1h
    """
    from models.store.history_files import import_history as read  # noqa: PLC0415 - as above
    from tasks.collect import judged_rows  # noqa: PLC0415

    series = _series(request_of(None, (source, symbol, timeframe), (None, None)))

    async def run() -> "Imported":
        async with await Store.open(load_settings().store_url) as store:
            return await read(store, file, judged_rows, now=SystemClock().now(), series=series)

    found = asyncio.run(run())
    if as_json:
        print_json(_report(file, found.series, found.received, found.rejected))
    else:
        out.print(f"{found.accepted} of {found.received} rows of {found.series} stored", markup=False, soft_wrap=True)
        if found.rejected:
            note(f"{found.rejected} in quarantine: nija history quarantine list")
    return _REJECTED if found.rejected else 0


def _named(file: Path, form: Format | None) -> Path:
    """Return the path with the ending of its format. Raises: ConfigError where the two disagree."""
    if form is None:
        return file
    if not file.suffix:
        return file.with_suffix(f".{form}")
    if file.suffix.lower() != f".{form}":
        raise ConfigError("--format", f"{form} does not go with {file.name}", f"{file.stem}.{form}")
    return file


async def _one(store: Store, request: "HistoryRequest") -> "tuple[Series, Span]":
    """Return the one stored series that is meant, as far as it is stored. Raises: ConfigError."""
    from flows.history_view import chosen_spans  # noqa: PLC0415 - as above

    found = await chosen_spans(store, None, request, SystemClock().now())
    if len(found) != 1:
        problem = "nothing that is stored is meant" if not found else f"{len(found)} stored series are meant"
        allowed = ", ".join(str(series) for series, _ in found) or "what nija history coverage shows"
        raise ConfigError("--source, --symbol, --timeframe", problem, f"one of {allowed}" if found else allowed)
    return found[0]


def _series(request: "HistoryRequest") -> "Series | None":
    """Return the series that the options name in full; None: they name nothing. Raises: ConfigError."""
    from flows.history_request import named_series  # noqa: PLC0415 - as above

    if not (request.sources or request.symbols or request.timeframes):
        return None
    found = named_series(request)
    if len(found) != 1:
        raise ConfigError("--source, --symbol, --timeframe", f"name {len(found)} series", "one of each, or none")
    return found[0]


def _report(file: Path, series: "Series", rows: int, rejected: int = 0) -> FileReport:
    return FileReport(
        file=str(file),
        source=series.source,
        symbol=series.symbol,
        timeframe=str(series.timeframe),
        rows=rows,
        rejected=rejected,
    )
