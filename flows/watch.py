"""Watch the fleet: raise what a person must know, close what is over, start again what the fleet file lets it start.

Runs every minute where its schedule is switched on; by hand: `nija watch`. It reads the store and asks no venue.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from flows.fleet_view import view_of
from flows.pipeline import Pipeline, seen, started
from flows.report_trouble import TROUBLES
from models.alert import FLEET, OperationalAlert, StandingAlert
from models.clock import Clock, SystemClock
from models.fleet import Fleet, load_fleet
from models.settings import load_settings, policy_defaults
from models.store.alerts import alerts, close_alerts, keep_all_alerts
from models.store.decisions import Decision, decisions, record
from models.store.engine import Store
from models.store.heartbeats import PIPELINE, heartbeats
from models.watch import RESTARTABLE
from models.watch_report import RestartReport, WatchReport, matter
from rules.watching import WATCHED, Facts, findings, to_restart

WATCH = Pipeline("watch", every=timedelta(minutes=1))
RESTART_FAILED = "RESTART_FAILED"
BY = "the watch"
_LOOK_BACK = 1000  # decisions about the whole fleet: more than any interval has

# Starts a deployment again, at most once for a key; says what kept it off, empty where it was started.
Restart = Callable[[str, str], Awaitable[str]]


class WatchRequest(BaseModel):
    """Which fleet to watch. Plain data, shown by Prefect."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(default=None, description="The fleet file; without it NIJA_FLEET or ./fleet.yaml.")


@flow(name="watch", flow_run_name="watch", retries=0, validate_parameters=True)
async def watch(request: WatchRequest) -> WatchReport | State[None]:
    """Look at the fleet once.

    A state is returned in the report's place where the run was skipped, and says why. Raises: ConfigError, StoreError.
    """
    return await started(WATCH, partial(watch_fleet, request, restart=restart_deployment))


async def watch_fleet(
    request: WatchRequest, *, restart: Restart | None = None, clock: Clock | None = None
) -> WatchReport:
    """Look at the fleet once, and keep what was found in the store. `restart` None: nothing is started again.

    Raises: ConfigError, StoreError.
    """
    settings, now = load_settings(), (clock or SystemClock()).now()
    fleet = load_fleet(settings.fleet if request.fleet is None else Path(request.fleet), policy_defaults())
    async with await Store.open(settings.store_url) as store:
        view = await view_of(store, fleet, now)
        found = findings(view.facts, fleet)
        new, over = await keep_all_alerts(store, WATCHED, found, now=now)
        restarts = [] if restart is None else await _restart(store, fleet, view.facts, found, restart)
        await seen(store, WATCH, now=now, clock=clock)
        over += await _over(store, now)
    return WatchReport(
        told_at=now,
        matters=[matter(alert) for alert in found],
        new=[matter(alert) for alert in new],
        over=[matter(standing.alert) for standing in over],
        restarts=restarts,
    )


async def restart_deployment(deployment: str, key: str) -> str:
    """Start a deployment again, unless its schedule is switched off: then somebody does not want it to act."""
    async with get_client() as client:
        try:
            there = await client.read_deployment_by_name(deployment)
        except ObjectNotFound:
            return "there is no such deployment"
    if there.paused or not any(schedule.active for schedule in there.schedules):
        return "its schedule is switched off"
    await arun_deployment(there.id, timeout=0, idempotency_key=key, as_subflow=False)
    return ""


async def _restart(
    store: Store, fleet: Fleet, facts: Facts, found: Sequence[OperationalAlert], restart: Restart
) -> list[RestartReport]:
    """Start what crashed again; a start is kept as a decision, and one that was kept off is an alert while it is."""
    told, failed = [], []
    for pipeline, slot in to_restart(facts, fleet, found, await _tried(store)).items():
        deployment = RESTARTABLE[pipeline]
        try:
            why = await restart(deployment, f"nija-watch-{pipeline}-{slot}")
        except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises: the watch has watched all the same
            why = f"Prefect did not start it: {type(error).__name__}"
        if why:
            failed.append(
                OperationalAlert(RESTART_FAILED, f"{pipeline} was to be started again: {why}", symbol=pipeline)
            )
        else:
            decided = Decision(FLEET, _again(pipeline), BY, "it crashed, or is silent", facts.now)
            await store.write(partial(_record, decided))
        told.append(RestartReport(pipeline=pipeline, deployment=deployment, started=not why, why=why))
    await keep_all_alerts(store, [RESTART_FAILED], failed, now=facts.now)
    return told


async def _over(store: Store, now: datetime) -> tuple[StandingAlert, ...]:
    """Close what Prefect saw of a pipeline that has ended well since; return it."""
    well = {b.pipeline: b.last_ok for b in await heartbeats(store) if b.account == PIPELINE and b.last_ok is not None}
    over = [
        one
        for one in await alerts(store)
        if one.alert.code in TROUBLES and well.get(one.alert.symbol, one.last_at) > one.last_at
    ]
    for one in over:
        await close_alerts(store, [one.alert.code], account=FLEET, symbol=one.alert.symbol, now=now)
    return tuple(over)


async def _tried(store: Store) -> dict[str, datetime]:
    """Return when each pipeline was started again last."""
    made = {d.what: d.at for d in reversed(await decisions(store, FLEET, limit=_LOOK_BACK)) if d.by == BY}
    return {pipeline: made[_again(pipeline)] for pipeline in RESTARTABLE if _again(pipeline) in made}


def _again(pipeline: str) -> str:
    return f"start {pipeline} again"


def _record(decided: Decision, connection: Connection) -> None:
    record(connection, decided)
