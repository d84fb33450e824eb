"""Which venues there are, and which adapter speaks to each."""

from difflib import get_close_matches

import ccxt.async_support as ccxt

from brokers.adapter import Adapter
from brokers.binance import Binance
from brokers.kraken import Kraken
from models.errors import ConfigError
from models.fleet import Fleet

_ADAPTERS: dict[str, type[Adapter]] = {"kraken": Kraken, "binance": Binance}


def adapter_for(venue: str) -> Adapter:
    """Return the adapter of a ccxt exchange id; the generic one where no venue of ours is meant."""
    return _ADAPTERS.get(venue, Adapter)(venue)


def check_venues(fleet: Fleet) -> tuple[str, ...]:
    """Refuse an unknown venue; return what an operator should know about the others.

    Raises: ConfigError naming the place and the nearest known ids.
    """
    warnings = []
    for place, account in enumerate(fleet.accounts):
        if account.venue not in ccxt.exchanges:
            near = get_close_matches(account.venue, ccxt.exchanges, n=3)
            allowed = ", ".join(near) if near else f"{', '.join(_ADAPTERS)} or any other ccxt exchange id"
            raise ConfigError(f"{fleet.path}: accounts[{place}].venue", f"unknown venue {account.venue!r}", allowed)
        if account.venue not in _ADAPTERS:
            warnings.append(
                f"GENERIC_VENUE: {account.id!r} is on {account.venue}, reached through ccxt alone: "
                "its order look-ups and balances are not verified by Nija",
            )
    return tuple(warnings)
