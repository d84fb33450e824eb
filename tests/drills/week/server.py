"""What stands in for the Prefect server: it answers the one question a late flow run asks, and keeps the automations.

It can be killed: then nothing is started, nobody is answered, and no automation sees anything.
"""

import asyncio
import threading
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from aiohttp import web
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture

from flows.automations import BAD_ENDS, declared
from tests.drills.week.timetable import Deployment

_PATIENCE = 10.0


class Server:
    """The stand-in, on a thread of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.is_up = False
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        self.url = f"http://127.0.0.1:{self._port}/api"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    def start(self) -> None:
        """Listen, at the same address as before."""
        if not self.is_up:
            self._do(self._listen())
            self.is_up = True

    def kill(self) -> None:
        """Be gone: a connection is refused from here on."""
        if self.is_up:
            self._do(self._end())
            self.is_up = False

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_get("/api/flow_run_states/", _no_states)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])

    async def _end(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


async def _no_states(_request: web.Request) -> web.Response:
    """Say that no state of the flow run is known: then its own planned time counts."""
    return web.json_response([])


class Automations:
    """The product's own automations, judged at the week's hour; what they start is what they declare."""

    def __init__(self, deployments: dict[str, Deployment]) -> None:
        self._reactive: list[dict[str, Any]] = []
        self._proactive: list[_Missing] = []
        thinned = {one.flow: one.thinned for one in deployments.values()}
        for one in declared(UUID(int=1)):
            trigger, (action,) = one.trigger, one.actions
            if not isinstance(trigger, EventTrigger) or not isinstance(action, RunDeployment):
                continue  # "a run is silent": a worker that is there sees itself that the process of a run is gone
            request = dict((action.parameters or {})["request"])
            if trigger.posture is Posture.Reactive:
                assert trigger.expect == BAD_ENDS
                self._reactive.append(request)
            else:
                flow = str(request["pipeline"])
                self._proactive.append(_Missing(flow, trigger.within * thinned[flow], request))
        assert (len(self._reactive), len(self._proactive)) == (1, 2), "the automations have changed: see here"

    def ended_badly(self, flow: str, end: str, run: str) -> list[dict[str, Any]]:
        """Return what is to be reported of a run that failed or crashed."""
        seen = {"pipeline": flow, "run": run, "event": f"prefect.flow-run.{end}"}
        return [request | seen for request in self._reactive]

    def completed(self, flow: str, at: datetime) -> None:
        """Note that a run was completed, and not skipped."""
        for one in self._proactive:
            if one.flow == flow:
                one.since, one.is_told = at, False

    def missing(self, now: datetime) -> list[dict[str, Any]]:
        """Return what is to be reported because nothing was seen of it."""
        found = [one for one in self._proactive if one.is_missing(now)]
        for one in found:
            one.is_told = True
        return [one.request for one in found]


class _Missing:
    """An automation that acts when a flow is not completed within a span, once it was."""

    def __init__(self, flow: str, within: timedelta, request: dict[str, Any]) -> None:
        self.flow, self.within, self.request = flow, within, request
        self.since: datetime | None = None
        self.is_told = False

    def is_missing(self, now: datetime) -> bool:
        return self.since is not None and not self.is_told and now - self.since >= self.within
