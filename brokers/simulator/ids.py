"""Make the ids a venue gives to orders and fills: Kraken's letters, Binance's numbers."""

import hashlib
from base64 import b32encode

from brokers.simulator.world import VenueName


def order_id(venue: VenueName, seed: int, number: int) -> str:
    """Id of the order with this running number."""
    return _letters("O", seed, number) if venue is VenueName.KRAKEN else str(number)


def fill_id(venue: VenueName, seed: int, number: int) -> str:
    """Id of the fill with this running number."""
    return _letters("T", seed, number) if venue is VenueName.KRAKEN else str(number)


def _letters(first: str, seed: int, number: int) -> str:
    """Kraken's shape: OQCLML-BW3P3-BUCMWZ."""
    drawn = b32encode(hashlib.blake2b(f"{first}:{seed}:{number}".encode(), digest_size=10).digest()).decode()
    return f"{first}{drawn[:5]}-{drawn[5:10]}-{drawn[10:16]}"
