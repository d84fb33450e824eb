"""Which venues there are, what each can do, and which adapter speaks to it.

A new venue is a row here, an adapter in a file of its own, and a simulator: docs/venues.md has the steps.
"""

from difflib import get_close_matches
from functools import cache

import ccxt.async_support as ccxt

from brokers.adapter import Adapter, generic_capabilities
from brokers.alpaca import Alpaca
from brokers.binance import Binance
from brokers.bybit import Bybit
from brokers.capabilities import Capabilities, Dust, Late, LookUp, Repeat
from brokers.coinbase import Coinbase
from brokers.kraken import Kraken
from brokers.okx import Okx
from models.errors import ConfigError
from models.fleet import Fleet
from models.history_plan import COINGECKO, POLYMARKET

VENUES: dict[str, tuple[type[Adapter], Capabilities]] = {
    row.venue: (adapter, row)
    for adapter, row in (
        (
            Kraken,
            Capabilities(
                venue="kraken",
                name="Kraken",
                buys_by_quantity=True,
                quotes=("USD", "EUR", "USDT", "USDC"),
                verified=True,
                repeat=Repeat.REFUSED_WHILE_OPEN,
                look_up=LookUp.IN_LISTS,
                late=Late.REFUSED,
                reports_permissions=True,
                reports_equity=True,
                candles_per_page=720,
                candles_kept=720,
                ordered_nonces=True,
                orders_per_read=50,
                documents="https://docs.kraken.com/api/",
            ),
        ),
        (
            Binance,
            Capabilities(
                venue="binance",
                name="Binance",
                buys_by_quantity=True,
                quotes=("USDT", "USDC", "FDUSD"),
                verified=True,
                repeat=Repeat.REFUSED_WHILE_OPEN,
                look_up=LookUp.BY_ID,
                late=Late.REFUSED,
                dust=Dust(into="BNB", assets_per_request=20),
                reports_permissions=True,
                candles_per_page=1000,
                documents="https://developers.binance.com/docs/binance-spot-api-docs/",
            ),
        ),
        (
            Coinbase,
            Capabilities(
                venue="coinbase",
                name="Coinbase Advanced",
                quotes=("USD", "USDC", "EUR", "GBP"),
                verified=True,
                repeat=Repeat.RETURNS_FIRST,
                look_up=LookUp.IN_LISTS,
                late=Late.REFUSED,
                reports_permissions=True,
                reports_equity=True,
                candles_per_page=300,
                documents="https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/",
            ),
        ),
        (
            Okx,
            Capabilities(
                venue="okx",
                name="OKX",
                buys_by_quantity=True,
                quotes=("USDT", "USDC", "USD", "EUR"),
                verified=True,
                repeat=Repeat.REFUSED_WHILE_OPEN,
                look_up=LookUp.BY_ID,
                late=Late.REFUSED,
                dust=Dust(into="USDT", assets_per_request=5, valid_seconds=30),
                reports_permissions=True,
                reports_equity=True,
                candles_per_page=300,
                needs_passphrase=True,
                documents="https://www.okx.com/docs-v5/en/",
            ),
        ),
        (
            Bybit,
            Capabilities(
                venue="bybit",
                name="Bybit",
                buys_by_quantity=True,
                quotes=("USDT", "USDC", "EUR"),
                verified=True,
                # Of derivatives it is documented that an id is free again once its order has ended; of spot nothing is.
                repeat=Repeat.REFUSED_WHILE_OPEN,
                look_up=LookUp.BY_ID,
                late=Late.REFUSED,
                dust=Dust(into="USDT", assets_per_request=20),
                reports_permissions=True,
                reports_equity=True,
                candles_per_page=1000,
                documents="https://bybit-exchange.github.io/docs/v5/intro",
            ),
        ),
        (
            Alpaca,
            Capabilities(
                venue="alpaca",
                name="Alpaca",
                buys_by_quantity=False,  # it refuses buys below 10 USD, and those that rid of dust are smaller
                quotes=("USD",),
                verified=True,
                repeat=Repeat.REFUSED,
                look_up=LookUp.BY_ID,
                late=Late.TAKEN,
                reports_equity=True,
                candles_per_page=10_000,
                checks_clock=False,
                markets_need_key=True,
                documents="https://docs.alpaca.markets/docs/crypto-trading",
            ),
        ),
    )
}


@cache
def capabilities_of(venue: str) -> Capabilities:
    """Return what a ccxt exchange id can do; what ccxt says of it where no adapter of ours is meant."""
    return VENUES[venue][1] if venue in VENUES else generic_capabilities(venue)


def adapter_for(venue: str) -> Adapter:
    """Return the adapter of a ccxt exchange id; the generic one where no venue of ours is meant."""
    adapter = VENUES[venue][0] if venue in VENUES else Adapter
    return adapter(capabilities_of(venue))


def check_venue(venue: str, where: str) -> None:
    """Refuse what is no ccxt exchange id. Raises: ConfigError naming the place and the nearest known ids."""
    if venue not in ccxt.exchanges:
        near = get_close_matches(venue, ccxt.exchanges, n=3)
        allowed = ", ".join(near) if near else f"{', '.join(VENUES)} or any other ccxt exchange id"
        raise ConfigError(where, f"unknown venue {venue!r}", allowed)


def check_venues(fleet: Fleet) -> tuple[str, ...]:
    """Refuse an unknown venue; return what an operator should know about the others.

    Raises: ConfigError naming the place and the nearest known ids.
    """
    warnings = []
    for place, account in enumerate(fleet.accounts):
        check_venue(account.venue, f"{fleet.path}: accounts[{place}].venue")
        if account.venue not in VENUES:
            warnings.append(
                f"GENERIC_VENUE: {account.id!r} is on {account.venue}, reached through ccxt alone: "
                "its order look-ups and balances are not verified by Nija",
            )
    for place, wanted in enumerate(fleet.history):
        if wanted.source not in {COINGECKO, POLYMARKET}:
            check_venue(wanted.source, f"{fleet.path}: history[{place}].source")
    return tuple(warnings)
