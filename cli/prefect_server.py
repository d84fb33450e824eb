"""Find the Prefect server that flows run on, before Prefect itself is imported and reads its settings."""

import logging
import os
import urllib.error
import urllib.request
from pathlib import Path

from cli.console import note
from models.errors import ConfigError
from models.settings import prefect_api

DEFAULT_API = "http://127.0.0.1:4200/api"
STACK_BEAT_SECONDS = 30  # how often a run that a stack's worker has started shows itself
_PROBE_SECONDS = 2.0
# Prefect's senders warn about what they still have to send under names outside its own tree of loggers.
_LOG_OUTSIDE_PREFECT = ("EventsWorker", "APILogWorker")


def prepare_prefect(home: Path, *, verbose: bool) -> None:
    """Point Prefect at a running server, or say that a temporary one is started."""
    wanted = prefect_api(home)
    api = wanted or DEFAULT_API
    os.environ.setdefault("PREFECT_HOME", str((home / "prefect").absolute()))
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)  # Prefect makes one folder, and not its parents
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # What a person needs of a run is in its report; Prefect's own lines are for `--verbose`.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "CRITICAL")
    for worker in () if verbose else _LOG_OUTSIDE_PREFECT:
        logging.getLogger(worker).setLevel(logging.ERROR)
    if _answers(api):
        os.environ["PREFECT_API_URL"] = api
        return
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "true"
    # Prefect gives up after 20 s, which a busy machine needs.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    where = f"PREFECT_API_URL {wanted} does not answer" if wanted else "no Prefect server is running"
    note(f"{where}: starting a temporary one, about 10 s (`nija up` keeps one)")


def require_prefect(home: Path) -> None:
    """Point Prefect at a running server. Raises: ConfigError where none answers."""
    api = prefect_api(home) or DEFAULT_API
    if (
        "PREFECT_API_URL" not in os.environ and prefect_api(home) is not None
    ):  # a stack's, and its runs beat as it has set
        os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(STACK_BEAT_SECONDS))
    if not _answers(api):
        raise ConfigError("PREFECT_API_URL", f"no Prefect server answers at {api}", "one that runs: nija up")
    prepare_prefect(home, verbose=False)


def _answers(api: str) -> bool:
    if not api.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{api.rstrip('/')}/health", timeout=_PROBE_SECONDS) as answer:  # noqa: S310 - http(s) only, above
            return bool(answer.status == 200 and answer.read().strip() == b"true")  # noqa: PLR2004 - HTTP: OK
    except (urllib.error.URLError, OSError, ValueError):
        return False
