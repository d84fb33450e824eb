"""The parts of a stack that are Prefect's, and ours that stand on them: server, set-up, worker, metrics."""

import signal
import socket
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from cli.desk_address import address_of
from cli.prefect_server import STACK_BEAT_SECONDS
from cli.stack.parts import Part
from cli.stack.ports import LOOPBACK
from cli.stack.web import answers, posted
from models.settings import DeskSettings

SERVER, SETUP, WORKER, METRICS, DESK = "server", "setup", "worker", "metrics", "desk"
POOL = "nija"
# A run that was killed is seen after three beats; less than 30 s Prefect does not take.
_QUERY_SECONDS = 2  # how long a person waits for a run they started; Prefect's default is 10
_KEPT_SECONDS = 30 * 24 * 3600  # of runs and their logs; the ledger and the reports are in our own store
_RUNS_AT_ONCE = 16
_CLOSING_SECONDS = 45  # what a worker needs beyond the time for its runs


@dataclass(frozen=True, slots=True)
class Places:
    """Where a stack's parts are and what they are told. `folder`: where prefect.yaml lies. `fleet`: None for none."""

    home: Path
    folder: Path
    port: int
    metrics_port: int
    store_url: str
    prefect_url: str
    fleet: Path | None
    drain_seconds: float
    auth: str | None  # Prefect's, where its server asks for one
    desk: DeskSettings | None = None  # None: it is not served

    @property
    def ui(self) -> str:
        """The Prefect UI."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def api(self) -> str:
        """The Prefect API."""
        return f"{self.ui}/api"

    @property
    def metrics(self) -> str:
        """What Prometheus reads."""
        return f"http://{LOOPBACK}:{self.metrics_port}/metrics"

    @property
    def desk_address(self) -> str:
        """The desk, as people reach it; empty where it is not served."""
        return "" if self.desk is None else address_of(self.desk)

    def log(self, name: str) -> Path:
        """Where a part's words go."""
        return self.home / "logs" / f"{name}.log"


def server(places: Places, *needs: str) -> Part:
    """Run Prefect's server, on the loopback alone: whoever reaches it can approve."""
    return Part(
        name=SERVER,
        command=_prefect("server", "start", "--host", LOOPBACK, "--port", str(places.port)),
        log=places.log(SERVER),
        well=lambda _: answers(f"{places.api}/ready"),
        needs=needs,
        address=places.ui,
        environment=_common(places)
        | {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": places.prefect_url.replace(
                "postgresql://", "postgresql+asyncpg://", 1
            ),
            "PREFECT_SERVER_UI_API_URL": places.api,  # its pages would call port 4200 else
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "true",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(_KEPT_SECONDS),
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        },
        folder=places.home,
        start_seconds=180,  # it makes its tables at its first start
        stop_seconds=20,
    )


def setup(places: Places) -> Part:
    """Tell the server what it has to know: pool, deployments, automations; ask for the run at the start."""
    return Part(
        name=SETUP,
        command=(sys.executable, "-m", "cli.stack.setup", str(places.folder)),
        log=places.log(SETUP),
        needs=(SERVER,),
        environment=_common(places) | _ours(places),
        folder=places.folder,
        once=True,
        start_seconds=180,
    )


def worker(places: Places) -> Part:
    """Run the flows, each in a process of its own."""
    name = f"nija-up@{socket.gethostname()}"
    flags = {
        "--pool": POOL,
        "--name": name,
        "--limit": str(_RUNS_AT_ONCE),
        "--drain-seconds": f"{places.drain_seconds:g}",
    }

    async def well(started: datetime) -> bool:
        found = await posted(f"{places.api}/work_pools/{POOL}/workers/filter", {}, places.auth)
        beats = [row["last_heartbeat_time"] for row in found if row["name"] == name and row["status"] == "ONLINE"]
        return any(beat and datetime.fromisoformat(beat) >= started for beat in beats)

    return Part(
        name=WORKER,
        command=(sys.executable, "-m", "cli.stack.worker", *(word for flag in flags.items() for word in flag)),
        log=places.log(WORKER),
        well=well,
        needs=(SERVER, SETUP),
        address=f"pool {POOL}",
        environment=_common(places) | _ours(places) | {"PREFECT_WORKER_QUERY_SECONDS": str(_QUERY_SECONDS)},
        folder=places.folder,
        start_seconds=90,
        unwell_seconds=120,
        stop_seconds=places.drain_seconds + _CLOSING_SECONDS,
        hurry_signal=signal.SIGTERM,  # its second: it ends its runs and itself
    )


def metrics(places: Places, *needs: str) -> Part:
    """Serve what Prometheus reads of the store."""
    return Part(
        name=METRICS,
        command=(sys.executable, "-m", "cli", "metrics", "serve", "--port", str(places.metrics_port)),
        log=places.log(METRICS),
        well=lambda _: answers(places.metrics),
        needs=needs,
        address=places.metrics,
        environment=_common(places) | _ours(places),
        folder=places.folder,
    )


def desk(places: Places, served: DeskSettings, *needs: str) -> Part:
    """Serve the operator's pages. They stand on the store; Prefect may come and go."""
    here = address_of(served.model_copy(update={"url": None}))
    return Part(
        name=DESK,
        command=(
            *(sys.executable, "-m", "cli", "desk", "--no-link"),
            *("--host", served.host, "--port", str(served.port)),
        ),
        log=places.log(DESK),
        well=lambda _: answers(f"{here}/health"),
        needs=needs,
        address=places.desk_address,
        environment=_common(places) | _ours(places),
        folder=places.folder,
        start_seconds=120,
    )


def project_folder() -> Path:
    """Return where prefect.yaml lies: beside the `flows` package, wherever that is installed."""
    found = find_spec("flows")
    if found is None or found.origin is None:  # it is imported by half of this program
        raise ModuleNotFoundError("flows")
    return Path(found.origin).parent.parent


def _prefect(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "prefect", *arguments)


def _common(places: Places) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(places.home / "prefect"),
        "PREFECT_API_URL": places.api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(STACK_BEAT_SECONDS),
        "PREFECT_LOGGING_COLORS": "false",
    }


def _ours(places: Places) -> dict[str, str]:
    fleet = {} if places.fleet is None else {"NIJA_FLEET": str(places.fleet)}
    return {"NIJA_HOME": str(places.home), "NIJA_DATABASE_URL": places.store_url, **fleet}
