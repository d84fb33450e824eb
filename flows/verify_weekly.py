"""Verify: prove with the deployed code that the rules hold, then look at every account without changing anything.

Runs on Mondays at 02:00 UTC where its schedule is switched on; by hand: `nija verify`. No order leaves this machine:
the rules are put to the test at simulated venues by a process that has no keys, and the accounts are only read.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.over_accounts import AccountsRequest, looking
from flows.pipeline import Pipeline, started
from flows.verification import private
from flows.verification.accounts import verify_account
from flows.verification.database import verify_store
from flows.verification.questions import QUESTIONS, VENUES
from models.alert import FLEET, OperationalAlert, Severity
from models.clock import Clock
from models.fleet import Account
from models.store.alerts import keep_alerts
from models.store.engine import Store
from models.store.verifications import save_verification
from models.verification import CheckResult, Part, VerificationReport, verification_report
from tasks.runtime import Runtime

VERIFY = Pipeline("verify_weekly", every=timedelta(weeks=1))
VERIFICATION_FAILED = "VERIFICATION_FAILED"

# Told after each check: its title, how many are made, and of how many.
Told = Callable[[str, int, int], None]
_PARTS = list(Part)


@flow(name="verify_weekly", flow_run_name="verify_weekly", retries=0, validate_parameters=True)
async def verify_weekly(request: AccountsRequest) -> VerificationReport | State[Any]:
    """Verify the deployed code and the chosen accounts, and show every check in a table.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start.
    """
    report = await started(VERIFY, partial(verify_fleet, request))
    if isinstance(report, VerificationReport):
        await asyncio.gather(
            acreate_table_artifact(
                key="nija-verification", table=[_row(c) for c in report.checks], description=report.sentence
            ),
            acreate_markdown_artifact(
                key="nija-verification-report", markdown=markdown(report), description=report.run_id
            ),
        )
    return report


async def verify_fleet(
    request: AccountsRequest, told: Told = lambda *_: None, clock: Clock | None = None
) -> VerificationReport:
    """Verify, keep the report in the store, and let the alerts be what was found. Raises: ConfigError, StoreError."""
    async with looking(request, VERIFY, clock) as (runtime, run):
        accounts = runtime.fleet.choose(request.accounts)
        counted = _Counted(told, private.COUNT + len(accounts))
        async with asyncio.TaskGroup() as group:
            drills = group.create_task(_rules(counted))
            looks = group.create_task(_accounts(runtime, accounts, run.run_id, counted))
            store = group.create_task(verify_store(runtime.store, runtime.clock))
        checks = sorted([*drills.result(), *store.result(), *looks.result()], key=lambda c: _PARTS.index(c.part))
        report = verification_report(run.run_id, run.started_at, runtime.clock.now(), checks)
        await save_verification(runtime.store, report)
        await _keep_alerts(runtime.store, report, accounts)
        broken = {check.account for check in report.failures}
        run.statuses |= {account.id: "failed" if account.id in broken else "ok" for account in accounts}
    return report


async def _rules(counted: "_Counted") -> list[CheckResult]:
    results: dict[tuple[str, str], CheckResult] = {}
    async with aclosing(private.answers()) as answers:
        async for result in answers:
            results[result.name, result.venue] = result
            counted.tell(result.title)
    return [results[question.name, venue] for question in QUESTIONS for venue in VENUES]


async def _accounts(
    runtime: Runtime, accounts: Sequence[Account], run_id: str, counted: "_Counted"
) -> list[CheckResult]:
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> list[CheckResult]:
        async with bound:
            checks = await verify_account(runtime, account, run_id)
        counted.tell(account.id)
        return checks

    return [check for checks in await asyncio.gather(*map(one, accounts)) for check in checks]


async def _keep_alerts(store: Store, report: VerificationReport, accounts: Iterable[Account]) -> None:
    """Let one alert stand for rules and store, and one for each account that was looked at, where any failed."""
    for about in ("", *(account.id for account in accounts)):
        failures = [check for check in report.failures if check.account == about]
        found = "; ".join(f"{check.title}: {check.found}" for check in failures)
        whose = about or FLEET
        alerts = [OperationalAlert(VERIFICATION_FAILED, found, Severity.CRITICAL, whose)] if failures else []
        await keep_alerts(store, (VERIFICATION_FAILED,), alerts, account=whose, now=report.finished_at)


class _Counted:
    """How far a verification is."""

    def __init__(self, told: Told, total: int) -> None:
        self._told, self._total, self._made = told, total, 0

    def tell(self, title: str) -> None:
        """Count one step, and say so."""
        self._made += 1
        self._told(title, self._made, self._total)


def markdown(report: VerificationReport) -> str:
    """Return a report to read: what failed first, then every check."""
    lines = ["# Verification", "", f"{report.started_at:%Y-%m-%d %H:%M} UTC: {report.sentence}"]
    if report.failures:
        lines += ["", "## Failed", "", *(f"- **{c.title}** {c.code}: {_cell(c.found)}" for c in report.failures)]
    lines += ["", "## Checks", "", "| part | check | verdict | found | seconds |", "|---|---|---|---|---|"]
    lines += [f"| {c.part} | {c.title} | {c.verdict} | {_cell(c.found)} | {c.seconds:.2f} |" for c in report.checks]
    return "\n".join(lines)


def _row(check: CheckResult) -> dict[str, Any]:
    return check.model_dump(mode="json")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
