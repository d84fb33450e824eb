"""How a stack looks: a live table on a terminal, one line a change elsewhere."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from models.stack import PartRecord, PartState
from models.stack_report import DOWN
from rules.balance import span_words

STYLE = {
    PartState.READY: "green",
    PartState.DONE: "green",
    PartState.UNWELL: "bold red",
    PartState.PAUSING: "bold red",
    PartState.STOPPED: "dim",
}


def table(parts: Sequence[PartRecord], *, title: str, believed: bool = True) -> Table:
    """One row a part. Not `believed`: whoever kept the record is gone, and a part whose process is gone is down."""
    shown = Table(title=title, title_justify="left")
    for column in ("part", "state", "since", "address", "pid", "starts", "note"):
        shown.add_column(column, overflow="fold", justify="right" if column in {"pid", "starts"} else "left")
    now = datetime.now(UTC)
    for part in parts:
        down = not believed and not part.alive
        state = Text(DOWN, style="bold red") if down else Text(part.state, style=STYLE.get(part.state, "yellow"))
        pid = "" if down or part.process is None else str(part.process.pid)
        since = span_words(max(now - part.since, timedelta()))
        shown.add_row(part.name, state, since, Text(part.address), pid, str(part.starts), Text(part.note))
    return shown


class Display:
    """Shows parts as they change, and sentences as they come. On a terminal the table stays at the bottom."""

    def __init__(self, console: Console, parts: Callable[[], Sequence[PartRecord]], title: str) -> None:
        self._console, self._parts, self._title = console, parts, title
        self._last: dict[str, PartState] = {}
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=2, transient=False)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def changed(self) -> None:
        """Show what changed."""
        if self._console.is_terminal:
            return  # the table looks for itself
        for part in self._parts():
            if self._last.get(part.name) is not part.state:
                self._last[part.name] = part.state
                where = f" at {part.address}" if part.address and part.state is PartState.READY else ""
                self.say(f"{part.name} {part.state}{where}")

    def say(self, sentence: str) -> None:
        """Say something that is read once."""
        self._console.print(f"{datetime.now(UTC):%H:%M:%S} {sentence}", markup=False, soft_wrap=True, highlight=False)

    def _table(self) -> Table:
        return table(self._parts(), title=self._title)
