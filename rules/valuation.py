"""Value holdings in the account's quote currency. Pure: what cannot be valued is kept, with the reason."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from models.amounts import plain
from models.freeze import WORDS
from models.market import Market, Price
from models.position import Holding, Position
from models.reasons import FreezeCause, NoPrice

CLOCK_SKEW = timedelta(seconds=60)  # a price from further ahead than this proves nothing about its age


def value_holdings(
    holdings: Iterable[Holding],
    *,
    quote: str,
    markets: Mapping[str, Market],
    prices: Mapping[str, Price],
    now: datetime,
    max_price_age: timedelta,
) -> tuple[Position, ...]:
    """Return one position for every non-cash holding that is there, sorted by symbol.

    The quote asset is cash and is left out. An inactive market with a usable price still values its holding.
    """
    positions = (
        _position(h, f"{h.asset}/{quote}", markets=markets, prices=prices, now=now, max_price_age=max_price_age)
        for h in holdings
        if h.asset != quote and (h.free or h.held or h.locked)
    )
    return tuple(sorted(positions, key=lambda p: p.symbol))


def price_problem(price: Price | None, *, now: datetime, max_price_age: timedelta) -> NoPrice | None:
    """Say why a price values nothing; None when it can be used. A time without a zone is of unknown age: stale."""
    if price is None:
        return NoPrice.NO_TICKER
    if not price.value.is_finite():
        return NoPrice.NOT_FINITE
    if price.value <= 0:
        return NoPrice.NOT_POSITIVE
    if price.at.utcoffset() is None or not -CLOCK_SKEW <= now - price.at <= max_price_age:
        return NoPrice.STALE
    return None


def _position(
    holding: Holding,
    symbol: str,
    *,
    markets: Mapping[str, Market],
    prices: Mapping[str, Price],
    now: datetime,
    max_price_age: timedelta,
) -> Position:
    if symbol not in markets:
        return Position(symbol, holding, no_price=NoPrice.NO_MARKET)
    price = prices.get(symbol)
    problem = price_problem(price, now=now, max_price_age=max_price_age)
    if problem is not None:
        return Position(symbol, holding, no_price=problem)
    return Position(symbol, holding, price=price)


def unvalued_words(position: Position) -> str:
    """Say how much is held that has no usable price, and why it has none."""
    why = WORDS[FreezeCause(position.no_price)] if position.no_price else "it has no usable price"
    return f"{plain(position.holding.total)} held, {why}: it counts, and is never sold without a price"
