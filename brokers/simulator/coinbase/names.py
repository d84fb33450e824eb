"""Name markets, wallets and instants, and write numbers, as Coinbase does."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

from brokers.simulator.numbers import padded
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.wire import Call
from brokers.simulator.world import Listing

# How a world's balances are kept elsewhere than in the wallet that trades: SOL.S is staked, BTC.V is in a vault.
STAKED, VAULT = "S", "V"
_PLACES = 16


def product_id(listing: Listing) -> str:
    """Market's id: BTC-USD."""
    return f"{listing.base}-{listing.quote}"


def place_of(asset: str) -> tuple[str, str]:
    """Split an asset of the world into its currency and where it is kept; empty: in the wallet that trades."""
    currency, _, kept = asset.partition(".")
    return currency, kept


def amount(number: Decimal) -> str:
    """Write a balance with sixteen places."""
    return padded(number, _PLACES)


def shortest(number: Decimal) -> str:
    """Write an order's number without a needless zero, at most sixteen places."""
    written = padded(number, _PLACES)
    return written.rstrip("0").rstrip(".") if "." in written else written


def iso(at_ms: int) -> str:
    """Write an instant: 2023-01-18T01:37:37.975000Z."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant_ms(call: Call, name: str) -> int | None:
    """Read an RFC 3339 parameter; None where it was not sent. Raises: Refusal."""
    raw = call.params.get(name)
    if not raw:
        return None
    try:
        told = datetime.fromisoformat(raw)
    except ValueError as error:
        raise Refusal(Reason.INVALID_ARGUMENT, name) from error
    return int((told if told.tzinfo is not None else told.replace(tzinfo=UTC)).timestamp() * 1000)


def made_up(*parts: str) -> str:
    """Make an id that is the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, ":".join(parts)))
