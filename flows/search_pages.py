"""What a search leaves in the Prefect UI: a report to read, a table of the best, and pictures. And a sign of life."""

import asyncio
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.pictures import publish_picture
from flows.pipeline import Pipeline, seen
from flows.search_markdown import search_markdown
from models.clock import Clock, SystemClock
from models.search_report import BatchReport, SearchReport
from models.settings import load_settings
from models.store.engine import Store
from research.search_pictures import pictures


async def publish_search(report: BatchReport, pipeline: Pipeline, *, key: str, clock: Clock | None = None) -> None:
    """Create the artifacts of a search. Keys are stable, so each has a version history. Raises: StoreError."""
    searched = [one.report for one in report.strategies if one.report is not None]
    drawn = [(one, await asyncio.to_thread(pictures, one)) for one in searched]
    await asyncio.gather(
        acreate_markdown_artifact(key=key, markdown=search_markdown(report), description=pipeline.name),
        acreate_table_artifact(key=f"{key}-best", table=[_row(one) for one in searched], description="Best"),
        *(
            publish_picture(f"{key}-{one.strategy}-{what.replace(' ', '-')}", png, f"{one.strategy}: {what}")
            for one, of_one in drawn
            for what, png in of_one.items()
        ),
    )
    async with await Store.open(load_settings().store_url) as store:
        await seen(store, pipeline, now=(clock or SystemClock()).now(), clock=clock)


def _row(report: SearchReport) -> dict[str, Any]:
    best = report.best
    return {
        "strategy": report.strategy,
        "data": report.data,
        "verdict": report.verdict.outcome.value,
        "why": ", ".join(finding.value for finding in report.verdict.findings),
        "best": {} if best is None else best.parameters,
        report.objective: None if best is None else best.metrics.get(report.objective),
        "tried": report.tried,
        "study": report.study_id,
    }
