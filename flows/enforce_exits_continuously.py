"""Watch prices without a pause and leave a position once its limit is crossed; `enforce_exits` looks once a minute.

Runs until a successor takes over, which its schedule starts every ten minutes; by hand: `nija exits watch`. It holds no
account while it only watches, so the other pipelines work beside it.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.exit_desk import PIPELINE_NAME
from flows.exit_watch import Watch, onlooker
from flows.normalize import FleetRequest
from flows.pipeline import Pipeline, started
from models.clock import Clock
from models.exit_watch import ExitWatchReport
from models.settings import load_settings
from models.store.watchers import watch_held
from tasks.runtime import open_runtime, read_fleet

ENFORCE_EXITS_CONTINUOUSLY = Pipeline(PIPELINE_NAME, every=timedelta(minutes=10))


class ExitWatchRequest(FleetRequest):
    """Which accounts are watched, how often, and for how long at most."""

    poll_seconds: float = Field(
        default=1.0, ge=0.1, le=60, allow_inf_nan=False, description="Between two looks at the prices of a venue."
    )
    max_run_seconds: float = Field(
        default=900, ge=1, le=86_400, allow_inf_nan=False, description="Then the watch ends, whoever follows it."
    )


@flow(name=PIPELINE_NAME, flow_run_name="watch exits {request.word}", retries=0, validate_parameters=True)
async def enforce_exits_continuously(request: ExitWatchRequest) -> ExitWatchReport | State[Any]:
    """Watch the chosen accounts, and sell what is to be left when its price says so.

    One watch at a time: a second one takes over from the first. A state is returned in the report's place where the run
    was skipped, and says why. Raises: ConfigError, StoreError when the run itself cannot start; LeaseHeld when another
    watch does not leave, or somebody else is about to follow it.
    """
    return await started(ENFORCE_EXITS_CONTINUOUSLY, partial(watch_exits, request))


async def watch_exits(request: ExitWatchRequest, clock: Clock | None = None) -> ExitWatchReport:
    """Watch, and say what came of it. Raises: ConfigError, StoreError, LeaseHeld."""
    settings = load_settings()
    fleet = read_fleet(settings, None if request.fleet is None else Path(request.fleet))
    chosen = fleet.choose(request.accounts)
    async with open_runtime(settings, fleet, clock) as runtime:
        name = watch_name(fleet.path, request.accounts, live=request.live)
        async with watch_held(runtime.store, name, runtime.holder, runtime.clock) as lease:
            watch = Watch(runtime, chosen, live=request.live, poll_seconds=request.poll_seconds)
            onlooker.get()(watch)
            return await watch.run(lease, timedelta(seconds=request.max_run_seconds))


def watch_name(fleet: Path, accounts: Iterable[str], *, live: bool) -> str:
    """Name the watch over a shard of a fleet: two that have the same name follow each other.

    Those that merely overlap do no harm to each other: an account's lease and the ledger hold for both.
    """
    shard = ",".join(sorted(accounts)) or "*"
    told = hashlib.sha256(f"{fleet.resolve()}\n{shard}".encode()).hexdigest()[:12]
    return f"{'exits' if live else 'exits, as plans,'} of {fleet.name}/{told}"
