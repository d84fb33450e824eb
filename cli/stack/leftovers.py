"""End what a `nija up` that was killed has left running: in its order, and never a process that only has its number."""

import signal
from collections.abc import Callable
from pathlib import Path

from cli.stack import postgres
from cli.stack.processes import end, marked
from models.stack import read_record

_SECONDS = 30.0  # for each to end, before it is killed


async def end_what_is_left(home: Path, say: Callable[[str], None]) -> None:
    """End it all; return when nothing of it runs. Raises: ConfigError for a record that is not to be read."""
    record = read_record(home)
    if record is None:
        return
    if any(part.alive for part in record.parts) or marked(record.marker):
        say("ending what a `nija up` that was killed has left running")
    for part in reversed(record.parts):  # what runs is told to end before what it stands on does
        if part.process is not None and part.name != postgres.NAME:
            await end([part.process], signal.SIGTERM, _SECONDS)
    await end(marked(record.marker, but=postgres.NAME), signal.SIGTERM, _SECONDS)
    database = record.part(postgres.NAME)
    if database is not None and database.process is not None:
        await end([database.process], signal.SIGINT, _SECONDS)
