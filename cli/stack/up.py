"""Bring a home's stack up and keep it up: what is left of an earlier one is ended first, then every part is kept."""

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cli.desk_link import first_words
from cli.stack import postgres
from cli.stack.leftovers import end_what_is_left
from cli.stack.parts import Part
from cli.stack.ports import claim
from cli.stack.record import only_one, write_record
from cli.stack.server import Places, desk, metrics, project_folder, server, setup, worker
from cli.stack.show import Display
from cli.stack.supervisor import Supervisor
from models.errors import ConfigError, StoreError
from models.settings import DeskSettings
from models.stack import PartRecord, ProcessMark, StackRecord
from models.store.engine import Store
from models.store.move import move_sqlite

_LOG_BYTES = 20_000_000
_LOG_LOOK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `nija up` was asked for. `database_url`: a PostgreSQL of one's own; None makes one in the home.

    `desk`: where the desk is served; None: it is not. `link`: say how the first admin comes in.
    """

    home: Path
    port: int
    postgres_port: int
    metrics_port: int
    database_url: str | None
    fleet: Path | None
    worker: bool
    metrics: bool
    drain_seconds: float
    desk: DeskSettings | None = None
    link: bool = True


async def bring_up(wishes: Wishes, console: Console) -> None:
    """Run the stack until a signal ends it. Nothing runs when it returns or raises.

    Raises: ConfigError for a home or a port that is taken, or a folder that cannot be used; PartFailed; StoreError.
    """
    wishes.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_one(wishes.home):
        stack = _Stack(wishes, console)
        await end_what_is_left(wishes.home, stack.say)
        await stack.run()


class _Stack:
    def __init__(self, wishes: Wishes, console: Console) -> None:
        self._wishes, self._home, self._console = wishes, wishes.home, console
        self._marker = secrets.token_hex(8)
        self._supervisor: Supervisor | None = None
        self._display = Display(console, self._records, f"Nija in {wishes.home}")
        self.say = self._display.say
        self._mark = ProcessMark.of(os.getpid()) or ProcessMark(pid=os.getpid(), began=0)
        self._record: StackRecord | None = None

    @property
    def _serves_metrics(self) -> bool:
        return self._wishes.metrics and self._wishes.fleet is not None

    @property
    def _desk(self) -> DeskSettings | None:
        return None if self._wishes.fleet is None else self._wishes.desk

    async def run(self) -> None:
        """Start everything, keep it, and end it in its order."""
        wishes = self._wishes
        cluster = None if wishes.database_url else postgres.Cluster(self._home, wishes.postgres_port)
        if cluster is not None:
            await cluster.end_what_is_left()
            claim(wishes.postgres_port, "--postgres-port")
        claim(wishes.port, "--port")
        if self._serves_metrics:
            claim(wishes.metrics_port, "--metrics-port")
        if self._desk is not None:
            claim(self._desk.port, "--desk-port")
        if cluster is not None:
            cluster.make(self.say)
        places = self._places(cluster)
        parts = self._parts(places, cluster)
        if cluster is None:
            await self._prepare_own(places)
        supervisor = self._supervisor = Supervisor(parts, marker=self._marker, changed=self._changed, noted=self.say)
        self._record = StackRecord(
            supervisor=self._mark,
            marker=self._marker,
            prefect_api_url=places.api,
            database_url=SecretStr(places.store_url),
            own_postgres=cluster is not None,
            holds_store=cluster is None or cluster.held_store,
            fleet="" if places.fleet is None else str(places.fleet),
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_stop)
        logs = asyncio.create_task(_keep_logs_small(self._home / "logs"))
        try:
            with self._display:
                self._tell(places)
                self._changed()
                await supervisor.run()
        finally:
            logs.cancel()
            with suppress(asyncio.CancelledError):
                await logs
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _places(self, cluster: postgres.Cluster | None) -> Places:
        wishes = self._wishes
        if cluster is not None:
            store, prefect = cluster.url(postgres.STORE), cluster.url(postgres.PREFECT)
        else:
            store, prefect = own_databases(wishes.database_url or "")
        return Places(
            home=self._home,
            folder=project_folder(),
            port=wishes.port,
            metrics_port=wishes.metrics_port,
            store_url=store,
            prefect_url=prefect,
            fleet=wishes.fleet,
            drain_seconds=wishes.drain_seconds,
            auth=os.environ.get("PREFECT_API_AUTH_STRING"),
            desk=self._desk,
        )

    def _parts(self, places: Places, cluster: postgres.Cluster | None) -> Sequence[Part]:
        parts: list[Part] = []
        stands_on = () if cluster is None else (postgres.NAME,)
        if cluster is not None:

            async def prepare() -> None:
                await postgres.ensure_databases(cluster.url("postgres"), postgres.STORE, postgres.PREFECT)
                moved = await move_sqlite(self._home / "nija.db", places.store_url)
                cluster.hold_store()
                if self._record is not None:
                    self._record = self._record.model_copy(update={"holds_store": True})
                self._changed()
                if moved is not None:
                    self.say(
                        f"the SQLite store of this home is in PostgreSQL now ({moved.rows} rows); "
                        f"the file is kept as {moved.kept}"
                    )

            parts.append(cluster.part(places.log(postgres.NAME), prepare))
        parts += [server(places, *stands_on), setup(places)]
        if self._wishes.worker:
            parts.append(worker(places))
        if self._serves_metrics:
            parts.append(metrics(places, *stands_on))
        if self._desk is not None:
            tell = partial(self._tell_first_link, places) if self._wishes.link else None
            parts.append(replace(desk(places, self._desk, *stands_on), prepare=tell))
        return parts

    async def _tell_first_link(self, places: Places) -> None:
        """Say how the first admin comes in, once the desk is there."""
        try:
            async with await Store.open(places.store_url) as store:
                words = await first_words(store, places.desk_address, to_terminal=self._console.is_terminal)
        except StoreError as error:
            words = [f"the first admin's link could not be made ({error.code}): nija desk people link"]
        for line in words:
            self.say(line)

    async def _prepare_own(self, places: Places) -> None:
        """Make what a PostgreSQL of one's own has to have. Raises: StoreError."""
        await (await Store.open(places.store_url)).close()
        target = make_url(places.prefect_url)
        server_url = make_url(places.store_url).render_as_string(hide_password=False)
        await postgres.ensure_databases(server_url, str(target.database))
        if (self._home / "nija.db").exists():
            self.say(f"{self._home / 'nija.db'} is another store: it is left as it is, and not used")

    def _tell(self, places: Places) -> None:
        self.say(f"Prefect: {places.ui}")
        if self._serves_metrics:
            self.say(f"metrics: {places.metrics}")
        if places.desk_address:
            self.say(f"desk:    {places.desk_address}")
        self.say(f"logs:    {self._home / 'logs'}")
        if places.fleet is None:
            self.say("there is no fleet file: no metrics, no desk, and the flows have nothing to look after (--fleet)")

    def _told_to_stop(self) -> None:
        if self._supervisor is not None:
            self.say("hurrying" if self._supervisor.stopping else "stopping; once more to hurry")
            self._supervisor.stop()

    def _records(self) -> Sequence[PartRecord]:
        return [] if self._supervisor is None else [life.record() for life in self._supervisor.lives.values()]

    def _changed(self) -> None:
        supervisor, record = self._supervisor, self._record
        if supervisor is None or record is None:
            return
        was_up = record.up
        up = supervisor.up and not supervisor.stopping
        self._record = record.model_copy(update={"parts": tuple(self._records()), "up": up})
        try:
            write_record(self._home, self._record)
        except OSError as error:  # a full disk is no reason to end what runs
            self.say(f"stack.json cannot be written: {error.strerror}")
        self._display.changed()
        if up and not was_up:
            self.say("everything is up; Ctrl-C ends it")


def own_databases(url: str) -> tuple[str, str]:
    """Return the addresses of our store and of Prefect's database beside it. Raises: ConfigError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "--database-url", "is not a database URL", "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"} or not parsed.database:
        raise ConfigError("--database-url", "Prefect needs PostgreSQL", "postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    plain = parsed.set(drivername="postgresql")
    beside = plain.set(database=f"{parsed.database}_prefect")
    if "sslmode" in beside.query:  # Prefect hands what it does not know to asyncpg, which calls it otherwise
        beside = beside.update_query_dict({"ssl": beside.query["sslmode"]}).difference_update_query(["sslmode"])
    return plain.render_as_string(hide_password=False), beside.render_as_string(hide_password=False)


async def _keep_logs_small(folder: Path) -> None:
    """Put a log that has grown aside now and then. The processes append, and go on at the new beginning."""
    while True:
        await asyncio.to_thread(_put_logs_aside, folder)
        await asyncio.sleep(_LOG_LOOK_SECONDS)


def _put_logs_aside(folder: Path) -> None:
    for log in folder.glob("*.log"):
        with suppress(OSError):
            if log.stat().st_size > _LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)
