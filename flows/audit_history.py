"""Audit the stored history: hold it to what is expected of it, keep the result, and write it as a page to read.

Runs on Sundays at 04:00 UTC where its schedule is switched on; by hand: `nija history audit`. It reads the store alone
and reports: nothing is changed by it, and nothing waits for it.
"""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact
from prefect.client.schemas.objects import State
from pydantic import BaseModel, ConfigDict, Field

from flows.history_request import HistoryRequest
from flows.history_view import chosen_spans
from flows.pipeline import Pipeline, seen, started
from models.alert import FLEET, OperationalAlert
from models.audit import AuditReport
from models.clock import Clock, SystemClock
from models.fleet import Fleet, load_fleet
from models.history_report import AuditOutcome
from models.settings import Settings, load_settings, policy_defaults
from models.store.alerts import keep_alerts
from models.store.audits import save_audit
from models.store.engine import Store
from validations.audit.page import audit_page
from validations.audit.run import run_audit

AUDIT_HISTORY = Pipeline("audit_history", every=timedelta(weeks=1))
HISTORY_AUDIT_FAILED = "HISTORY_AUDIT_FAILED"
_NAMED = 5  # expectations in one alert


class AuditRequest(BaseModel):
    """Which history to audit. Plain data, shown by Prefect."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(
        default=None,
        description="The fleet file, which says what is wanted; without it NIJA_FLEET or ./fleet.yaml, where it is.",
    )


@flow(name="audit_history", flow_run_name="audit-history", retries=0, validate_parameters=True)
async def audit_history(request: AuditRequest) -> AuditOutcome | State[Any]:
    """Audit once, and show what was found.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start.
    """
    audited = await started(AUDIT_HISTORY, partial(audit_store, request))
    if isinstance(audited, AuditOutcome):
        await acreate_markdown_artifact(
            key="nija-history-audit", markdown=audit_markdown(audited), description=f"audit {audited.audit_id}"
        )
        page = Path(audited.page).as_uri()
        await acreate_link_artifact(
            key="nija-history-audit-page", link=page, link_text="The whole audit", description="On the worker's machine"
        )
    return audited


async def audit_store(request: AuditRequest, *, clock: Clock | None = None) -> AuditOutcome:
    """Audit what is wanted and what is stored; keep result, page and alert. Raises: ConfigError, StoreError."""
    settings, now = load_settings(), (clock or SystemClock()).now()
    fleet = _fleet(settings, request)
    async with await Store.open(settings.store_url) as store:
        spans = await chosen_spans(store, fleet, HistoryRequest(), now)
        # Great Expectations takes seconds to import, and would hold the loop meanwhile.
        report = await asyncio.to_thread(run_audit, settings.store_url, now=now, series=dict(spans))
        number = await save_audit(store, report)
        page = await asyncio.to_thread(_write, settings.home / "reports", number, audit_page(report))
        await keep_alerts(store, (HISTORY_AUDIT_FAILED,), _alerts(report, page), account=FLEET, now=report.finished_at)
        await seen(store, AUDIT_HISTORY, now=report.finished_at, clock=clock)
    return AuditOutcome(
        audit_id=number,
        page=str(page),
        passed=report.passed,
        expectations=report.expectations,
        failures=report.failures,
        report=report,
    )


def audit_markdown(audited: AuditOutcome) -> str:
    """Write an audit to read: what is not as expected, and where the whole page is."""
    met = audited.expectations - audited.failures
    lines = ["# History audit", "", f"{met} of {audited.expectations} expectations met. The page: `{audited.page}`."]
    broken = [check for check in audited.report.checks if not check.passed]
    if broken:
        lines += ["", "| suite | expected | where | found |", "|---|---|---|---|"]
    lines += [
        f"| {check.suite} | {_cell(check.says)} | {_cell(finding.subject)} | {_cell(finding.found)} |"
        for check in broken
        for finding in check.findings
    ]
    return "\n".join(lines) + "\n"


def _fleet(settings: Settings, request: AuditRequest) -> Fleet | None:
    """Load what is wanted; a file that nobody named may be missing."""
    if request.fleet is None and not settings.fleet.exists():
        return None
    return load_fleet(settings.fleet if request.fleet is None else Path(request.fleet), policy_defaults())


def _alerts(report: AuditReport, page: Path) -> list[OperationalAlert]:
    broken = [check.says for check in report.checks if not check.passed]
    if not broken:
        return []
    more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    return [OperationalAlert(HISTORY_AUDIT_FAILED, f"not as expected: {'; '.join(broken[:_NAMED])}{more}; see {page}")]


def _write(folder: Path, number: int, page: str) -> Path:
    """Write the page of an audit; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / f"history-audit-{number}.html").absolute()
    path.write_text(page, encoding="utf-8")
    return path


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
