"""`nija up` and `nija down`: the whole stack on this machine, kept running."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cli.console import FleetOption, err, note, out
from cli.desk_address import address_of
from cli.fleet_file import told
from models.errors import ConfigError
from models.fleet import load_fleet
from models.settings import Settings, database_of, load_desk_settings, load_settings, policy_defaults
from models.stack import StackRecord, read_record

PREFECT_PORT, POSTGRES_PORT, METRICS_PORT = 4200, 54329, 9464
_NO_LINK = "--no-link"
_LOOK_SECONDS = 0.2
_COMES_UP_SECONDS = 600.0

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", metavar="PATH", help="The folder for everything it writes [default: NIJA_HOME, else ./.nija]."
    ),
]


def up(  # noqa: PLR0917 - every parameter is an option, given by its name
    fleet: FleetOption = None,
    home: HomeOption = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of Prefect's server and its pages.")
    ] = PREFECT_PORT,
    postgres_port: Annotated[int, typer.Option(min=1, max=65535, help="The port of PostgreSQL.")] = POSTGRES_PORT,
    metrics_port: Annotated[int, typer.Option(min=1, max=65535, help="The port that Prometheus reads.")] = METRICS_PORT,
    desk_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port of the desk [default: NIJA_DESK_PORT, else 4280].")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A PostgreSQL of your own, in the place of one in the home [default: NIJA_DATABASE_URL].",
        ),
    ] = None,
    worker: Annotated[bool, typer.Option(help="Run flows on this machine.")] = True,
    metrics: Annotated[bool, typer.Option(help="Serve metrics for Prometheus.")] = True,
    desk: Annotated[bool, typer.Option(help="Serve the desk: the operator's pages and their API.")] = True,
    link: Annotated[bool, typer.Option(hidden=True, help="Say how the first admin comes in.")] = True,
    drain_seconds: Annotated[
        float, typer.Option(min=0, max=3600, help="How long runs may take to finish when it is told to end.")
    ] = 60,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when everything is up, and leave it running.")
    ] = False,
) -> int:
    """Bring up the whole stack and keep it up: PostgreSQL, Prefect's server, deployments, a worker, metrics, the desk.

    Ctrl-C ends it, runs first; a second Ctrl-C gives nobody time. Commands in other terminals find it by NIJA_HOME.

    Exit 0: it was told to end. 1: it could not come up, and nothing is left running.

    Example: nija up --fleet fleet.yaml
    """
    settings = load_settings()
    where = (home or settings.home).absolute()
    chosen = _fleet(fleet, settings)
    os.umask(0o077)  # what any part of the stack writes is nobody else's
    served = load_desk_settings()
    served = served if desk_port is None else served.model_copy(update={"port": desk_port})
    if detach:
        return _detached(where, address_of(served))
    from cli.stack.parts import PartFailed  # noqa: PLC0415 - the stack takes a while that --help need not pay
    from cli.stack.up import Wishes, bring_up  # noqa: PLC0415

    wishes = Wishes(
        home=where,
        port=port,
        postgres_port=postgres_port,
        metrics_port=metrics_port,
        database_url=database_url or database_of(where),
        fleet=chosen,
        worker=worker,
        metrics=metrics,
        desk=served if desk else None,
        link=link,
        drain_seconds=drain_seconds,
    )
    try:
        asyncio.run(bring_up(wishes, err))
    except PartFailed as failed:
        raise ConfigError("nija up", str(failed)) from None
    return 0


def down(
    home: HomeOption = None,
    now: Annotated[bool, typer.Option("--now", help="Give running flows no time.")] = False,
) -> int:
    """End the stack that runs in this home, from another terminal.

    Exit 0: it runs no more. 1: it did not run, or has not ended.

    Example: nija down
    """
    where = (home or load_settings().home).absolute()
    record = read_record(where)
    if record is None or not record.supervised:
        left = " What it left is ended by the next `nija up`." if record and any(p.alive for p in record.parts) else ""
        raise ConfigError(str(where), f"no `nija up` runs here.{left}")
    os.kill(record.supervisor.pid, signal.SIGTERM)
    note(f"process {record.supervisor.pid} is told to end")
    if now:
        time.sleep(_LOOK_SECONDS)
        os.kill(record.supervisor.pid, signal.SIGTERM)
    while record.supervised:
        time.sleep(_LOOK_SECONDS)
    out.print("nothing runs in this home any more", highlight=False)
    return 0


def _fleet(given: Path | None, settings: Settings) -> Path | None:
    """Return the fleet file; None where none was named and none is there. Raises: ConfigError for a wrong one."""
    chosen = (given or settings.fleet).absolute()
    if given is None and "fleet" not in settings.model_fields_set and not chosen.exists():
        return None
    told(load_fleet(chosen, policy_defaults()))  # what is wrong with it is said now, not by five parts later
    return chosen


def _detached(home: Path, desk: str) -> int:
    """Start the same command in a session of its own, and wait until everything is up."""
    arguments = [word for word in sys.argv[1:] if word not in {"--detach", "-d"}]
    log = home / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = log.stat().st_size if log.exists() else 0
    with log.open("ab") as words:
        process = subprocess.Popen(  # noqa: S603 - this command
            [sys.executable, "-m", "cli", *arguments, _NO_LINK],  # it would stand in a log
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
    ends = time.monotonic() + _COMES_UP_SECONDS
    while time.monotonic() < ends:
        record = read_record(home)
        if process.poll() is not None:
            err.print(log.read_bytes()[began:].decode(errors="replace").strip(), markup=False, soft_wrap=True)
            return 1
        if record is not None and record.up and record.supervisor.pid == process.pid:
            _addresses(record)
            if record.part("desk") is not None:
                asyncio.run(_first_link(record, desk))
            return 0
        time.sleep(_LOOK_SECONDS)
    note(f"it is still coming up; its words are in {log}")
    return 0


async def _first_link(record: StackRecord, desk: str) -> None:
    """Say how the first admin comes in, where nobody can log in yet. Raises: StoreError."""
    from cli.desk_link import first_words  # noqa: PLC0415 - only a stack that is up pays for the store
    from models.store.engine import Store  # noqa: PLC0415

    async with await Store.open(record.database_url.get_secret_value()) as store:
        for line in await first_words(store, desk, to_terminal=out.is_terminal):
            out.print(line, markup=False, soft_wrap=True)


def _addresses(record: StackRecord) -> None:
    for part in record.parts:
        if part.address:
            out.print(f"{part.name}: {part.address}", markup=False, soft_wrap=True)
