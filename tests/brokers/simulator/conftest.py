"""Run a venue of each kind for the tests of this folder."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from tests.brokers.simulator.clients import a_world, connected


@pytest.fixture(params=["kraken", "binance"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningVenue]:
    with RunningVenue(a_world(request.param)) as venue:
        yield venue


@pytest.fixture
async def client(running: RunningVenue) -> AsyncIterator[Any]:
    async with connected(running) as client:
        yield client


@pytest.fixture
def quote(running: RunningVenue) -> str:
    return running.world.markets[0].quote


@pytest.fixture
def btc(running: RunningVenue) -> str:
    return running.world.markets[0].symbol
