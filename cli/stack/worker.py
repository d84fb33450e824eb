"""The worker of a stack: a process worker of Prefect that, told to end, takes nothing new and lets its runs finish.

Prefect's own worker ends its runs with itself. A run that is ended loses nothing, and its account waits for its lease.
Run as `python -m cli.stack.worker --pool nija --name … --limit … --drain-seconds …`. A second signal ends the runs.
"""

import argparse
import asyncio
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress

from prefect.client.schemas.objects import FlowRun
from prefect.workers.process import ProcessWorker

_LOOK_SECONDS = 0.2
_HEARTBEAT_SECONDS = 10  # by which the stack sees that it is there


with warnings.catch_warnings(action="ignore"):  # it takes the place of its base among the types that Prefect knows

    class PatientWorker(ProcessWorker):
        """A process worker that can be told to take nothing new."""

        draining = False

        async def get_and_submit_flow_runs(self) -> list[FlowRun]:
            """Take what is scheduled, unless it is on its way out."""
            return [] if self.draining else await super().get_and_submit_flow_runs()

        async def drained(self, seconds: float) -> None:
            """Take nothing new, and wait until its runs are over, so many seconds at most."""
            self.draining = True
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while self.is_setup and self.limiter.borrowed_tokens:  # noqa: ASYNC110 - Prefect's, which tells nobody
                        await asyncio.sleep(_LOOK_SECONDS)


async def work(pool: str, name: str, limit: int, drain_seconds: float) -> None:
    """Work until a signal comes."""
    worker = PatientWorker(name=name, work_pool_name=pool, limit=limit, heartbeat_interval_seconds=_HEARTBEAT_SECONDS)
    told, again = asyncio.Event(), asyncio.Event()

    def hear() -> None:
        (again if told.is_set() else told).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, hear)
    working = asyncio.create_task(worker.start())
    hearing = asyncio.create_task(told.wait())
    await asyncio.wait({working, hearing}, return_when=asyncio.FIRST_COMPLETED)
    if told.is_set():
        waits = {asyncio.create_task(worker.drained(drain_seconds)), asyncio.create_task(again.wait()), working}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working


def options(words: Sequence[str]) -> argparse.Namespace:
    """Read the command's options; a wrong one ends the process with a line that says which."""
    parser = argparse.ArgumentParser(prog="python -m cli.stack.worker")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--limit", type=int, required=True, help="how many runs at once")
    parser.add_argument("--drain-seconds", type=float, required=True, help="what its runs are given when it is to end")
    return parser.parse_args(words)


if __name__ == "__main__":
    given = options(sys.argv[1:])
    asyncio.run(work(given.pool, given.name, given.limit, given.drain_seconds))
