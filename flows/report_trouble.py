"""Raise an alert for what Prefect alone saw: a run that crashed, a watch that fell silent. Automations start it.

By hand it is of no use: who sees trouble there knows of it. It reads no venue and sends no order.
"""

from datetime import timedelta
from typing import Annotated, Literal

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from models.alert import OperationalAlert, Severity
from models.clock import Clock, SystemClock
from models.settings import load_settings, master_key_settings
from models.store.alerts import raise_alerts
from models.store.engine import Store
from tasks.deliver import deliver

RUN_CRASHED, WATCH_SILENT, NOT_VERIFIED = "RUN_CRASHED", "WATCH_SILENT", "NOT_VERIFIED"


# Such an alert is over when its pipeline has ended well since: the watch closes it.
TROUBLES = frozenset({RUN_CRASHED, WATCH_SILENT, NOT_VERIFIED})


Trouble = Literal["ended badly", "watch silent", "not verified"]


class TroubleRequest(BaseModel):
    """What happened, as the automation that starts this tells it. Plain data, shown by Prefect."""

    model_config = ConfigDict(frozen=True)

    what: Trouble = Field(description="What Prefect saw.")
    pipeline: Annotated[str, Field(max_length=200)] = Field(description="The flow that it is about.")
    run: Annotated[str, Field(max_length=200)] = Field(
        default="", description="The flow run's name, where there is one."
    )
    event: Annotated[str, Field(max_length=200)] = Field(default="", description="Prefect's event.")


# To raise an alert twice only counts it, and what made the trouble may have taken the store along for hours.
RETRIES, RETRY_AFTER = 100, timedelta(minutes=5)


@flow(
    name="report_trouble",
    flow_run_name="report-trouble",
    retries=RETRIES,
    retry_delay_seconds=RETRY_AFTER.total_seconds(),
    validate_parameters=True,
)
async def report_trouble(request: TroubleRequest) -> bool:
    """Raise the alert and deliver it; return whether it is new. Raises: ConfigError, StoreError."""
    return await raise_trouble(request)


async def raise_trouble(request: TroubleRequest, clock: Clock | None = None) -> bool:
    """Raise the alert and deliver it; return whether it is new. Raises: ConfigError, StoreError."""
    settings, clock = load_settings(), clock or SystemClock()
    async with await Store.open(settings.store_url) as store:
        new = await raise_alerts(store, [_alert(request)], now=clock.now())
        if new:
            await deliver(store, master_key_settings(settings.home), clock)
    return bool(new)


def _alert(request: TroubleRequest) -> OperationalAlert:
    name = request.pipeline
    match request.what:
        case "ended badly":
            end = request.event.rsplit(".", 1)[-1].lower() or "did not end well"
            words = (
                f"a run of {name} {end}: {request.run}; what it sent is in the ledger, the next run looks it up first"
            )
            return OperationalAlert(RUN_CRASHED, words, Severity.WARNING, symbol=name)
        case "watch silent":
            words = (
                "the watch has not run for 20 minutes: nobody looks after the fleet; look at the worker: nija status"
            )
            return OperationalAlert(WATCH_SILENT, words, Severity.CRITICAL, symbol=name)
        case "not verified":
            words = "nothing was verified for more than eight days: nija verify, and look at the deployment's schedule"
            return OperationalAlert(NOT_VERIFIED, words, Severity.CRITICAL, symbol=name)
