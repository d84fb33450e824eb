"""How the stack of a home is: every part as its record has it, as far as the process list bears that out."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from models.stack import read_record

DOWN = "down"  # a part that should run, and does not


class PartReport(BaseModel):
    """One part. `state` is `down` where it should run and does not; `pid` None where nothing of it runs."""

    model_config = ConfigDict(frozen=True)

    part: str
    state: str
    since: datetime
    address: str
    pid: int | None
    starts: int
    note: str


class StackReport(BaseModel):
    """The stack of a home. `supervised`: whether the `nija up` that started it runs; `up`: whether all is well."""

    model_config = ConfigDict(frozen=True)

    supervised: bool
    up: bool
    prefect: str
    parts: list[PartReport]


def stack_report(home: Path) -> StackReport | None:
    """Return how the stack of a home is. Raises: ConfigError for a record that is not to be read."""
    record = read_record(home)
    if record is None:
        return None
    supervised = record.supervised
    return StackReport(
        supervised=supervised,
        up=supervised and record.up,
        prefect=record.prefect_api_url,
        parts=[
            PartReport(
                part=part.name,
                state=part.state if supervised or part.alive else DOWN,
                since=part.since,
                address=part.address,
                pid=part.process.pid if part.process is not None and part.alive else None,
                starts=part.starts,
                note=part.note,
            )
            for part in record.parts
        ],
    )
