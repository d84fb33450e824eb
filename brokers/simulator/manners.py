"""What each simulated venue is like, whatever its wire format: money, sizes, ids, and what a client id promises.

A new venue is a name and a row here, its wire format in a file or folder of its own, and a row in `server.py`.
"""

import hashlib
import uuid
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

FIAT = frozenset({"USD", "EUR", "GBP", "CAD", "AUD", "JPY", "CHF"})


class VenueName(StrEnum):
    """Which venue's wire format is spoken."""

    KRAKEN = "kraken"
    BINANCE = "binance"
    COINBASE = "coinbase"
    OKX = "okx"
    ALPACA = "alpaca"
    BYBIT = "bybit"
    COINGECKO = "coingecko"
    POLYMARKET = "polymarket"


class Commission(StrEnum):
    """What a fee is taken off where the world does not say."""

    QUOTE = "quote"
    RECEIVED = "received"


class ClientIds(StrEnum):
    """Among which orders of an account a client order id must be the only one."""

    OPEN = "open"
    EVER = "ever"


class KeyShape(StrEnum):
    """What the keys of a venue look like."""

    SECRET = "secret"  # noqa: S105 - a key and a shared secret
    PASSPHRASE = "passphrase"  # noqa: S105 - and a passphrase
    EC_KEY = "ec_key"  # the secret is a private key on P-256, in PEM


# Id of an order or fill: ("order" | "fill", seed, running number) -> id.
IdMaker = Callable[[str, int, int], str]


def letters(kind: str, seed: int, number: int) -> str:
    """Kraken's shape: OQCLML-BW3P3-BUCMWZ."""
    first = kind[0].upper() if kind == "order" else "T"
    drawn = b32encode(hashlib.blake2b(f"{first}:{seed}:{number}".encode(), digest_size=10).digest()).decode()
    return f"{first}{drawn[:5]}-{drawn[5:10]}-{drawn[10:16]}"


def plain_number(_kind: str, _seed: int, number: int) -> str:
    """Binance's shape: the running number."""
    return str(number)


def long_number(_kind: str, _seed: int, number: int) -> str:
    """Nineteen digits that grow, as OKX and Bybit number their orders."""
    return str(1_400_000_000_000_000_000 + number)


def uuids(kind: str, seed: int, number: int) -> str:
    """Coinbase's and Alpaca's shape: a UUID."""
    return str(uuid.UUID(bytes=hashlib.blake2b(f"{kind}:{seed}:{number}".encode(), digest_size=16).digest(), version=4))


@dataclass(frozen=True, slots=True)
class DustDesk:
    """What small balances are turned into at once, up to which worth each, and what the venue keeps of it."""

    into: str
    most_quote: Decimal
    fee_fraction: Decimal


@dataclass(frozen=True, slots=True)
class Manners:
    """Amounts in quote units are what sizes are worth where the world leaves them out."""

    quote: str  # cash of its accounts, as a rule
    ids: IdMaker
    keys: KeyShape = KeyShape.SECRET
    commission: Commission = Commission.QUOTE
    client_ids: ClientIds = ClientIds.OPEN
    step_quote: Decimal | None = None  # worth of a lot step; None: the finest there is
    minimum_quote: Decimal | None = None  # worth of the least quantity; None: one lot step
    min_notional: Decimal = Decimal(0)  # zero: the venue states none
    dust: DustDesk | None = None  # None: the venue converts none
    places: int = 8  # decimals an asset is kept with
    fiat_places: int = 8

    def decimals(self, asset: str) -> int:
        """Return the places the venue keeps of an asset."""
        return self.fiat_places if asset.split(".", maxsplit=1)[0] in FIAT else self.places


MANNERS: dict[VenueName, Manners] = {
    # What venues really ask for: about 5 USD of least quantity at Kraken, half a dollar of step at Binance.
    VenueName.KRAKEN: Manners(
        quote="USD",
        ids=letters,
        minimum_quote=Decimal(5),
        min_notional=Decimal("0.5"),
        places=10,
        fiat_places=4,
    ),
    VenueName.BINANCE: Manners(
        quote="USDT",
        ids=plain_number,
        commission=Commission.RECEIVED,
        step_quote=Decimal("0.5"),
        min_notional=Decimal(5),
        dust=DustDesk("BNB", Decimal(10), Decimal("0.02")),
    ),
    VenueName.COINBASE: Manners(
        quote="USD",
        ids=uuids,
        keys=KeyShape.EC_KEY,
        client_ids=ClientIds.EVER,
        step_quote=Decimal("0.01"),
        min_notional=Decimal(1),
        places=16,
        fiat_places=10,
    ),
    VenueName.OKX: Manners(
        quote="USDT",
        ids=long_number,
        keys=KeyShape.PASSPHRASE,
        commission=Commission.RECEIVED,
        step_quote=Decimal("0.01"),
        minimum_quote=Decimal(1),
        dust=DustDesk("USDT", Decimal(10), Decimal(0)),
        places=16,
    ),
    VenueName.ALPACA: Manners(
        quote="USD",
        ids=uuids,
        commission=Commission.RECEIVED,
        client_ids=ClientIds.EVER,
        minimum_quote=Decimal(1),
        places=9,
        fiat_places=9,
    ),
    VenueName.BYBIT: Manners(
        quote="USDT",
        ids=long_number,
        commission=Commission.RECEIVED,
        step_quote=Decimal("0.1"),
        min_notional=Decimal(5),
        dust=DustDesk("USDT", Decimal(10), Decimal("0.02")),
        places=16,
    ),
}

# They tell prices and trade nothing.
READ_ONLY: dict[VenueName, Manners] = {
    VenueName.COINGECKO: Manners(quote="USD", ids=plain_number),
    VenueName.POLYMARKET: Manners(quote="USDC", ids=plain_number),
}


def manners_of(venue: VenueName) -> Manners:
    """Return what a venue, or a source of prices, is like."""
    return MANNERS[venue] if venue in MANNERS else READ_ONLY[venue]
