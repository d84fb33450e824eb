"""`nija history`: collect candles, see and fill what is missing, hold what is stored to its contracts, move it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import history_files, history_quarantine
from cli.console import FleetOption, JsonOption, note, out, print_json
from cli.history_options import (
    AgainOption,
    SinceOption,
    SourcesOption,
    SymbolsOption,
    TimeframesOption,
    UntilOption,
    fleet_if_there,
    request_of,
)
from cli.history_tables import show_audit, show_collected, show_coverage, show_gaps
from models.clock import SystemClock
from models.settings import load_settings
from models.store.engine import Store

if TYPE_CHECKING:
    from flows.history_request import HistoryRequest
    from models.history_report import CollectReport, CoverageReport, GapsReport

app = typer.Typer(no_args_is_help=True, help="Collect candles, see and fill gaps, audit, export and import them.")
app.add_typer(history_quarantine.app, name="quarantine")
app.command("export")(history_files.export_history)
app.command("import")(history_files.import_history)

_FAILED = 3


@app.command()
def collect(  # noqa: PLR0917 - Typer reads the options off the signature
    fleet: FleetOption = None,
    source: SourcesOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    again: AgainOption = False,
    as_json: JsonOption = False,
) -> int:
    """Collect what the fleet file's section `history` wants: every candle that is not stored yet. Takes no key.

    What is stored is never asked for again, so a run that was stopped is gone on with by the next. A series that the
    fleet file does not have is collected where --source, --symbol, --timeframe and --since name it in full.

    Exit 0: every series is complete. 3: one is not, and says why. 1: it could not run.

    Example: nija history collect --source binance --symbol BTC/USDT --timeframe 1h --since 90d
    """
    from flows.collect_history import collect_wanted  # noqa: PLC0415 - as above

    request = request_of(fleet, (source, symbol, timeframe), (since, until), outages_at_once=True, absences_too=again)
    return _collected(collect_wanted, request, as_json=as_json)


@app.command()
def fill(  # noqa: PLR0917 - likewise
    fleet: FleetOption = None,
    source: SourcesOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    again: AgainOption = False,
    as_json: JsonOption = False,
) -> int:
    """Fill the holes in what is stored: one request for each that fits a page. Takes no key.

    It reaches neither before the first nor beyond the last time that something is known of; that is for collect.

    Exit 0: nothing is missing there any more. 3: something is. 1: it could not run.

    Example: nija history fill --source kraken
    """
    from flows.fill_gaps import fill_wanted  # noqa: PLC0415 - as above

    request = request_of(fleet, (source, symbol, timeframe), (since, until), outages_at_once=True, absences_too=again)
    return _collected(fill_wanted, request, as_json=as_json)


@app.command()
def gaps(  # noqa: PLR0917 - likewise
    fleet: FleetOption = None,
    source: SourcesOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="What is known to be absent, too: no trade, not there, outage.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """List contiguous times without a candle, of every series that is wanted or stored. Asks no source.

    Exit 0: nothing is missing without a reason. 3: something is. 1: it could not run.

    Example: nija history gaps --symbol BTC/USD --since 30d
    """
    from flows.history_view import chosen_spans, gaps_report  # noqa: PLC0415 - as above

    request = request_of(fleet, (source, symbol, timeframe), (since, until))
    settings = load_settings()
    plan = fleet_if_there(settings, fleet)

    async def run() -> "GapsReport":
        async with await Store.open(settings.store_url) as store:
            spans = await chosen_spans(store, plan, request, SystemClock().now())
            return await gaps_report(store, spans, everything=everything)

    report = asyncio.run(run())
    (print_json if as_json else show_gaps)(report)
    return report.exit_code


@app.command()
def coverage(  # noqa: PLR0917 - likewise
    fleet: FleetOption = None,
    source: SourcesOption = None,
    symbol: SymbolsOption = None,
    timeframe: TimeframesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show how much of each series is there, as a calendar: one cell a day (UTC). Asks no source.

    Example: nija history coverage --timeframe 1h
    """
    from flows.history_view import chosen_spans, coverage_report  # noqa: PLC0415 - as above

    request = request_of(fleet, (source, symbol, timeframe), (since, until))
    settings = load_settings()
    plan = fleet_if_there(settings, fleet)

    async def run() -> "CoverageReport":
        async with await Store.open(settings.store_url) as store:
            return await coverage_report(store, await chosen_spans(store, plan, request, SystemClock().now()))

    report = asyncio.run(run())
    (print_json if as_json else show_coverage)(report)
    return 0


@app.command()
def audit(fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """Hold everything that is stored to its expectations, keep the result, and write it as a page of HTML.

    It reads the store alone: completeness, freshness, duplicates, prices that cannot be, sources that drift apart, and
    whether every row has its batch. What failed is an alert until a later audit finds it well.

    Exit 0: every expectation is met. 3: one is not. 1: it could not run.

    Example: nija history audit
    """
    from flows.audit_history import AuditRequest, audit_store  # noqa: PLC0415 - as above

    note("auditing; Great Expectations takes some seconds to begin")
    audited = asyncio.run(audit_store(AuditRequest(fleet=None if fleet is None else str(fleet.absolute()))))
    if as_json:
        print_json(audited)
    else:
        show_audit(audited)
    return audited.exit_code


def _collected(act: "Callable[..., Any]", request: "HistoryRequest", *, as_json: bool) -> int:
    """Collect or fill, show how far it is, and say what came of it."""
    from cli.history_progress import shown  # noqa: PLC0415

    with shown() as progress:
        report: CollectReport = asyncio.run(act(request, progress=progress))
    if as_json:
        print_json(report)
    elif not report.series:
        out.print("nothing is wanted: the fleet file has no section history")
    else:
        show_collected(report)
    return report.exit_code
