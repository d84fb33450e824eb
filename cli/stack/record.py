"""Write down what a stack is, for other terminals and for the next `nija up`; one `nija up` a home."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import ConfigError
from models.stack import StackRecord, read_record, record_file


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold a home for one `nija up`. The system takes the hold from a process that dies.

    Raises: ConfigError naming who holds it.
    """
    with (home / "stack.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            record = read_record(home)
            whose = (
                f"process {record.supervisor.pid}" if record is not None and record.supervised else "another process"
            )
            raise ConfigError(str(home), f"`nija up` runs here already, as {whose}", "nija status, nija down") from None
        yield


def write_record(home: Path, record: StackRecord) -> None:
    """Write the record whole or not at all, for its owner alone."""
    path = record_file(home)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(record.model_dump_json(indent=2))
    new.replace(path)
