"""A whole stack in front of a simulated venue, for the tests in a browser."""

from collections.abc import Iterator

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija
from tests.cli.conftest import kraken
from tests.cli.stack_up import Stack, machine, running

__all__ = ["kraken", "machine"]


@pytest.fixture
def stack(machine: Nija, kraken: RunningVenue) -> Iterator[Stack]:
    machine.serves(kraken, "platform", max_positions=3)
    with running(machine) as stack:
        yield stack
