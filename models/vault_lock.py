"""One change of the vault's master key at a time on a machine; an addition under it waits for that, too.

Without it, two rotations would each drop the key that the other one encrypted with.
"""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from models.clock import Clock
from models.errors import ConfigError
from models.settings import MasterKeySettings

LONGEST_WAIT = timedelta(seconds=15)
_POLL = timedelta(milliseconds=20)


@asynccontextmanager
async def vault_lock(places: MasterKeySettings, clock: Clock) -> AsyncIterator[None]:
    """Hold the lock for the length of the block; the kernel lets go of it when the process dies.

    A folder that cannot be written needs none: nobody here can replace the master key in it.
    Raises: ConfigError when somebody else holds it for too long.
    """
    descriptor = _lock_file(places.file.with_name(f".{places.file.name}.lock"))
    if descriptor is None:
        yield
        return
    try:
        end = clock.elapsed() + LONGEST_WAIT
        while not _taken(descriptor):
            if clock.elapsed() > end:
                raise ConfigError(str(places.file), "another nija keys command is changing it; wait for it, or end it")
            await clock.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)


def _lock_file(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
