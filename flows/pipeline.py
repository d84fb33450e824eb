"""What every pipeline shares: a late start is skipped, one process acts for a flow run, and every run is seen.

A flow hands its work to `started`; within it, `recorded` keeps one run over a fleet in the store.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.context import FlowRunContext
from prefect.exceptions import Abort
from prefect.states import Completed

from flows.logs import set_up_flow_logs
from models.clock import Clock, SystemClock
from models.errors import LeaseHeld, StoreError
from models.settings import load_settings
from models.store.engine import Store
from models.store.heartbeats import PIPELINE, beat
from models.store.leases import Holder, drop_released, hold
from models.store.runs import end_runs_of, finish_run, start_run
from tasks.deliver import tell_at_once
from tasks.runtime import Runtime

T = TypeVar("T")

# What a daily pipeline was to do in the night should not begin the next afternoon.
LATEST = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A flow that belongs to a schedule; `every` None: it runs on demand."""

    name: str
    every: timedelta | None = None

    @property
    def late_after(self) -> timedelta | None:
        """How much later than planned a run may begin: no later than the next one, and six hours at most."""
        return None if self.every is None else min(self.every, LATEST)


@dataclass
class Recorded:
    """One run over a fleet while it lasts; `statuses` by account become its heartbeats."""

    run_id: str
    started_at: datetime
    statuses: dict[str, str] = field(default_factory=dict)


async def started(pipeline: Pipeline, act: Callable[[], Awaitable[T]], clock: Clock | None = None) -> T | State[None]:
    """Act for the flow run that this process executes, and return what came of it.

    A start that comes too late, and one of a flow run that is done already, is skipped: a completed state that says why
    is returned. Where another process is at work on the same flow run, this one leaves without a word to the server,
    because the state of the flow run is the other's. Raises: StoreError, ConfigError, and what `act` raises.
    """
    flow_run, clock = current_flow_run(), clock or SystemClock()
    set_up_flow_logs(unattended=is_unattended())
    if flow_run is None:
        return await act()
    async with _claimed(flow_run, clock) as done_at:
        if done_at is not None:
            return Completed(message=f"another process did this flow run by {_words(done_at)}; nothing was done again")
        if (why := await _too_late(pipeline, flow_run, clock)) is not None:
            await _seen(pipeline, flow_run, why, clock)
            return Completed(name="Skipped", message=why)
        return await act()


@asynccontextmanager
async def recorded(runtime: Runtime, pipeline: Pipeline, *, mode: str) -> AsyncIterator[Recorded]:
    """Keep a run in the store from its beginning to its end, whatever the end is. Raises: StoreError."""
    run = Recorded(str(uuid.uuid4()), runtime.clock.now())
    flow_run = current_flow_run()
    await start_run(
        runtime.store,
        run.run_id,
        pipeline=pipeline.name,
        mode=mode,
        fleet=str(runtime.fleet.path),
        now=run.started_at,
        flow_run_id=None if flow_run is None else str(flow_run.id),
    )
    try:
        yield run
    except Exception as error:
        await _end(runtime, pipeline, run, {PIPELINE: "failed"}, type(error).__name__)
        raise
    await _end(runtime, pipeline, run, {**run.statuses, PIPELINE: "ok"})


async def seen(
    store: Store, pipeline: Pipeline, *, now: datetime, detail: str = "", clock: Clock | None = None
) -> None:
    """Leave a sign of life of a run over a fleet that is not kept in the store. Raises: StoreError."""
    every = _interval(pipeline, current_flow_run())
    await beat(store, pipeline.name, {PIPELINE: "ok"}, now=now, every=every, detail=detail)
    await tell_at_once(store, load_settings(), clock)


def current_flow_run() -> FlowRun | None:
    """Return the flow run that this code runs in; None without Prefect."""
    context = FlowRunContext.get()
    return context.flow_run if context is not None and isinstance(context.flow_run, FlowRun) else None


