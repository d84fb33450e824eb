"""One run over many series: each source opened once, a few series at a time, one that fails never stopping another."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.history_request import Chosen, HistoryRequest, wanted_fleet
from flows.history_view import covered
from models.clock import Clock
from models.errors import NijaError, StoreError
from models.history import Absence, HistorySource, utc
from models.history_report import CollectReport, SeriesCoverage, SeriesReport, SeriesState, collect_report
from models.settings import load_settings
from tasks.collect import SILENT, Collected, Progress, collect_alone
from tasks.history_sources import Place, source_at
from tasks.runtime import Runtime, open_runtime

SERIES_AT_ONCE = 4  # of one source; its throttle decides how fast they go
log = logging.getLogger(__name__)


@asynccontextmanager
async def history_runtime(request: HistoryRequest, clock: Clock | None = None) -> AsyncIterator[Runtime]:
    """Open store and venues for a run over history. Raises: ConfigError, StoreError."""
    settings = load_settings()
    async with open_runtime(settings, wanted_fleet(settings, request), clock) as runtime:
        yield runtime


async def collect_chosen(
    runtime: Runtime, chosen: Sequence[Chosen], *, again: AbstractSet[Absence], progress: Progress = SILENT
) -> CollectReport:
    """Collect every series; the report has them in the order they were chosen. Raises: StoreError."""
    started_at = runtime.clock.now()
    places = list(dict.fromkeys(one.place for one in chosen))
    opened = dict(zip(places, await asyncio.gather(*(_opened(runtime, place) for place in places)), strict=True))
    bounds = {place.source: asyncio.Semaphore(SERIES_AT_ONCE) for place in places}

    async def one(wanted: Chosen) -> SeriesReport:
        async with bounds[wanted.place.source]:
            return _report(await _collected(runtime, wanted, opened[wanted.place], again=again, progress=progress))

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one(wanted)) for wanted in chosen]
    series = [task.result() for task in running]
    return collect_report(str(uuid.uuid4()), started_at, runtime.clock.now(), series)


async def publish_history(
    runtime: Runtime, report: CollectReport, chosen: Sequence[Chosen], *, key: str, title: str
) -> None:
    """Show what was done and what is there now, in the Prefect UI. A run that asked for nothing leaves no page."""
    if not report.requests:
        return
    there = [await covered(runtime.store, one.series, one.span) for one in chosen]
    await asyncio.gather(
        acreate_table_artifact(key=key, table=[_row(one) for one in report.series], description=title),
        acreate_table_artifact(
            key="nija-history-coverage", table=[_coverage_row(one) for one in there], description="Stored history"
        ),
        acreate_markdown_artifact(
            key=f"{key}-report", markdown=history_markdown(report, title), description=report.run_id
        ),
    )


def history_markdown(report: CollectReport, title: str) -> str:
    """Write a run's report to read."""
    took = (report.finished_at - report.started_at).total_seconds()
    lines = [
        f"# {title}",
        "",
        (
            f"{len(report.series)} series, {report.requests} requests, {report.received} rows in {took:.1f} s, "
            f"{report.rejected} rejected, {report.missing} candles missing."
        ),
        "",
        "| series | state | stored | rejected | no trade | not there | missing | why |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(one.name)} | {one.state} | {one.accepted} | {one.rejected} | {one.no_trade} | {one.not_there} | "
        f"{one.missing} | {_cell(f'{one.code} {one.message}'.strip())} |"
        for one in report.series
    ]
    return "\n".join(lines) + "\n"


def _row(one: SeriesReport) -> dict[str, Any]:
    return {"series": one.name, **one.model_dump(mode="json", exclude={"source", "symbol", "timeframe"})}


def _coverage_row(one: SeriesCoverage) -> dict[str, Any]:
    there = "none" if one.fraction is None else f"{one.fraction:.2%}"
    first, last = (one.days[0].day, one.days[-1].day) if one.days else ("", "")
    counts = {"expected": one.expected, "there": one.there, "absent": one.absent, "missing": one.missing}
    return {"series": one.name, "from": str(first), "to": str(last), "covered": there, **counts}


async def _opened(runtime: Runtime, place: Place) -> HistorySource | NijaError:
    """Open a source; a fault of one is no other's."""
    try:
        return await source_at(runtime, place)
    except StoreError:
        raise
    except NijaError as error:
        return error


async def _collected(
    runtime: Runtime,
    wanted: Chosen,
    source: HistorySource | NijaError,
    *,
    again: AbstractSet[Absence],
    progress: Progress,
) -> Collected:
    """Collect one series. Raises: StoreError."""
    if isinstance(source, NijaError):
        found = Collected(wanted.series, wanted.span)
        found.ends(SeriesState.REFUSED, source.code, str(source))
        return found
    try:
        return await collect_alone(
            runtime.store,
            runtime.holder,
            source,
            wanted.series,
            wanted.span,
            clock=runtime.clock,
            progress=progress,
            again=again,
        )
    except StoreError:
        raise
    except Exception as error:
        log.exception("series failed", extra={"series": str(wanted.series)})
        found = Collected(wanted.series, wanted.span)
        found.ends(SeriesState.FAILED, "INTERNAL_ERROR", f"{type(error).__name__}, see the log")
        return found


def _report(found: Collected) -> SeriesReport:
    return SeriesReport(
        source=found.series.source,
        symbol=found.series.symbol,
        timeframe=str(found.series.timeframe),
        since=utc(found.span.start),
        until=utc(found.span.end),
        state=found.state,
        wanted=found.wanted,
        requests=found.requests,
        received=found.received,
        accepted=found.accepted,
        rejected=found.rejected,
        no_trade=found.absent.get(Absence.NO_TRADE, 0),
        not_there=found.absent.get(Absence.NOT_THERE, 0),
        missing=found.missing,
        code=found.code,
        message=found.message,
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
