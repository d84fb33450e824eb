"""Normalise a fleet: every account concurrently, one failing never stopping another.

Runs on demand: `nija normalize`, or a deployment in the Prefect UI.
"""

import asyncio
import json
import uuid
from datetime import datetime
from pathlib import Path

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from flows.account import normalize_account
from flows.artifacts import publish
from models.fleet import Account
from models.report import AccountReport, RunReport, totals_of
from models.settings import Settings, load_settings
from models.store.runs import finish_run, start_run
from tasks.runtime import Runtime, open_runtime, read_fleet


class NormalizeRequest(BaseModel):
    """What to normalise. Plain data, shown by Prefect: secrets never pass here."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(default=None, description="The fleet file; without it NIJA_FLEET or ./fleet.yaml.")
    accounts: list[str] = Field(default_factory=list, description="Account ids; none named means all.")
    live: bool = Field(default=False, description="Apply the plan. Without it nothing leaves this machine.")
    approved: dict[str, str] | None = Field(
        default=None,
        description="Plan hash by account, as a person saw it; a plan that differs by then is not applied.",
    )

    @property
    def mode(self) -> str:
        """The word for what the run does, as in its report."""
        return "live" if self.live else "plan"


@flow(name="normalize", flow_run_name="normalize {request.mode}", retries=0, validate_parameters=True)
async def normalize_accounts(request: NormalizeRequest) -> RunReport:
    """Bring the chosen accounts into the shape their policy declares, and show what came of it.

    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await normalize_fleet(request)
    await publish(report)
    return report


async def normalize_fleet(request: NormalizeRequest) -> RunReport:
    """Normalise, and keep the report in the store and as a file. Raises: ConfigError, StoreError."""
    settings = load_settings()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    chosen = fleet.choose(request.accounts)
    run_id = str(uuid.uuid4())
    async with open_runtime(settings, fleet) as runtime:
        started_at = runtime.clock.now()
        await start_run(
            runtime.store, run_id, pipeline="normalize", mode=request.mode, fleet=str(fleet.path), now=started_at
        )
        accounts = await _gather(runtime, chosen, request, run_id)
        report = _report(run_id, request.mode, started_at, runtime.clock.now(), accounts)
        await finish_run(runtime.store, run_id, now=report.finished_at)
    save_report(settings, report)
    return report


async def _gather(
    runtime: Runtime, accounts: tuple[Account, ...], request: NormalizeRequest, run_id: str
) -> list[AccountReport]:
    bound = asyncio.Semaphore(runtime.settings.max_concurrent_accounts)

    async def one(account: Account) -> AccountReport:
        approved = None if request.approved is None else request.approved.get(account.id, "")
        async with bound:
            return await normalize_account(runtime, account, run_id=run_id, live=request.live, approved=approved)

    return await asyncio.gather(*(one(account) for account in accounts))


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
