"""Start up: settle what was left, look at every account, and tell an operator what to know before anything trades.

Recover, adopt, reconcile, plan: in this order, and no step sends an order. Runs on demand: `nija start-up`, or the
deployment in the Prefect UI.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.adopt_positions import adopt_fleet
from flows.fleet_view import FleetView, view_of
from flows.normalize import FleetRequest, normalize_fleet
from flows.over_accounts import AccountsRequest
from flows.pipeline import Pipeline, seen, started
from flows.reconcile import reconcile_fleet
from flows.recover import recover_fleet
from flows.status import fleet_metrics
from models.adoption_report import AdoptionReport
from models.alert import Alert, Severity
from models.reconcile_report import ReconciliationReport
from models.report import ErrorReport, RecoveryReport, RunReport
from models.settings import load_settings
from models.store.runs import end_runs
from models.watch_report import MatterReport, StartUpReport, matter
from rules.watching import findings
from tasks.runtime import Runtime, open_runtime, read_fleet

START_UP = Pipeline("start_up")


@flow(name="start_up", flow_run_name="start_up", retries=0, validate_parameters=True)
async def start_up(request: AccountsRequest) -> StartUpReport | State[Any]:
    """Find out what must be known of the chosen accounts, and show it as a table. Sends no order.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await started(START_UP, partial(start_up_fleet, request, on_prefect=True))
    if isinstance(report, StartUpReport):
        rows = [found.model_dump(mode="json") for found in report.matters]
        await acreate_table_artifact(key="nija-start-up", table=rows, description=report.outcome)
    return report


async def start_up_fleet(request: AccountsRequest, *, on_prefect: bool = False) -> StartUpReport:
    """Do so, one account's fault never stopping another. Raises: ConfigError, StoreError."""
    settings = load_settings()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    chosen = fleet.choose(request.accounts)
    async with open_runtime(settings, fleet) as runtime:
        started_at = runtime.clock.now()
        recovery = await recover_fleet(runtime, chosen)
        adoption = await adopt_fleet(request, on_prefect=on_prefect)
        reconciliation = await reconcile_fleet(request, on_prefect=on_prefect)
        plan = await normalize_fleet(FleetRequest(fleet=request.fleet, accounts=request.accounts))
        ended = await _end_dead_runs(runtime, recovery)
        now = runtime.clock.now()
        view = await view_of(runtime.store, fleet, now)
        names = {account.id for account in chosen}
        own = fleet.model_copy(update={"accounts": chosen})
        # A symbol that is frozen, and an order without an end, are told here however few and young they are.
        strict = own.watch.model_copy(update={"max_frozen_symbols": 0, "undecided_order_minutes": 0})
        matters = [matter(alert) for alert in findings(view.facts, own.model_copy(update={"watch": strict}))]
        told = {(found.code, found.account, found.symbol) for found in matters}
        steps = [*_of_steps(recovery, adoption, reconciliation, plan)]
        matters += [found for found in map(matter, steps) if (found.code, found.account, found.symbol) not in told]
        status = await fleet_metrics(runtime.store, fleet, now, view=view)
        await seen(runtime.store, START_UP, now=now)
    return StartUpReport(
        started_at=started_at,
        finished_at=now,
        outcome="something_to_know" if matters else "nothing_to_know",
        matters=_worst_first(matters),
        ended=ended,
        recovery=recovery,
        adoption=adoption,
        reconciliation=reconciliation,
        plan=plan,
        status=status.model_copy(update={"accounts": [a for a in status.accounts if a.account in names]}),
    )
