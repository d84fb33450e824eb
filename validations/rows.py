"""Write positions and prices as rows of a frame, and find what no frame can hold: wrong types, naive times, nan."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from models.market import Price
from models.position import Position
from validations.frames import Breach

Row = dict[str, Any]  # by column: floats, texts, bools and times


def position_row(position: Position, known: frozenset[str], now: datetime, max_age: timedelta, *, account: str) -> Row:
    """Write a position as a row of a `PositionFrame`."""
    holding, price, value = position.holding, position.price, position.value
    age = math.nan if price is None else (now - price.at).total_seconds()
    return {
        "account": account,
        "symbol": position.symbol,
        "asset": holding.asset,
        "free": float(holding.free),
        "held": float(holding.held),
        "locked": float(holding.locked),
        "quantity": float(holding.total),
        "is_valued": price is not None,
        "price": math.nan if price is None else float(price.value),
        "value": math.nan if value is None else float(value),
        "price_at": None if price is None else price.at,
        "age_seconds": age,
        "stale_in_seconds": max_age.total_seconds() - age,
        "is_known": holding.asset in known,
    }


def price_row(symbol: str, price: Price, now: datetime, max_age: timedelta) -> Row:
    """Write a price as a row of a `PriceFrame`."""
    age = (now - price.at).total_seconds()
    return {
        "symbol": symbol,
        "price": float(price.value),
        "at": price.at,
        "age_seconds": age,
        "stale_in_seconds": max_age.total_seconds() - age,
    }


def position_problems(position: Position) -> Iterator[Breach]:
    """Find what a frame of positions cannot hold: it would turn a bool into 1.0 and a naive time into UTC."""
    holding = position.holding
    if not isinstance(position.symbol, str) or not isinstance(holding.asset, str):
        yield Breach.WRONG_TYPE
    found = {problem for number in (holding.free, holding.held, holding.locked) for problem in number_problems(number)}
    yield from sorted(found)
    if position.price is not None:
        yield from (p for p in price_problems(position.price) if p not in found)


def price_problems(price: Price | None) -> Iterator[Breach]:
    """Find why a price cannot stand in a frame."""
    if price is None or price.value is None:
        yield Breach.MISSING
        return
    yield from number_problems(price.value)
    if not isinstance(price.at, datetime):
        yield Breach.WRONG_TYPE
    elif price.at.utcoffset() is None:
        yield Breach.NAIVE_TIME


def number_problems(number: object) -> Iterator[Breach]:
    """Find why a number cannot become a float: only a finite Decimal can."""
    if not isinstance(number, Decimal):
        yield Breach.WRONG_TYPE
    elif not number.is_finite() or math.isinf(float(number)):
        yield Breach.NOT_FINITE
