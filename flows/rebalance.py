"""Rebalance: weigh an account's strategies by their backtests, trade towards the weights where its policy says so.

Runs every day, week or month where one of its schedules is switched on; by hand: `nija rebalance`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field, field_validator

from flows.artifacts import publish
from flows.normalize import FleetRequest, normalize_fleet
from flows.pipeline import Pipeline, started
from models.clock import Clock, SystemClock
from models.errors import ConfigError
from models.fleet import Account
from models.history_plan import instant_of
from models.report import ErrorReport, RunReport
from models.scope import Scope
from models.settings import load_settings
from models.store.engine import Store
from tasks.runtime import read_fleet
from tasks.weigh import strategy_of

if TYPE_CHECKING:
    from research.registry import Registry

NAME = "rebalance"


class Frequency(StrEnum):
    """How often a schedule rebalances."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


_EVERY = {
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(weeks=1),
    Frequency.MONTHLY: timedelta(days=31),
}


class RebalanceRequest(FleetRequest):
    """Which accounts to rebalance. Those without strategies in the fleet file are left out."""

    refresh: bool = Field(
        default=False, description="Test every strategy anew on the stored history first, and weigh by that."
    )
    since: str = Field(default="90d", description="With refresh: on prices from when on; 90d, 8w, or a date in UTC.")
    frequency: Frequency | None = Field(
        default=None, description="How often this is scheduled, where it is: by that it is late, and silent."
    )

    @field_validator("since")
    @classmethod
    def _can_be_read(cls, text: str) -> str:
        instant_of(text, datetime.fromisoformat("2200-01-01T00:00:00+00:00"))
        return text


def pipeline_of(request: RebalanceRequest) -> Pipeline:
    """Return the pipeline as the schedule of the request has it."""
    return Pipeline(NAME, None if request.frequency is None else _EVERY[request.frequency])


@flow(name=NAME, flow_run_name="rebalance {request.word}", retries=0, validate_parameters=True)
async def rebalance(request: RebalanceRequest) -> RunReport | State[Any]:
    """Plan each account towards its strategies' weights, and trade there where `live` and its policy say so.

    A state is returned in the report's place where the run was skipped, and says why.
    Raises: ConfigError, StoreError when the run itself cannot start; nothing was touched then.
    """
    report = await started(pipeline_of(request), partial(rebalance_fleet, request))
    if isinstance(report, RunReport) and not report.is_quiet:
        await publish(report, NAME)
    return report


async def rebalance_fleet(request: RebalanceRequest, *, clock: Clock | None = None) -> RunReport:
    """Rebalance the chosen accounts, and keep the report. Raises: ConfigError, StoreError."""
    from research.registry import found  # noqa: PLC0415 - as in `tasks.weigh`

    settings, registry = load_settings(), found()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    chosen = [account for account in fleet.choose(request.accounts) if account.strategies]
    if not chosen:
        raise ConfigError(str(fleet.path), "no chosen account has strategies", "accounts[].strategies")
    for account in chosen:
        for planned in account.strategies:
            strategy_of(account, planned, registry)
    failed = await refreshed(request, chosen, registry, clock or SystemClock()) if request.refresh else {}
    request = request.model_copy(update={"accounts": [account.id for account in chosen]})
    report = await normalize_fleet(
        request, pipeline=NAME, scope=Scope.REBALANCE, every=pipeline_of(request).every, clock=clock
    )
    told = [one.model_copy(update={"errors": [*failed.get(one.account, ()), *one.errors]}) for one in report.accounts]
    return report.model_copy(update={"accounts": told})


async def refreshed(
    request: RebalanceRequest, accounts: Sequence[Account], registry: "Registry", clock: Clock
) -> dict[str, list[ErrorReport]]:
    """Test every strategy of the accounts on their venues' stored history; return what could not be tested, by account.

    What cannot be tested anew is weighed by its last backtest while that is new enough. Raises: StoreError.
    """
    from flows.backtest_request import BacktestRequest  # noqa: PLC0415 - as in `tasks.weigh`
    from flows.backtest_run import backtest_once  # noqa: PLC0415
    from flows.research_data import DataRequest  # noqa: PLC0415

    failed: dict[str, list[ErrorReport]] = {}
    async with await Store.open(load_settings().store_url) as store:
        for account in accounts:
            for planned in account.strategies:
                data = DataRequest(
                    sources=[account.venue], symbols=[planned.symbol], timeframe=planned.timeframe, since=request.since
                )
                asked = BacktestRequest(
                    strategy=planned.name,
                    parameters=planned.parameters,
                    data=data,
                    account=account.id,
                    fleet=request.fleet,
                )
                try:
                    await backtest_once(store, asked, registry, clock.now())
                except ConfigError as error:
                    message = f"{planned.label} was not tested anew: {error}"
                    report = ErrorReport(code="REFRESH_FAILED", symbol=planned.symbol, message=message)
                    failed.setdefault(account.id, []).append(report)
    return failed
