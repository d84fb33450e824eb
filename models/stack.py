"""What `nija up` leaves in its home about the stack it runs, and how far that is to be trusted.

The record is a file: whoever reads it may come long after the processes that it names, and a process id is given to
another process in time. So nothing is believed of it but what the process list bears out: an id counts together with
the instant its process began. A record that others could have written is not read at all.
"""

import os
import stat
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from models.errors import ConfigError

_START_TOLERANCE_SECONDS = 2.0  # the kernel counts from its boot, and a machine's idea of when that was moves a little


class PartState(StrEnum):
    """What a part of the stack does just now."""

    WAITING = "waiting"  # for the parts that it stands on
    STARTING = "starting"
    READY = "ready"
    UNWELL = "unwell"  # it runs, and does not answer
    PAUSING = "pausing"  # it ended, and is started again after a pause
    DONE = "done"  # it had one thing to do
    STOPPING = "stopping"
    STOPPED = "stopped"


class ProcessMark(BaseModel):
    """One process, and no other that is given its number later. `began`: seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    pid: int
    began: float

    @classmethod
    def of(cls, pid: int) -> "ProcessMark | None":
        """Return the mark of a process that runs; None where there is none of this number."""
        try:
            return cls(pid=pid, began=psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    def process(self) -> psutil.Process | None:
        """Return the process while it lives. One that only waits to be buried is dead."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.began) <= _START_TOLERANCE_SECONDS
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


class PartRecord(BaseModel):
    """One part as it was last seen."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: PartState
    since: datetime
    address: str = ""
    process: ProcessMark | None = None
    starts: int = 0
    note: str = ""

    @property
    def alive(self) -> bool:
        """Whether the very process that is named runs."""
        return self.process is not None and self.process.process() is not None


class StackRecord(BaseModel):
    """The stack of one home. The address of the store carries its password: the file is the owner's alone.

    `marker` stands in the environment of every process of the stack, so that those whose parent died are found.
    `holds_store`: whether the store is at `database_url` by now; before that it is where it was without a stack.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 1
    supervisor: ProcessMark
    marker: str
    up: bool = False
    prefect_api_url: str
    database_url: SecretStr
    own_postgres: bool
    holds_store: bool
    fleet: str = ""
    parts: tuple[PartRecord, ...] = ()

    @field_serializer("database_url", when_used="json")
    def _plain(self, value: SecretStr) -> str:
        return value.get_secret_value()

    @property
    def supervised(self) -> bool:
        """Whether the `nija up` that wrote this runs."""
        return self.supervisor.process() is not None

    def part(self, name: str) -> PartRecord | None:
        """Return one part of the stack."""
        return next((part for part in self.parts if part.name == name), None)

    @property
    def store_is_there(self) -> bool:
        """Whether the store's address can be trusted: `nija up` runs, or the PostgreSQL that it started does.

        An address of one's own is that of a server which the stack does not run.
        """
        postgres = self.part("postgres")
        return not self.own_postgres or self.supervised or (postgres is not None and postgres.alive)

    @property
    def server_is_there(self) -> bool:
        """Whether the Prefect server's address can be trusted."""
        server = self.part("server")
        return self.supervised or (server is not None and server.alive)


def record_file(home: Path) -> Path:
    """Return where the record of a home's stack is."""
    return home / "stack.json"


def read_record(home: Path) -> StackRecord | None:
    """Return what `nija up` last wrote; None where it never ran here.

    Raises: ConfigError for a file that cannot be read, is another user's, or may be written by others.
    """
    path = record_file(home)
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            text = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read ({error.strerror})") from None
    if about.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(str(path), "belongs to another user: it is not read")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(str(path), "may be written by others: it is not read", f"chmod 600 {path}")
    try:
        return StackRecord.model_validate_json(text)
    except ValidationError:
        raise ConfigError(str(path), "is no record of a stack", "remove it while no `nija up` runs") from None
