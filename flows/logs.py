"""Where the log goes: one handler on stderr, ours, whether a person runs a command or a worker runs a flow.

Prefect sets up logging of its own when it is imported. Its handlers that send lines to its UI stay, with our filter on
them; the one that writes to the console makes room for ours, and any other handler that somebody set up stays too.
"""

import logging
import sys
from collections.abc import Iterator
from typing import TextIO

from models.errors import ConfigError
from models.log_lines import ConsoleLine, Dresser, FieldsLine, JsonLine
from models.settings import LogFormat, LogSettings, load_log_settings

PACKAGES = ("models", "validations", "rules", "brokers", "tasks", "flows", "cli")
_PREFECTS = "PrefectConsoleHandler"  # by name: a command that needs no Prefect does not import it
_PREFECTS_UI = "APILogHandler"

log = logging.getLogger(__name__)


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is stderr at that moment."""

    @property
    def stream(self) -> TextIO:
        """What stderr is now."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Leave it: the base class sets what it was given."""


def set_up_logs(settings: LogSettings, *, quiet_at: int | None = None) -> None:
    """Let everything that is logged from here on go to stderr, as the settings have it. May be called again.

    `quiet_at`: the level of our own loggers where the settings name none; None: they follow the root, at WARNING.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, Stderr) or type(handler).__name__ == _PREFECTS:
            root.removeHandler(handler)
    ours = Stderr()
    ours.setFormatter(JsonLine() if settings.log_format is LogFormat.JSON else ConsoleLine())
    root.addHandler(ours)
    if settings.log_level is not None:
        _let_speak(getattr(logging, settings.log_level))
    elif quiet_at is not None:
        _let_speak(quiet_at)
    dress_handlers()


def set_up_flow_logs(*, unattended: bool) -> None:
    """Do the same where a flow begins; what no person watches says more, and says it in Prefect's UI too.

    A setting that is wrong stops no flow: a stop that must be sold waits for no log.
    """
    root = logging.getLogger()
    if any(isinstance(handler, Stderr) for handler in root.handlers) and not unattended:
        dress_handlers()  # a command has set it up; Prefect was imported since
        return
    try:
        settings = load_log_settings()
    except ConfigError as error:
        settings = LogSettings.model_construct(log_format=LogFormat.CONSOLE, log_level=None)
        log.warning("logs are as if nothing were set", extra={"problem": str(error)})
    set_up_logs(settings, quiet_at=logging.INFO if unattended else None)
    if unattended:
        show_in_prefect()


def show_in_prefect() -> None:
    """Send what our own loggers say within a flow run to Prefect's UI as well."""
    from prefect.logging.handlers import APILogHandler  # noqa: PLC0415 - a command that needs no Prefect pays nothing

    for name in PACKAGES:
        logger = logging.getLogger(name)
        if not any(type(handler).__name__ == _PREFECTS_UI for handler in logger.handlers):
            handler = APILogHandler()
            handler.setFormatter(FieldsLine())
            handler.addFilter(_in_a_run)
            logger.addHandler(handler)
    dress_handlers()


def dress_handlers() -> None:
    """Put our filter on every handler of this process, whoever made it. Once is enough for each."""
    for handler in _handlers():
        if not any(isinstance(one, Dresser) for one in handler.filters):
            handler.addFilter(Dresser())


def _let_speak(level: int) -> None:
    for name in PACKAGES:
        logging.getLogger(name).setLevel(level)
    if level > logging.WARNING:
        logging.getLogger().setLevel(level)


def _in_a_run(_record: logging.LogRecord) -> bool:
    from prefect.context import FlowRunContext, TaskRunContext  # noqa: PLC0415 - it is imported by then

    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.getLogger().handlers
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