def is_unattended() -> bool:
    """Whether a worker runs this for a deployment: nobody sits in front of it."""
    flow_run = current_flow_run()
    return flow_run is not None and flow_run.deployment_id is not None


async def _end(
    runtime: Runtime, pipeline: Pipeline, run: Recorded, statuses: Mapping[str, str], detail: str = ""
) -> None:
    now = runtime.clock.now()
    await finish_run(runtime.store, run.run_id, now=now)
    every = _interval(pipeline, current_flow_run())
    await beat(runtime.store, pipeline.name, statuses, now=now, every=every, detail=detail)
    await tell_at_once(runtime.store, runtime.settings, runtime.clock)


async def _seen(pipeline: Pipeline, flow_run: FlowRun, why: str, clock: Clock) -> None:
    """Leave a sign of life of a run that did nothing."""
    async with await Store.open(load_settings().store_url) as store:
        every = _interval(pipeline, flow_run)
        await beat(store, pipeline.name, {PIPELINE: "skipped"}, now=clock.now(), every=every, detail=why)


def _interval(pipeline: Pipeline, flow_run: FlowRun | None) -> timedelta | None:
    """Return how often the pipeline is expected: only where its own schedule started it."""
    return pipeline.every if flow_run is not None and flow_run.auto_scheduled else None


async def _too_late(pipeline: Pipeline, flow_run: FlowRun, clock: Clock) -> str | None:
    """Say why the run begins too late to be of use; None: it does not.

    After an outage what was scheduled meanwhile comes all at once, the oldest first.
    """
    planned, bound = flow_run.expected_start_time, pipeline.late_after
    if bound is None or planned is None or clock.now() - planned <= bound:
        return None
    _, asked = await _history(flow_run)  # a retry is planned anew, and keeps the first time it was expected
    if asked is not None and asked.state_details.scheduled_time is not None:
        planned = asked.state_details.scheduled_time
    late = clock.now() - planned
    if late <= bound:
        return None
    return f"TOO_LATE: planned for {_words(planned)}, {_span(late)} ago; later than {_span(bound)} it is skipped"


@asynccontextmanager
async def _claimed(flow_run: FlowRun, clock: Clock) -> AsyncIterator[datetime | None]:
    """Be the one process at work on a flow run; yield when it was done already, None: it was not.

    A worker delivers a flow run at least once. Who dies at it is followed by the next that is asked to execute it.
    Raises: Abort where another process is at work on it.
    """
    settings, flow_run_id = load_settings(), str(flow_run.id)
    name = f"the flow run {flow_run_id}"
    with Holder(settings.home) as holder:
        async with await Store.open(settings.store_url) as store:
            try:
                async with hold(store, name, holder):
                    await end_runs_of(store, flow_run_id, now=clock.now())
                    yield await _done_at(flow_run)
            except LeaseHeld as held:
                if held.account != name:
                    raise
                raise Abort(f"{name} is run by {held.holder}; this process stands back") from None
            finally:
                with suppress(StoreError):  # it is a matter of tidiness: nothing is fenced by its token
                    await drop_released(store, name)


async def _done_at(flow_run: FlowRun) -> datetime | None:
    """Return when this very attempt at the flow run was completed; a retry is another attempt."""
    if flow_run.run_count == 1:  # spares the server a question in nearly every run
        return None
    states, asked = await _history(flow_run)
    completed = [state.timestamp for state in states if state.type is StateType.COMPLETED]
    return max((at for at in completed if asked is None or at > asked.timestamp), default=None)


async def _history(flow_run: FlowRun) -> tuple[list[State[Any]], State[Any] | None]:
    """Return the states of the flow run, and the one of them by which it was planned last."""
    async with get_client() as client:
        states = await client.read_flow_run_states(flow_run.id)
    planned = [s for s in states if s.type is StateType.SCHEDULED]
    return states, max(planned, key=lambda s: s.timestamp, default=None)


def _words(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _span(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
