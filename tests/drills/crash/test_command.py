"""The same with nothing replaced: a `nija normalize --live --yes` on a Prefect server is killed, then recovered."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from models.reasons import AccountStatus, OrderState
from tests.drills.desk import Desk
from tests.drills.plain import normalize, without_prefect
from tests.drills.record import disagreements, ledger_rows, sales, undecided
from tests.prefect_server import prefect_api, prefect_home, prefect_server

__all__ = ["prefect_api", "prefect_home", "prefect_server"]

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


def test_a_killed_command_is_recovered_by_the_next(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, prefect_server: None
) -> None:
    with Desk(tmp_path, sqlite_url, monkeypatch) as desk:
        desk.policy["max_positions"] = 2
        venue = desk.worth({"ETH": 900, "SOL": 300, "XRP": 30, "ADA": 20, "DUST": "0.5"})
        venue.set_faults({"operation": "place", "skip": 1, "fault": "hang_after"})
        desk.write_fleet()
        api = str(PREFECT_API_URL.value())
        monkeypatch.setenv("NIJA_VENUE_TIMEOUT_SECONDS", "30")  # it is to wait for its answer until it is killed
        command = started("normalize", "--live", "--yes", "--json", api=api)
        end = time.monotonic() + PATIENCE
        while not venue.applied_faults() and time.monotonic() < end and command.poll() is None:
            time.sleep(0.01)
        os.kill(command.pid, signal.SIGKILL)

        assert command.wait(PATIENCE) == -signal.SIGKILL
        assert [row.state for row in ledger_rows(sqlite_url).values()].count(OrderState.SENT) == 1
        monkeypatch.setenv("NIJA_VENUE_TIMEOUT_SECONDS", "1")

        recovery = started("recover", "--json", api=api)
        told, _ = recovery.communicate(timeout=PATIENCE)
        without_prefect(monkeypatch)
        (report,) = normalize(desk)

        assert recovery.returncode == 0
        outcomes = [order["outcome"] for order in json.loads(told)["accounts"][0]["orders"]]
        assert sorted(outcomes) == ["filled", "filled", "skipped"]
        assert report.status is AccountStatus.COMPLIANT
        assert sales(venue) == {"DUST/USD": 1, "ADA/USD": 1, "XRP/USD": 1}
        ledger = ledger_rows(sqlite_url)
        assert (undecided(ledger), disagreements(venue, ledger)) == ([], [])


def started(*arguments: str, api: str) -> subprocess.Popen[str]:
    """Start the command as an operator would, on the Prefect server of this test process."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PREFECT_API_URL": api},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
