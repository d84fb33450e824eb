"""Which Prefect server a run uses, and that it says so when it has to start one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import CLOSED_PORT, Nija

pytestmark = pytest.mark.wire


def test_a_server_that_does_not_answer_is_replaced_by_a_temporary_one(
    offline: Nija, kraken: RunningVenue, prefect_api: str, prefect_home: Path
) -> None:
    offline.serves(kraken, "second")
    takes_over_the_tables(offline, prefect_home)
    wanted = f"{CLOSED_PORT}/api"

    ran = offline("normalize", "--json", env={"PREFECT_API_URL": wanted})

    assert ran.code == 0
    assert ran.account("second")["status"] == "compliant"
    assert ran.err.splitlines()[0].startswith(f"PREFECT_API_URL {wanted} does not answer: starting a temporary one")


def takes_over_the_tables(machine: Nija, prefect_home: Path) -> None:
    """Give the machine the tables of a server that runs: to make them takes a new one longer than all the rest."""
    home = Path(machine.environment["PREFECT_HOME"])
    home.mkdir()
    with (
        closing(sqlite3.connect(prefect_home / "prefect.db")) as there,
        closing(sqlite3.connect(home / "prefect.db")) as here,
    ):
        there.backup(here)
