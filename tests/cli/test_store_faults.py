"""A store that is locked, read-only, full or closed to us: one line, exit 1, and no order leaves."""

import asyncio
import ctypes
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from brokers.simulator.handle import RunningVenue
from models.store.engine import Store
from tests.cli.command import Nija, Ran

pytestmark = pytest.mark.wire

# Of prctl and its capabilities, as Linux numbers them.
_MAY_BE_DROPPED, _DROP = 23, 24
_OVERRIDE_FILE_MODES = 1


@pytest.fixture
def ready(offline: Nija, kraken: RunningVenue) -> Nija:
    """Return a machine with work to do and an up-to-date store."""

    async def migrate() -> None:
        await (await Store.open(f"sqlite:///{offline.home / 'nija.db'}")).close()

    asyncio.run(migrate())
    offline.serves(kraken, "platform", max_positions=3)
    return offline


def refused(ran: Ran, code: str, kraken: RunningVenue) -> None:
    """Hold a command to what a store it cannot use leaves it to do."""
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(f"{code} store "), ran.err
    assert kraken.calls("any") == 0


def test_a_store_that_another_process_locks(ready: Nija, kraken: RunningVenue) -> None:
    other = sqlite3.connect(ready.home / "nija.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        ran = ready("normalize", "--live", "--yes")
    finally:
        other.close()

    refused(ran, "STORE_LOCKED", kraken)
    assert "another process holds its lock" in ran.complaint


def test_a_read_only_store(ready: Nija, kraken: RunningVenue) -> None:
    (ready.home / "nija.db").chmod(0o444)
    ready.home.chmod(0o555)
    try:
        ran = ready("normalize", "--live", "--yes", before=obey_file_modes())
    finally:
        ready.home.chmod(0o755)

    refused(ran, "STORE_READ_ONLY", kraken)


@pytest.mark.parametrize(
    ("room", "code"),
    [(0, "STORE_UNREACHABLE"), (44, "STORE_FULL")],  # SQLite needs 32 kB beside the file before it can as much as read
)
def test_a_full_disk(full_disk: Nija, kraken: RunningVenue, room: int, code: str) -> None:
    disk = full_disk.home
    (disk / "rest").write_bytes(b"\0" * (shutil.disk_usage(disk).free - room * 1024))

    ran = full_disk("normalize", "--live", "--yes")

    refused(ran, code, kraken)
    assert "its disk is full" in ran.complaint


def test_a_damaged_store(ready: Nija, kraken: RunningVenue) -> None:
    (ready.home / "nija.db").write_bytes(b"this is no database" * 1000)

    refused(ready("normalize", "--live", "--yes"), "STORE_DAMAGED", kraken)


def test_a_wrong_password(ready: Nija, kraken: RunningVenue, postgres: str) -> None:
    add_a_role_with_a_password(postgres)
    url = postgres.replace("//postgres:@", "//nija_locked:hush@")
    assert "nija_locked" in url

    ran = ready("normalize", "--live", "--yes", env={"NIJA_DATABASE_URL": url})

    refused(ran, "STORE_UNREACHABLE", kraken)
    assert "hush" not in ran.err


@pytest.fixture
def full_disk(ready: Nija, tmp_path: Path, prefect_api: str) -> Iterator[Nija]:
    """Move the home to a disk of a megabyte, where this machine lets us mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    try:
        shutil.copy(ready.home / "nija.db", disk)
        ready.home = disk
        ready.environment |= {"NIJA_HOME": str(disk), "PREFECT_API_URL": prefect_api}
        yield ready
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def obey_file_modes() -> Callable[[], None] | None:
    """Return what makes a process of root obey file modes like anybody else's; None where it does already."""
    if os.geteuid() != 0:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_MAY_BE_DROPPED, _OVERRIDE_FILE_MODES, 0, 0, 0) != 1:
        pytest.skip("this root may not give capabilities up")

    def drop() -> None:
        libc.prctl(_DROP, _OVERRIDE_FILE_MODES, 0, 0, 0)

    return drop


def add_a_role_with_a_password(server: str) -> None:
    """Make the server of this test process ask one role, and only that one, for its password."""

    async def run(statement: str) -> Any:
        connection = await asyncpg.connect(server)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    asyncio.run(run("CREATE ROLE nija_locked LOGIN PASSWORD 'right'"))
    rules = Path(asyncio.run(run("SHOW hba_file")))
    locked = "nija_locked scram-sha-256"
    rules.write_text(f"local all {locked}\n{rules.read_text()}")
    asyncio.run(run("SELECT pg_reload_conf()"))
