"""Tell a Prefect server what it has to know: the work pool, the deployments, the automations; then ask for a start-up.

Run as `python -m cli.stack.setup FOLDER` with Prefect's settings in the environment, any number of times. What is
deployed is compared by a hash that the server keeps, since a deploy takes seconds and makes every schedule anew: those
that somebody switched on are switched on again.
"""

import asyncio
import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.variables import Variable

from cli.stack.server import POOL
from flows.automations import sync_automations

DEPLOYED = "nija_deployed"  # the variable on the server that says what was deployed last
START_UP = "start_up/start-up"


async def set_up(folder: Path, *, fleet: bool) -> None:
    """Tell the server everything. `fleet`: whether there is one for a start-up run to look at."""
    async with get_client() as client:
        await _pool(client)
        await _deploy(client, folder)
        await _automations(client)
    if fleet:
        await arun_deployment(START_UP, timeout=0, as_subflow=False)
        _say(f"{START_UP} is asked for")


async def _pool(client: PrefectClient) -> None:
    try:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        _say(f"work pool {POOL} made")
    except ObjectAlreadyExists:
        _say(f"work pool {POOL} is there")


async def _deploy(client: PrefectClient, folder: Path) -> None:
    wanted = _hash(folder)
    if await Variable.aget(DEPLOYED) == wanted:
        _say("the deployments are as prefect.yaml has them")
        return
    on = await _switched_on(client)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=subprocess.DEVNULL)
    if code := await process.wait():
        sys.exit(f"`prefect deploy --all` in {folder} ended with exit code {code}")
    for deployment in await client.read_deployments():
        for schedule in deployment.schedules:
            if not schedule.active and (deployment.flow_id, deployment.name, schedule.slug) in on:
                await client.update_deployment_schedule(deployment.id, schedule.id, active=True)
                _say(f"the schedule of {deployment.name} was on, and is again")
    await Variable.aset(DEPLOYED, wanted, overwrite=True)
    _say("deployed")


async def _switched_on(client: PrefectClient) -> set[tuple[object, str, str | None]]:
    deployments = await client.read_deployments()
    return {(d.flow_id, d.name, schedule.slug) for d in deployments for schedule in d.schedules if schedule.active}


async def _automations(client: PrefectClient) -> None:
    for synced in (await sync_automations(client)).automations:
        _say(f"automation {synced.name!r}: {synced.change}")


def _hash(folder: Path) -> str:
    """Return what a deploy depends on: the file, its folder (which it writes down), our version and Prefect's."""
    parts = ((folder / "prefect.yaml").read_text(), str(folder), version("nija"), version("prefect"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(set_up(Path(sys.argv[1]), fleet="NIJA_FLEET" in os.environ))
