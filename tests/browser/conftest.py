"""A whole stack in front of a simulated venue, for the tests in a browser."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija
from tests.cli.conftest import kraken
from tests.cli.test_up import Stack, machine

__all__ = ["kraken", "machine"]


@pytest.fixture
def stack(machine: Nija, kraken: RunningVenue) -> Iterator[Stack]:
    machine.serves(kraken, "platform", max_positions=3)
    stack = Stack(machine)
    yield stack
    for _ in range(2):
        with suppress(ProcessLookupError):
            stack.process.send_signal(signal.SIGTERM)
    stack.process.wait(60)
