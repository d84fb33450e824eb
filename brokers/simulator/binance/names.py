"""Name markets and write numbers as Binance does."""

from decimal import Decimal

from brokers.simulator.numbers import padded
from brokers.simulator.world import Listing

_PLACES = 8


def money(number: Decimal) -> str:
    """Write an amount or price with eight places."""
    return padded(number, _PLACES)


def pair_id(listing: Listing) -> str:
    """Market's id: BTCUSDT."""
    return listing.base + listing.quote
