"""What `nija status` tells of the stack: every part as its record has it, as far as the process list bears that out."""

from pathlib import Path

from rich.console import Console

from cli.stack.show import table
from models.metrics import FleetMetrics
from models.stack import StackRecord, read_record
from models.stack_report import StackReport


class StatusReport(FleetMetrics):
    """The fleet, and the stack of this home: None where there never was one."""

    stack: StackReport | None = None


def show_stack(console: Console, home: Path) -> None:
    """Print the stack of a home, where there is or was one."""
    record = read_record(home)
    if record is not None:
        console.print(table(record.parts, title=_title(record), believed=record.supervised))


def _title(record: StackRecord) -> str:
    if record.supervised:
        return f"The stack, kept by process {record.supervisor.pid}{'' if record.up else ': not everything is up'}"
    left = any(part.alive for part in record.parts)
    return "The stack: `nija up` was killed, and some of it still runs" if left else "The stack: `nija up` does not run"
