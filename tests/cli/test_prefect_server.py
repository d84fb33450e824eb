"""Which Prefect server a run uses, and that it says so when it has to start one."""

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import CLOSED_PORT, Nija

pytestmark = pytest.mark.wire


def test_a_server_that_does_not_answer_is_replaced_by_a_temporary_one(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "second")
    wanted = f"{CLOSED_PORT}/api"

    ran = offline("normalize", "--json", env={"PREFECT_API_URL": wanted})

    assert ran.code == 0
    assert ran.account("second")["status"] == "compliant"
    assert ran.err.splitlines()[0].startswith(f"PREFECT_API_URL {wanted} does not answer: starting a temporary one")
