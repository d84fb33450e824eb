"""Show how far a collection of history is: candles, time left, rows a second, requests. To stderr, on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.console import err

if TYPE_CHECKING:  # pandas takes half a second that --help need not pay
    from models.history import Series


class Shown:
    """One bar for all series; what is still to be counted joins its end as it is known."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar: TaskID = progress.add_task("history", total=None, rows=0, requests=0, speed="")
        self._wanted = self._rows = self._requests = 0

    def begins(self, series: "Series", wanted: int) -> None:
        """Add a series to what is to be done."""
        self._wanted += wanted
        self._progress.update(self._bar, total=self._wanted, description=str(series))

    def page(self, series: "Series", settled: int, rows: int) -> None:
        """Go on by one request."""
        self._rows += rows
        self._requests += 1
        elapsed = self._progress.tasks[self._bar].elapsed or 0
        self._progress.update(
            self._bar,
            advance=settled,
            description=str(series),
            rows=self._rows,
            requests=self._requests,
            speed=f"{self._rows / elapsed:,.0f} rows/s" if elapsed > 0 else "",
        )


@contextmanager
def shown() -> Iterator[Shown]:
    """Show a bar for the length of the block."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]} rows {task.fields[speed]}, {task.fields[requests]} requests"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield Shown(progress)
