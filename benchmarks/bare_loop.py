"""The yardstick: a bare asyncio loop over ccxt that makes the calls of a normalisation, and nothing else.

No ledger, no lease, no contracts, no verification, no report: what a script would do that trusts every answer.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.async_support as ccxt

from brokers.venues import adapter_for

AT_ONCE = 50


async def main(fleet: dict[str, Any]) -> None:
    """Normalise the fleet."""
    policy = fleet["policies"]["p"]
    started_at = datetime.now(UTC)
    bound = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200, limit_per_host=100)) as session:
        shared = {}
        for venue, url in {(a["venue"], a["url"]) for a in fleet["accounts"]}:
            client = build(venue, url, session)
            await client.load_markets()
            shared[venue] = client, await client.fetch_tickers()

        async def one(account: dict[str, Any]) -> None:
            async with bound:
                await normalize(account, policy, *shared[account["venue"]], session)

        await asyncio.gather(*(one(account) for account in fleet["accounts"]))
        for client, _ in shared.values():
            await client.close()
    print(json.dumps({"started_at": started_at.isoformat(), "finished_at": datetime.now(UTC).isoformat()}))


def build(venue: str, url: str, session: aiohttp.ClientSession, account: str = "") -> Any:
    """Return a plain ccxt client with the configuration that Nija gives its own."""
    prefix = f"NIJA_{account.upper().replace('-', '_')}_API_"
    client = getattr(ccxt, venue)(
        {
            **adapter_for(venue).config(url),
            "session": session,
            "timeout_on_exit": 0,
            "enableRateLimit": False,  # these venues do not count
            "apiKey": os.environ.get(f"{prefix}KEY", ""),
            "secret": os.environ.get(f"{prefix}SECRET", ""),
        },
    )
    client.ssl_context = False  # plain http here; building one would cost 15 ms a client
    return client


async def normalize(
    account: dict[str, Any],
    policy: dict[str, Any],
    shared: Any,
    tickers: dict[str, Any],
    session: aiohttp.ClientSession,
) -> None:
    """Sell the smallest positions down to the cap."""
    client = build(account["venue"], account["url"], session, account["id"])
    client.set_markets_from_exchange(shared)
    balance = await read(client)
    values = {}
    for asset, quantity in balance["total"].items():
        symbol = f"{asset}/{account['quote']}"
        if asset != account["quote"] and quantity and symbol in tickers:
            values[symbol] = quantity * tickers[symbol]["last"]
    smallest = sorted(values, key=values.__getitem__)[: len(values) - policy["max_positions"]]
    ids = []
    for symbol in smallest:
        order = await client.create_order(symbol, "market", "sell", balance["free"][symbol.split("/")[0]])
        ids.append(order["id"])
    if account["venue"] == "kraken":
        await client.fetch_orders_by_ids(ids)
    await asyncio.sleep(policy["settle_seconds"])
    await read(client)
    await client.close()


async def read(client: Any) -> Any:
    """Read what Nija reads of an account."""
    balance = await client.fetch_balance()
    await client.fetch_open_orders()
    if client.id == "kraken":
        await client.privatePostTradeBalance({"asset": client.currency("USD")["id"]})
    return balance


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
