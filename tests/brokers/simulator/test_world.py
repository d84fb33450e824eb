"""Read world files: defaults, and errors that say where."""

import base64
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.simulator.credentials import simulated_credentials
from brokers.simulator.manners import VenueName
from brokers.simulator.world import Market, WorldError, load_world


def test_a_world_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(
        "venue: kraken\nmarkets:\n  - {symbol: BTC/USD, price: 50000.5}\naccounts:\n  platform: {balances: {USD: 10}}\n"
    )

    world = load_world(path)

    assert world.markets[0].price == Decimal("50000.5")
    assert world.accounts["platform"].balances == {"USD": Decimal(10)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("venue: kraken\nmarket: []\n", "market: Extra inputs"),
        ("venue: mtgox\n", "venue: Input should be"),
        ("venue: kraken\nmarkets: [{symbol: BTC/USD, price: -1}]\n", "markets.0.price: Input should be greater"),
        ("venue: kraken\nmarkets: [{symbol: BTC/USD}, {symbol: BTC/USD}]\n", "listed more than once: BTC/USD"),
        (
            "venue: kraken\naccounts: {a: {trades: [{symbol: A/USD, side: buy, quantity: 1, price: 1}]}}\n",
            "traded before in no market: A/USD",
        ),
        ("venue: [\n", "world.yaml"),
        ("", "file: Input should be"),
    ],
)
def test_a_wrong_world_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text)

    with pytest.raises(WorldError) as caught:
        load_world(path)

    assert words in str(caught.value)


def test_a_missing_world_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="nowhere"):
        load_world(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("venue", "price", "sizes"),
    [
        ("kraken", "50000", ("0.00000001", "0.1", "0.0001", "0.5")),
        ("kraken", "0.08", ("0.00000001", "0.0000001", "10", "0.5")),
        ("binance", "50000", ("0.00001", "0.1", "0.00001", "5")),
        ("binance", "0.08", ("1", "0.0000001", "1", "5")),
    ],
)
def test_sizes_left_out_are_what_the_venue_usually_asks_for(venue: str, price: str, sizes: tuple[str, ...]) -> None:
    listing = Market(symbol="X/USD", price=Decimal(price)).completed(VenueName(venue))

    found = (listing.lot_step, listing.tick, listing.min_quantity, listing.min_notional)
    assert found == tuple(Decimal(size) for size in sizes)


def test_credentials_are_the_same_each_time_and_differ_between_accounts() -> None:
    assert simulated_credentials("one") == simulated_credentials("one")
    assert simulated_credentials("one") != simulated_credentials("two")


def test_credentials_are_marked_as_simulated() -> None:
    key, secret, _ = simulated_credentials("one")

    assert key.startswith("SIMULATOR-ONLY")
    assert base64.b64decode(secret, validate=True).startswith(b"SIMULATOR-ONLY")
