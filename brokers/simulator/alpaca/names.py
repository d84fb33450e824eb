"""Name markets, write numbers and tell the time as Alpaca does."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.world import Listing

NEW_YORK = timezone(timedelta(hours=-5))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def text(number: Decimal | None) -> str | None:
    """Write an amount in full, without padding; null stays null."""
    return None if number is None else format(number.normalize() + 0, "f")


def loose(number: Decimal) -> float:
    """Write a number as market data has it: bare, so that JSON's float is its shortest form."""
    return float(number)


def without_slash(symbol: str) -> str:
    """Spell a symbol as positions do: BTCUSD."""
    return symbol.replace("/", "")


def symbols_by_name(listings: Iterable[Listing]) -> dict[str, str]:
    """Symbol of both spellings of a pair."""
    return {name: li.symbol for li in listings for name in (li.symbol, without_slash(li.symbol))}


def stamp(now_ms: int, within: int = 0) -> str:
    """Write an instant as orders have it; `within` tells those of one millisecond apart."""
    return f"{_EPOCH + timedelta(milliseconds=now_ms):%Y-%m-%dT%H:%M:%S}.{micros(now_ms, within) % 1_000_000:06d}Z"


def micros(now_ms: int, within: int = 0) -> int:
    """Return the microseconds of what `stamp` writes."""
    return now_ms * 1000 + within % 1000


def instant(params: dict[str, str], name: str) -> int | None:
    """Read an instant or a day, in microseconds; None where it was not sent. Raises: Refusal in the venue's words."""
    raw = params.get(name)
    if not raw:
        return None
    try:
        read = datetime.fromisoformat(raw)
    except ValueError as error:
        words = f"Invalid format for parameter {name}: error parsing '{raw}' as RFC3339 or 2006-01-02 time"
        raise Refusal(Reason.VERBATIM, words, status=400) from error
    return ((read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
