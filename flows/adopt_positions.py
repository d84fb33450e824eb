"""Adopt what accounts hold: track it, and find out from the venue's own fills what it cost and since when it is held.

Runs on demand: `nija adopt`, or the deployment in the Prefect UI; and when Nija starts. It sends no order.
"""

from functools import partial
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.exit_alerts import ENTRY_UNKNOWN
from flows.over_accounts import AccountsRequest, at_each, looking
from flows.pipeline import Pipeline, started
from models.adoption_report import AdoptedAccount, AdoptedPosition, AdoptionReport, adoption_totals
from models.alert import OperationalAlert
from models.clock import Clock
from models.fleet import Account
from models.report import ErrorReport
from models.store.alerts import keep_alerts
from tasks.adopt import adopt_account, adopt_positions_of
from tasks.runtime import AccountAt

ADOPT = Pipeline("adopt")


@flow(name="adopt", flow_run_name="adopt", retries=0, validate_parameters=True)
async def adopt_positions(request: AccountsRequest) -> AdoptionReport | State[Any]:
    """Track what the chosen accounts hold, with its cost basis, and show it as a table.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await started(ADOPT, partial(adopt_fleet, request, on_prefect=True))
    if isinstance(report, AdoptionReport):
        rows = [_row(account, position) for account in report.accounts for position in account.positions]
        await acreate_table_artifact(key="nija-adoption", table=rows, description=report.run_id)
    return report


async def adopt_fleet(
    request: AccountsRequest, *, on_prefect: bool = False, clock: Clock | None = None
) -> AdoptionReport:
    """Adopt, and keep what was found in the store. Raises: ConfigError, StoreError."""
    step = adopt_account if on_prefect else adopt_positions_of

    async def adopt(at: AccountAt) -> AdoptedAccount:
        found: AdoptedAccount = await step(at)
        unknown = [p for p in found.positions if p.adoption_status == "entry_unknown" and p.entry_price is None]
        alerts = [OperationalAlert(ENTRY_UNKNOWN, _words(p), account=at.id, symbol=p.symbol) for p in unknown]
        await keep_alerts(at.store, (ENTRY_UNKNOWN,), alerts, account=at.id, now=at.clock.now())
        return found

    async with looking(request, ADOPT, clock) as (runtime, run):
        accounts = await at_each(runtime, request, run.run_id, adopt, _failed)
        run.statuses |= {account.account: account.status for account in accounts}
        finished_at = runtime.clock.now()
    return AdoptionReport(
        run_id=run.run_id,
        started_at=run.started_at,
        finished_at=finished_at,
        accounts=accounts,
        totals=adoption_totals(accounts),
    )


def _failed(account: Account, error: ErrorReport) -> AdoptedAccount:
    return AdoptedAccount(account=account.id, status="failed", errors=[error])


def _words(position: AdoptedPosition) -> str:
    advice = "nija exits set --entry-price tells it"
    return f"what it cost is not known ({position.detail}), so no stop protects it; its age counts. {advice}"


def _row(account: AdoptedAccount, position: AdoptedPosition) -> dict[str, Any]:
    return {"account": account.account, **position.model_dump(mode="json")}
