"""Reconcile: compare every account's books with its venue, and stop its entries where the venue contradicts them.

Runs every fifteen minutes where its schedule is switched on; by hand: `nija reconcile`. It sends no order.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.over_accounts import AccountsRequest, at_each, looking
from flows.pipeline import Pipeline, started
from models.alert import OperationalAlert, Severity
from models.clock import Clock
from models.fleet import Account
from models.reconcile_report import DifferenceReport, ReconciledAccount, ReconciliationReport
from models.reconciliation import Finding
from models.report import ErrorReport
from models.store.alerts import keep_alerts
from tasks.reconcile import reconcile_account, reconcile_account_at
from tasks.runtime import AccountAt

RECONCILE = Pipeline("reconcile", every=timedelta(minutes=15))
RECONCILIATION_FAILED, MOVED_OUTSIDE = "RECONCILIATION_FAILED", "MOVED_OUTSIDE"


@flow(name="reconcile", flow_run_name="reconcile", retries=0, validate_parameters=True)
async def reconcile(request: AccountsRequest) -> ReconciliationReport | State[Any]:
    """Compare the books of the chosen accounts with their venues, and show every difference in a table.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await started(RECONCILE, partial(reconcile_fleet, request, on_prefect=True))
    if isinstance(report, ReconciliationReport):
        table = [_row(account) for account in report.accounts]
        table += [_row(account, difference) for account in report.accounts for difference in account.differences]
        await acreate_table_artifact(key="nija-reconciliation", table=table, description=report.run_id)
    return report


async def reconcile_fleet(
    request: AccountsRequest, *, on_prefect: bool = False, clock: Clock | None = None
) -> ReconciliationReport:
    """Reconcile, and keep what stands in the store. Raises: ConfigError, StoreError."""
    step = reconcile_account if on_prefect else reconcile_account_at

    async def compare(at: AccountAt) -> ReconciledAccount:
        found: ReconciledAccount = await step(at)
        alerts = [*_failed_alerts(found), *_moved_alerts(found, at)]
        codes = (RECONCILIATION_FAILED, MOVED_OUTSIDE)
        await keep_alerts(at.store, codes, alerts, account=at.id, now=at.clock.now())
        return found

    async with looking(request, RECONCILE, clock) as (runtime, run):
        accounts = await at_each(runtime, request, run.run_id, compare, _unread)
        run.statuses |= {account.account: account.status for account in accounts}
        finished_at = runtime.clock.now()
    return ReconciliationReport(
        run_id=run.run_id, started_at=run.started_at, finished_at=finished_at, accounts=accounts
    )


def _unread(account: Account, error: ErrorReport) -> ReconciledAccount:
    return ReconciledAccount(account=account.id, status="failed", errors=[error])


def _failed_alerts(found: ReconciledAccount) -> list[OperationalAlert]:
    """Return one alert an account: what stands is in its message."""
    if found.status != "mismatch":
        return []
    words = "; ".join(f"{d.finding} {d.symbol} {d.detail}".strip() for d in found.differences if d.mismatch)
    message = f"entries stop, the venue contradicts the books: {words}"
    return [OperationalAlert(RECONCILIATION_FAILED, message, Severity.CRITICAL, found.account)]


def _moved_alerts(found: ReconciledAccount, at: AccountAt) -> list[OperationalAlert]:
    """Return what was moved and is no small change, so that a person sees what nobody ordered."""
    moved = [d for d in found.differences if d.finding is Finding.MOVED_OUTSIDE]
    large = [d for d in moved if d.value_usd is None or float(d.value_usd) >= float(at.policy.minimum_position_usd)]
    return [
        OperationalAlert(
            MOVED_OUTSIDE, f"{d.expected} by the books, {d.found} held: {d.detail}", account=at.id, symbol=d.symbol
        )
        for d in large
    ]


def _row(account: ReconciledAccount, difference: DifferenceReport | None = None) -> dict[str, Any]:
    if difference is None:
        summary = {"status": account.status, "equity": account.equity, "positions": account.positions}
        return {"account": account.account, **summary, "errors": ", ".join(e.code for e in account.errors)}
    return {"account": account.account, **difference.model_dump(mode="json")}
