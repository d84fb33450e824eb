"""Check people's alerts, then deliver every alert that is due: what people made, and what the fleet itself raised.

Runs every minute where its schedule is switched on; by hand: `nija alerts check`. It sends no order.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import BaseModel, ConfigDict, Field

from flows.alert_figures import figures
from flows.pipeline import Pipeline, seen, started
from models.alert_report import AlertCheckReport, SentReport, UserAlertReport, user_alert_report
from models.clock import Clock, SystemClock
from models.settings import load_settings, master_key_settings
from models.store.engine import Store
from models.store.user_alerts import keep_look, user_alert, user_alerts
from models.user_alert import KeptAlert, Observed
from rules.user_alerts import judge
from tasks.deliver import Delivered, deliver
from tasks.runtime import Runtime, open_runtime, read_fleet

CHECK_ALERTS = Pipeline("check_alerts", every=timedelta(minutes=1))
BEFORE = timedelta(seconds=15)


class AlertsRequest(BaseModel):
    """Which fleet's alerts to check. Plain data, shown by Prefect."""

    model_config = ConfigDict(frozen=True)

    fleet: str | None = Field(default=None, description="The fleet file; without it NIJA_FLEET or ./fleet.yaml.")


@flow(name="check_alerts", flow_run_name="check-alerts", retries=0, validate_parameters=True)
async def check_alerts(request: AlertsRequest) -> AlertCheckReport | State[None]:
    """Check and deliver once.

    A state is returned in the report's place where the run was skipped, and says why. Raises: ConfigError, StoreError.
    """
    return await started(CHECK_ALERTS, partial(check_fleet_alerts, request))


async def check_fleet_alerts(request: AlertsRequest, clock: Clock | None = None) -> AlertCheckReport:
    """Judge every alert that is enabled, and deliver what is due. Raises: ConfigError, StoreError."""
    settings = load_settings()
    places = master_key_settings(settings.home)
    async with await Store.open(settings.store_url) as store:
        # What waits already waits for no venue, and for no fault in the fleet file or in a look at prices.
        delivered = list(await deliver(store, places, clock or SystemClock(), within=BEFORE))
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    async with open_runtime(settings, fleet, clock) as runtime:
        fired, unjudged, checked = await _judge_all(runtime)
        if fired:
            delivered += await deliver(runtime.store, places, runtime.clock)
        now = runtime.clock.now()
        await seen(runtime.store, CHECK_ALERTS, now=now, clock=clock)
    return AlertCheckReport(
        checked_at=now,
        checked=checked,
        fired=fired,
        unjudged=unjudged,
        delivered=[sent_report(one) for one in delivered if one.sent or one.failed],
    )


def sent_report(one: Delivered) -> SentReport:
    """Return what was sent to a channel as the outside reads it."""
    reason = "" if one.reason is None else one.reason.value
    return SentReport(channel=one.channel, sent=one.sent, failed=one.failed, given_up=one.given_up, reason=reason)


async def _judge_all(runtime: Runtime) -> tuple[list[UserAlertReport], list[UserAlertReport], int]:
    """Return the alerts that fired, those of which nothing could be said, and how many were looked at."""
    alerts = await user_alerts(runtime.store, enabled=True)
    found = await figures(runtime, alerts)
    fired, unjudged = [], []
    for kept in alerts:
        is_fired = await _judge(runtime, kept, found[kept.alert_id])
        now_kept = await user_alert(runtime.store, kept.alert_id)
        if now_kept is not None and is_fired:
            fired.append(user_alert_report(now_kept))
        elif now_kept is not None and now_kept.problem:
            unjudged.append(user_alert_report(now_kept))
    return fired, unjudged, len(alerts)


async def _judge(runtime: Runtime, kept: KeptAlert, found: Sequence[Observed]) -> bool:
    """Judge figure after figure; return whether one fired. Where another process was faster, it is left to that."""
    fired, now = False, runtime.clock.now()
    for seen_value in found:
        judged = judge(kept.alert, is_met=kept.is_met, last_at=kept.last_value_at, seen=seen_value, now=now)
        is_kept = await keep_look(
            runtime.store,
            kept,
            fires=judged.fires,
            is_met=judged.is_met,
            value=judged.value,
            at=judged.at,
            problem=judged.problem,
            now=now,
        )
        latest = await user_alert(runtime.store, kept.alert_id) if is_kept else None
        if latest is None:
            return fired
        fired, kept = fired or judged.fires, latest
    return fired
