"""`nija metrics`: the fleet's figures as Prometheus reads them, printed once or served."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import FleetOption, complain, note
from cli.fleet_file import told
from models.clock import SystemClock
from models.fleet import load_fleet
from models.settings import load_settings, policy_defaults

if TYPE_CHECKING:
    from flows.exporter.reader import Reader

UNREADABLE = 1

app = typer.Typer(invoke_without_command=True, help="Print the fleet's metrics for Prometheus, or serve them.")


@app.callback()
def metrics(context: typer.Context, fleet: FleetOption = None) -> int:
    """Print the metrics once, as Prometheus reads them. They come from the store; no venue is asked.

    Exit 0. 1: the store or the fleet file could not be read; that is printed as `nija_up 0` too.

    Example: nija metrics | grep nija_global
    """
    if context.invoked_subcommand is not None:
        return 0
    from flows.exporter.endpoint import written  # noqa: PLC0415 - a second that --help need not pay

    reading = asyncio.run(_reader(fleet).read_now())
    typer.echo(written(reading, "")[0].decode(), nl=False)
    if reading.fault is None:
        return 0
    complain(reading.fault, reading.problem)
    return UNREADABLE


@app.command()
def serve(
    fleet: FleetOption = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 9464,
    host: Annotated[str, typer.Option("--host", help="Where to listen; the page needs no password.")] = "127.0.0.1",
) -> int:
    """Serve the metrics at /metrics until Ctrl-C or SIGTERM. A store that is away is told there, as `nija_up 0`.

    The store is read once for all that ask within five seconds.

    Exit 1 at the start: the port is taken, or the fleet file or the store's address is wrong.

    Example: nija metrics serve --port 9464
    """
    from flows.exporter.endpoint import serving  # noqa: PLC0415 - a second that --help need not pay

    settings = load_settings()
    told(load_fleet(fleet or settings.fleet, policy_defaults()))  # what is wrong from the start is said at the start
    reader = _reader(fleet)

    async def run() -> int:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with serving(reader, host, port) as address:
            note(f"metrics at {address}")
            first = await reader.read()
            if first.fault == "STORE_URL":
                complain(first.fault, first.problem)
                return UNREADABLE
            if first.fault is not None:
                note(f"{first.fault} {first.problem}; served as nija_up 0 until it can be read")
            await stopped.wait()
        return 0

    return asyncio.run(run())


def _reader(fleet: Path | None) -> "Reader":
    from flows.exporter.reader import Reader  # noqa: PLC0415 - see above

    settings = load_settings()
    return Reader(settings, fleet or settings.fleet, SystemClock())
