"""Build small worlds and unmodified ccxt clients for the simulated venues."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt

from brokers.simulator.handle import RunningVenue
from brokers.simulator.manners import MANNERS
from brokers.simulator.world import World

QUOTE = {str(name): manners.quote for name, manners in MANNERS.items()}


def a_world(venue: str, **changes: Any) -> World:
    """Give one account with money, BTC and ETH, and three priced markets and one without a price."""
    quote = QUOTE[venue]
    default: dict[str, Any] = {
        "venue": venue,
        "markets": [
            {
                "symbol": f"BTC/{quote}",
                "price": "50000",
                "lot_step": "0.00000001" if venue == "kraken" else "0.00001",
                "tick": "0.1",
                "min_quantity": "0.0001",
                "min_notional": "0.5" if venue == "kraken" else "5",
            },
            {"symbol": f"ETH/{quote}", "price": "2500"},
            {"symbol": f"DOGE/{quote}", "price": "0.08"},
            {"symbol": f"AUT/{quote}"},
        ],
        "accounts": {"platform": {"balances": {quote: "10000", "BTC": "0.02", "ETH": "1", "AUT": "5"}}},
    }
    return World.model_validate(default | changes)


def a_client(url: str, world: World, account: str = "platform", **config: Any) -> Any:
    """Build the ccxt client of the world's venue, pointed at the url."""
    key, secret, passphrase = world.accounts[account].credentials(account, world.venue)
    common = {"apiKey": key, "secret": secret, "enableRateLimit": False, "timeout": 5000, "timeout_on_exit": 0}
    if world.venue == "kraken":
        return ccxt.kraken({**common, "urls": {"api": {"public": url, "private": url}}, **config})
    if world.venue == "alpaca":
        return ccxt.alpaca({**common, "urls": {"api": dict.fromkeys(("trader", "market", "broker"), url)}, **config})
    if world.venue == "bybit":
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
        return ccxt.bybit({**common, "urls": {"api": {"public": url, "private": url}}, "options": options, **config})
    if world.venue == "coinbase":
        options = {"fetchBalance": "v3PrivateGetBrokerageAccounts"}
        return ccxt.coinbase({**common, "urls": {"api": {"rest": url}}, "options": options, **config})
    if world.venue == "okx":
        options = {"fetchMarkets": {"types": ["spot"]}}
        return ccxt.okx(
            {**common, "password": passphrase, "urls": {"api": {"rest": url}}, "options": options, **config}
        )
    urls = {"public": f"{url}/api/v3", "private": f"{url}/api/v3", "v1": f"{url}/api/v1", "sapi": f"{url}/sapi/v1"}
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    client = ccxt.binance({**common, "urls": {"api": urls}, "options": options, **config})
    # ccxt chooses its spot errors by the production address; under another one they are passed by hand.
    client.exceptions["exact"] |= client.exceptions["spot"]["exact"]
    return client


@asynccontextmanager
async def connected(venue: RunningVenue, **config: Any) -> AsyncIterator[Any]:
    """Open a client of a running venue and close it again."""
    client = a_client(venue.url, venue.world, **config)
    try:
        yield client
    finally:
        await client.close()
