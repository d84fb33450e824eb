"""Name assets and pairs as Kraken does: the old ones with X and Z in front, the new ones plainly."""

from collections.abc import Iterable
from dataclasses import dataclass

from brokers.simulator.world import Listing

_CRYPTO = ("ETH", "XRP", "LTC", "XLM", "XMR", "ZEC", "ETC", "REP", "MLN")
_FIAT = ("USD", "EUR", "GBP", "CAD", "JPY", "AUD")
_ALTNAMES = {"BTC": "XBT", "DOGE": "XDG"}
_IDS = {
    **{code: f"X{code}" for code in _CRYPTO},
    **{code: f"Z{code}" for code in _FIAT},
    **{code: f"X{altname}" for code, altname in _ALTNAMES.items()},
}
# Listed after Kraken had dropped the prefixes for new pairs, although both its assets carry one.
_PLAIN_PAIRS = frozenset({"XDGUSD", "XDGEUR"})


@dataclass(frozen=True, slots=True)
class PairNames:
    """The three names of a pair."""

    id: str
    altname: str
    wsname: str


def altname(code: str) -> str:
    """Asset's short name: BTC is XBT, BTC.F is XBT.F."""
    base, dot, suffix = code.partition(".")
    return f"{_ALTNAMES.get(base, base)}{dot}{suffix}"


def asset_id(code: str) -> str:
    """Asset's key in answers: BTC is XXBT; one with a suffix keeps its short name."""
    return altname(code) if "." in code else _IDS.get(code, code)


def pair_names(listing: Listing) -> PairNames:
    """Names of a market's pair."""
    base, quote = altname(listing.base), altname(listing.quote)
    short = base + quote
    old = listing.base in _IDS and listing.quote in _IDS and short not in _PLAIN_PAIRS
    key = asset_id(listing.base) + asset_id(listing.quote) if old else short
    return PairNames(key, short, f"{base}/{quote}")


def symbols_by_name(listings: Iterable[Listing]) -> dict[str, str]:
    """Symbol of every name a pair is known by."""
    return {
        name: listing.symbol
        for listing in listings
        for names in [pair_names(listing)]
        for name in (names.id, names.altname, names.wsname)
    }
