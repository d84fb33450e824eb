"""Start up: settle what was left, look at every account, and tell an operator what to know before anything trades.

Recover, adopt, reconcile, plan: in this order, and no step sends an order. Runs on demand: `nija start-up`, or the
deployment in the Prefect UI.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State

from flows.adopt_positions import adopt_fleet
from flows.exit_alerts import ENTRY_UNKNOWN
from flows.fleet_view import FleetView, view_of
from flows.normalize import FleetRequest, normalize_fleet
from flows.over_accounts import AccountsRequest
from flows.pipeline import Pipeline, seen, started
from flows.reconcile import MOVED_OUTSIDE, RECONCILIATION_FAILED, reconcile_fleet
from flows.recover import recover_fleet
from flows.status import fleet_metrics
from models.adoption_report import AdoptionReport
from models.alert import OperationalAlert, Severity
from models.clock import Clock
from models.fleet import Fleet
from models.reasons import AccountStatus
from models.reconcile_report import ReconciliationReport
from models.reconciliation import Finding
from models.report import ErrorReport, RecoveryReport, RunReport
from models.settings import load_settings
from models.store.runs import end_runs, unfinished_runs
from models.watch_report import MatterReport, StartUpReport, folded, matter
from rules.watching import findings
from tasks.runtime import Runtime, open_runtime, read_fleet

START_UP = Pipeline("start_up")
SYMBOL_FROZEN, WOULD_ACT, VERIFICATION_FAILED = "SYMBOL_FROZEN", "WOULD_ACT", "VERIFICATION_FAILED"
_URGENCY = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@flow(name="start_up", flow_run_name="start_up", retries=0, validate_parameters=True)
async def start_up(request: AccountsRequest) -> StartUpReport | State[Any]:
    """Find out what must be known of the chosen accounts, and show it as a table. Sends no order.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await started(START_UP, partial(start_up_fleet, request, on_prefect=True))
    if isinstance(report, StartUpReport):
        rows = [found.model_dump(mode="json") for found in folded(report.matters)]
        await acreate_table_artifact(key="nija-start-up", table=rows, description=report.outcome)
    return report


async def start_up_fleet(
    request: AccountsRequest, *, on_prefect: bool = False, clock: Clock | None = None
) -> StartUpReport:
    """Do so, one account's fault never stopping another. Raises: ConfigError, StoreError."""
    settings = load_settings()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    chosen = fleet.choose(request.accounts)
    async with open_runtime(settings, fleet, clock) as runtime:
        started_at = runtime.clock.now()
        recovery = await recover_fleet(runtime, chosen)
        adoption = await adopt_fleet(request, on_prefect=on_prefect, clock=clock)
        reconciliation = await reconcile_fleet(request, on_prefect=on_prefect, clock=clock)
        plan = await normalize_fleet(FleetRequest(fleet=request.fleet, accounts=request.accounts), clock=clock)
        ended = await _end_dead_runs(runtime, recovery)
        now = runtime.clock.now()
        view = await view_of(runtime.store, fleet, now)
        own = fleet.model_copy(update={"accounts": chosen})
        known = [*_in_the_store(view, own), *_of_steps(recovery, adoption, reconciliation, plan)]
        status = await fleet_metrics(runtime.store, fleet, now, view=view)
        await seen(runtime.store, START_UP, now=now, clock=clock)
    matters, names = _worst_first(known), {account.id for account in chosen}
    return StartUpReport(
        started_at=started_at,
        finished_at=now,
        outcome="something_to_know" if matters else "nothing_to_know",
        matters=matters,
        ended=ended,
        recovery=recovery,
        adoption=adoption,
        reconciliation=reconciliation,
        plan=plan,
        status=status.model_copy(update={"accounts": [a for a in status.accounts if a.account in names]}),
    )


def _in_the_store(view: FleetView, fleet: Fleet) -> Iterator[OperationalAlert]:
    """Tell what the watch would, and of every order and frozen symbol, however young and however few."""
    strict = fleet.watch.model_copy(update={"undecided_order_minutes": 0})
    yield from findings(view.facts, fleet.model_copy(update={"watch": strict}))
    if view.verification is not None and view.verification.exit_code:
        words = f"the last verification: {view.verification.sentence}; nija verify says more"
        yield OperationalAlert(VERIFICATION_FAILED, words, Severity.CRITICAL)
    known = {account.id for account in fleet.accounts}
    for freeze in view.freezes:
        if freeze.is_frozen and freeze.account in known:
            yield OperationalAlert(SYMBOL_FROZEN, freeze.sentence, Severity.WARNING, freeze.account, freeze.symbol)


def _of_steps(
    recovery: RecoveryReport, adoption: AdoptionReport, reconciliation: ReconciliationReport, plan: RunReport
) -> Iterator[OperationalAlert]:
    for recovered in recovery.accounts:
        yield from _faults(recovered.account, recovered.errors, Severity.CRITICAL)
    for compared in reconciliation.accounts:
        yield from _faults(compared.account, compared.errors, Severity.CRITICAL)
        for difference in compared.differences:
            code = RECONCILIATION_FAILED if difference.mismatch else MOVED_OUTSIDE
            if difference.mismatch or difference.finding is Finding.MOVED_OUTSIDE:
                severity = Severity.CRITICAL if difference.mismatch else Severity.INFO
                words = f"{difference.finding.value}: {difference.detail}"
                yield OperationalAlert(code, words, severity, compared.account, difference.symbol)
    for adopted in adoption.accounts:
        yield from _faults(adopted.account, adopted.errors, Severity.CRITICAL)
        for position in adopted.positions:
            if position.adoption_status == "entry_unknown" and position.entry_price is None:
                words = f"what it cost is not known ({position.detail}): no stop protects it"
                yield OperationalAlert(ENTRY_UNKNOWN, words, Severity.WARNING, adopted.account, position.symbol)
    for planned in plan.accounts:
        is_well = planned.status in {AccountStatus.COMPLIANT, AccountStatus.PENDING}
        yield from _faults(planned.account, planned.errors, Severity.WARNING if is_well else Severity.CRITICAL)
        if planned.actions:
            kinds = Counter(action.kind.value for action in planned.actions)
            words = ", ".join(f"{times} {kind}" for kind, times in sorted(kinds.items()))
            message = f"the next live run would do this: {words}; nija normalize shows it"
            yield OperationalAlert(WOULD_ACT, message, Severity.INFO, planned.account)


def _faults(account: str, errors: Sequence[ErrorReport], severity: Severity) -> Iterator[OperationalAlert]:
    return (OperationalAlert(error.code, error.message, severity, account, error.symbol or "") for error in errors)


def _worst_first(known: Sequence[OperationalAlert]) -> list[MatterReport]:
    """Tell each matter once, as the first step that met it said it."""
    once = {(alert.code, alert.account, alert.symbol): alert for alert in reversed(known)}
    order = sorted(once.values(), key=lambda a: (_URGENCY.index(a.severity), a.account, a.code, a.symbol))
    return [matter(alert) for alert in order]


async def _end_dead_runs(runtime: Runtime, recovery: RecoveryReport) -> int:
    """Close the runs that died, once nothing of theirs is undecided any more; return how many."""
    if recovery.exit_code:
        return 0
    now = runtime.clock.now()
    longest = timedelta(minutes=runtime.fleet.watch.stalled_run_minutes)
    dead = [run.run_id for run in await unfinished_runs(runtime.store) if now - run.started_at > longest]
    return await end_runs(runtime.store, dead, now=now)
