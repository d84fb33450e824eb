"""Venues that the tests of this folder share: one of each kind, without faults at the start of every test."""

from collections.abc import Iterator

import pytest

from brokers.simulator.handle import RunningVenue
from tests.brokers.at_venue import QUOTE, a_world


def _rich(venue: str) -> dict[str, dict[str, str]]:
    return {"platform": {QUOTE[venue]: "1000", "BTC": "10", "ETH": "100", "DOGE": "100000", "AUT": "5"}}


@pytest.fixture(scope="session")
def kraken_of_all() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("kraken", _rich("kraken"))) as venue:
        yield venue


@pytest.fixture(scope="session")
def binance_of_all() -> Iterator[RunningVenue]:
    with RunningVenue(a_world("binance", _rich("binance"))) as venue:
        yield venue


@pytest.fixture
def kraken(kraken_of_all: RunningVenue) -> Iterator[RunningVenue]:
    yield kraken_of_all
    kraken_of_all.set_faults()


@pytest.fixture
def binance(binance_of_all: RunningVenue) -> Iterator[RunningVenue]:
    yield binance_of_all
    binance_of_all.set_faults()


@pytest.fixture(params=["kraken", "binance"])
def venue(request: pytest.FixtureRequest) -> RunningVenue:
    """Return a running venue of each kind in turn."""
    found: RunningVenue = request.getfixturevalue(request.param)
    return found
