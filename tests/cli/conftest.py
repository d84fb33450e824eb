"""What the tests of the command share: a Prefect server that runs, a machine to type on, a venue with work to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from tests.cli.command import Nija
from tests.prefect_server import prefect_api, prefect_home

_START_SECONDS = 90

__all__ = ["prefect_api", "prefect_home"]


@pytest.fixture
def nija(tmp_path: Path, prefect_api: str) -> Nija:
    """Return a machine whose commands find the Prefect server."""
    return Nija(tmp_path, prefect_api)


@pytest.fixture
def offline(tmp_path: Path) -> Nija:
    """Return a machine for commands that need no Prefect server, and must not look for one."""
    return Nija(tmp_path, "http://127.0.0.1:1/api")


@pytest.fixture
def kraken() -> Iterator[RunningVenue]:
    """Run a Kraken whose account has one of everything a plan can find."""
    with RunningVenue(a_full_world()) as venue:
        yield venue


def a_full_world() -> World:
    """Two positions to keep, one to trim, one too small, dust that sells and dust that does not, one unvalued."""
    return World.model_validate(
        {
            "venue": "kraken",
            "markets": [
                {"symbol": "BTC/USD", "price": "50000"},
                {"symbol": "ETH/USD", "price": "2500"},
                {"symbol": "SOL/USD", "price": "100"},
                {"symbol": "ADA/USD", "price": "1"},
                {"symbol": "LTC/USD", "price": "80", "min_quantity": "0.001", "min_notional": "0.05"},
                {"symbol": "DOGE/USD", "price": "0.08"},
                {"symbol": "AUT/USD"},
            ],
            "accounts": {
                "platform": {
                    "balances": {
                        "USD": "1000",
                        "BTC": "0.02",
                        "ETH": "0.2",
                        "SOL": "1.5",
                        "ADA": "6",
                        "LTC": "0.01",
                        "DOGE": "5",
                        "AUT": "5",
                    }
                },
                "second": {"balances": {"USD": "50", "ETH": "0.1"}},
            },
        }
    )
