"""Serve one world as a process of its own: `python -m brokers.simulator WORLD STATE SERVER_JSON PORT IDLE_SECONDS`."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from brokers.simulator.server import serve
from brokers.simulator.world import World, load_world


async def _main(world: World, state: Path, announced: Path, port: int, idle_seconds: float) -> None:
    """Serve, on a free port where the wanted one is taken, and write down where."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    def announce(url: str) -> None:
        document = {"pid": os.getpid(), "port": urlsplit(url).port, "url": url, "fingerprint": world.fingerprint}
        partial = announced.with_suffix(".partial")
        partial.write_text(json.dumps(document), encoding="utf-8")
        partial.replace(announced)

    try:
        await serve(world, port=port, state_path=state, idle_seconds=idle_seconds, on_ready=announce)
    except OSError:
        if not port:
            raise
        await serve(world, state_path=state, idle_seconds=idle_seconds, on_ready=announce)


def main(arguments: list[str]) -> None:
    """Read the five arguments and serve until stopped, terminated or idle."""
    world_path, state, announced, port, idle_seconds = arguments
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_main(load_world(Path(world_path)), Path(state), Path(announced), int(port), float(idle_seconds)))


if __name__ == "__main__":
    main(sys.argv[1:])
