"""Show how far a run is: a line an account in a small fleet, one bar for a large one. To stderr, on a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.console import err
from tasks.progress import Stage, watcher

_LINES = 12
_STEPS = list(Stage)


@contextmanager
def shown(accounts: Sequence[str]) -> Iterator[None]:
    """Show the accounts' stages for the length of the block."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[stage]}")
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal) as progress:
        token = watcher.set(_lines(progress, accounts) if len(accounts) <= _LINES else _bar(progress, len(accounts)))
        try:
            yield
        finally:
            watcher.reset(token)


def _lines(progress: Progress, accounts: Sequence[str]) -> Callable[[str, Stage], None]:
    lines = {a: progress.add_task(a, total=len(_STEPS) - 1, stage=Stage.WAITING) for a in accounts}

    def tell(account: str, stage: Stage) -> None:
        progress.update(lines[account], completed=_STEPS.index(stage), stage=stage)

    return tell


def _bar(progress: Progress, total: int) -> Callable[[str, Stage], None]:
    bar = progress.add_task("accounts", total=total, stage="")
    done: set[str] = set()

    def tell(account: str, stage: Stage) -> None:
        if stage is Stage.DONE:
            done.add(account)
        progress.update(bar, completed=len(done), stage=f"{len(done)} of {total}")

    return tell
