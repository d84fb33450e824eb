"""Show how far a search is: evaluations, what an earlier run had done, time left. To stderr, on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cli.console import err, note


class Shown:
    """A bar for each strategy."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar: TaskID | None = None

    def begins(self, strategy: str, total: int, kept: int) -> None:
        """Begin the bar of a strategy; say what need not be done again."""
        if kept:
            note(f"{strategy}: {kept} of {total} evaluations are kept from an earlier run")
        self._bar = self._progress.add_task(strategy, total=total, completed=kept)

    def advances(self, evaluations: int) -> None:
        """Go on."""
        if self._bar is not None:
            self._progress.update(self._bar, advance=evaluations)


@contextmanager
def shown() -> Iterator[Shown]:
    """Show bars for the length of the block."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield Shown(progress)
