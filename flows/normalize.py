"""Normalise a fleet: every account concurrently, one failing never stopping another.

Runs on demand: `nija normalize`, or a deployment in the Prefect UI. The pipelines that enforce a part of the policy use
the same pieces.
"""

import asyncio
import json
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import BaseModel, ConfigDict, Field

from flows.account import normalize_account
from flows.approval import with_approval
from flows.artifacts import publish
from flows.pipeline import Pipeline, is_unattended, recorded, started
from models.clock import Clock
from models.errors import ConfigError
from models.fleet import Account
from models.report import AccountReport, ErrorReport, RunReport, totals_of
from models.scope import Scope
from models.settings import Settings, load_settings
from tasks.runtime import Runtime, open_runtime, read_fleet

NORMALIZE = Pipeline("normalize")


class FleetRequest(BaseModel):
    """Which accounts a run is about, and whether it acts. Plain data, shown by Prefect: secrets never pass here."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(default=None, description="The fleet file; without it NIJA_FLEET or ./fleet.yaml.")
    accounts: list[str] = Field(default_factory=list, description="Account ids; none named means all.")
    live: bool = Field(default=False, description="Apply the plan. Without it nothing leaves this machine.")
    approved: dict[str, str] | None = Field(
        default=None,
        description="Plan hash by account, as a person saw it; a plan that differs by then is not applied.",
    )

    @property
    def word(self) -> str:
        """The word for what the run does, as in its report."""
        return "live" if self.live else "plan"


class How(StrEnum):
    """How far a normalisation goes by itself."""

    PLAN = "plan"
    APPROVE = "approve"
    APPLY = "apply"


class NormalizeRequest(FleetRequest):
    """What to normalise, and how."""

    mode: How = Field(
        default=How.PLAN,
        description="plan: show what would be done. approve: show it, pause until a person decides in this UI, apply "
        "what was approved. apply: do what the policy allows (`live` says the same).",
    )
    answer_within_seconds: float = Field(
        default=3600, ge=1, le=86_400, description="With approve: how long the question stands; then nothing is sent."
    )

    @property
    def how(self) -> How:
        """How far the run goes: `live` alone means apply, and asks first where the mode says so."""
        return How.APPLY if self.live and self.mode is How.PLAN else self.mode


@flow(name="normalize", flow_run_name="normalize {request.how.value}", retries=0, validate_parameters=True)
async def normalize_accounts(request: NormalizeRequest) -> RunReport | State[Any]:
    """Bring the chosen accounts into the shape their policy declares, and show what came of it.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await started(NORMALIZE, partial(_as_asked, request))
    if isinstance(report, RunReport):
        await publish(report)
    return report


async def enforce(request: FleetRequest, pipeline: Pipeline, scope: Scope) -> RunReport | State[Any]:
    """Enforce one part of the policy, as a flow that belongs to a schedule does. Raises: as `normalize_accounts`."""
    report = await started(
        pipeline, partial(normalize_fleet, request, pipeline=pipeline.name, scope=scope, every=pipeline.every)
    )
    if isinstance(report, RunReport) and not report.is_quiet:
        await publish(report, pipeline.name)
    return report


async def normalize_fleet(
    request: FleetRequest,
    *,
    pipeline: str = NORMALIZE.name,
    scope: Scope = Scope.ALL,
    every: timedelta | None = None,
    clock: Clock | None = None,
) -> RunReport:
    """Normalise, and keep the report in the store, and as a file where it has anything to say.

    Asks nobody, whatever the mode. `every`: how often the pipeline is scheduled. Raises: ConfigError, StoreError.
    """
    settings = load_settings()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    fleet.choose(request.accounts)
    async with open_runtime(settings, fleet, clock) as runtime:
        return await normalize_at(runtime, request, pipeline=pipeline, scope=scope, every=every)


async def normalize_at(
    runtime: Runtime,
    request: FleetRequest,
    *,
    pipeline: str = NORMALIZE.name,
    scope: Scope = Scope.ALL,
    every: timedelta | None = None,
) -> RunReport:
    """Do the same with a runtime that is open already, and its fleet. Raises: ConfigError, StoreError."""
    chosen = runtime.fleet.choose(request.accounts)
    async with recorded(runtime, Pipeline(pipeline, every), mode=request.word) as run:
        accounts = await _gather(runtime, chosen, request, run_id=run.run_id, scope=scope)
        run.statuses |= {a.account: a.status.value for a in accounts}
    report = _report(run.run_id, request.word, run.started_at, runtime.clock.now(), accounts)
    if pipeline == NORMALIZE.name or not report.is_quiet:
        save_report(runtime.settings, report)
    return report


async def _as_asked(request: NormalizeRequest) -> RunReport:
    """Plan, or apply, or plan and ask and apply."""
    if request.how is not How.APPROVE:
        return await normalize_fleet(request.model_copy(update={"live": request.how is How.APPLY}))
    if request.approved is not None:
        raise ConfigError("mode", "approve asks for the approval that `approved` already carries", "one of the two")
    fleet = read_fleet(load_settings(), None if request.fleet is None else Path(request.fleet))
    within = timedelta(seconds=request.answer_within_seconds)

    async def plan(accounts: list[str]) -> RunReport:
        return await normalize_fleet(FleetRequest(fleet=request.fleet, accounts=accounts))

    async def apply(approved: dict[str, str]) -> RunReport:
        return await normalize_fleet(
            FleetRequest(fleet=request.fleet, accounts=list(approved), live=True, approved=approved)
        )

    return await with_approval([a.id for a in fleet.choose(request.accounts)], plan, apply, within=within)


async def _gather(
    runtime: Runtime, accounts: tuple[Account, ...], request: FleetRequest, *, run_id: str, scope: Scope
) -> list[AccountReport]:
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> AccountReport:
        approved = None if request.approved is None else request.approved.get(account.id, "")
        held_back = _held_back(runtime, account, scope, is_approved=approved is not None) if request.live else None
        live = request.live and held_back is None
        async with bound:
            report = await normalize_account(runtime, account, run_id=run_id, live=live, approved=approved, scope=scope)
        return report if held_back is None else report.model_copy(update={"errors": [*report.errors, held_back]})

    return await asyncio.gather(*(one(account) for account in accounts))


def _held_back(runtime: Runtime, account: Account, scope: Scope, *, is_approved: bool) -> ErrorReport | None:
    """Say why the policy lets this run only plan; an exit waits for nobody."""
    policy = runtime.fleet.policies[account.id]
    if scope is Scope.REBALANCE and not policy.rebalance_apply:
        message = "its policy lets a rebalancing only plan: rebalance_apply is false"
        return ErrorReport(code="REBALANCE_OFF", message=message)
    if is_unattended() and not is_approved and scope is not Scope.EXITS and not policy.may_apply_unattended:
        message = "its policy lets a scheduled run only plan: normalize with mode approve, or nija normalize --live"
        return ErrorReport(code="NEEDS_APPROVAL", message=message)
    return None


def _report(
    run_id: str, mode: str, started_at: datetime, finished_at: datetime, accounts: list[AccountReport]
) -> RunReport:
    return RunReport(
        run_id=run_id,
        mode=mode,
        started_at=started_at,
        finished_at=finished_at,
        accounts=accounts,
        totals=totals_of(accounts),
    )


def save_report(settings: Settings, report: RunReport) -> Path:
    """Keep the report as a file; return where."""
    path = settings.home / "reports" / f"{report.started_at:%Y%m%dT%H%M%S}-{report.run_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.model_dump(mode="json"), indent=2), encoding="utf-8")
    return path
