"""The world that is served when none is given: one account with a little of everything."""

from brokers.simulator.manners import MANNERS, READ_ONLY, VenueName
from brokers.simulator.world import World

_PRICES = {"BTC": "50000", "ETH": "2500", "SOL": "100", "ADA": "1", "XRP": "0.5", "DOGE": "0.15", "DOT": "5"}
_HELD = {"BTC": "0.02", "ETH": "0.2", "SOL": "1.5", "ADA": "20", "XRP": "16", "DOGE": "5", "DOT": "0.8"}


_CHANCES = {"RAIN": "0.35", "ELECTION": "0.62", "LANDING": "0.08"}


def demo_world(venue: VenueName) -> World:
    """Return a world of seven markets and one account, `demo`; of a source of prices without the account."""
    if venue in READ_ONLY:
        prices = _CHANCES if venue is VenueName.POLYMARKET else _PRICES
        rows = [
            {"symbol": f"{base}/{READ_ONLY[venue].quote}", "price": price, "volatility_per_day": "0.03"}
            for base, price in prices.items()
        ]
        return World.model_validate({"venue": venue, "markets": rows})
    quote = MANNERS[venue].quote
    return World.model_validate(
        {
            "venue": venue,
            "markets": [{"symbol": f"{base}/{quote}", "price": price} for base, price in _PRICES.items()],
            "accounts": {"demo": {"balances": {quote: "1000", **_HELD}}},
        },
    )
