"""Tell whoever watches a run how far each account is."""

from collections.abc import Callable
from contextvars import ContextVar
from enum import StrEnum


class Stage(StrEnum):
    """The steps of an account's run, in order."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    RECOVERING = "recovering"
    READING = "reading"
    PLANNING = "planning"
    SELLING = "selling"
    SETTLING = "settling"
    DONE = "done"


Watcher = Callable[[str, Stage], None]  # account, stage


def _nobody(_account: str, _stage: Stage) -> None:
    pass


# A flow's parameters are plain data that Prefect shows and stores, so a callback cannot be one of them.
watcher: ContextVar[Watcher] = ContextVar("watcher", default=_nobody)


def tell(account: str, stage: Stage) -> None:
    """Say that an account reached a stage."""
    watcher.get()(account, stage)
