"""Read and write numbers as venues do: padded decimal strings, never an exponent."""

from decimal import ROUND_DOWN, Decimal, InvalidOperation
from functools import lru_cache

from brokers.simulator.refusals import Reason, Refusal


def padded(number: Decimal, places: int) -> str:
    """Write with exactly this many places, cutting the rest."""
    return format(number.quantize(_unit(places), ROUND_DOWN), "f")


def at_least(number: Decimal, places: int, most: int = 10) -> str:
    """Write with this many places, or more where the number has them."""
    exponent = number.normalize().as_tuple().exponent
    own = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return padded(number, min(max(own, places), max(most, places)))


def places_of(step: Decimal) -> int:
    """Places of a step: 0.01 has two."""
    exponent = step.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def parsed(params: dict[str, str], name: str) -> Decimal | None:
    """Read a decimal parameter; None where it was not sent. Raises: Refusal."""
    raw = params.get(name)
    if raw is None or raw == "":
        return None
    try:
        number = Decimal(raw)
    except InvalidOperation as error:
        raise Refusal(Reason.INVALID_ARGUMENT, name) from error
    if not number.is_finite():
        raise Refusal(Reason.INVALID_ARGUMENT, name)
    return number


def whole(params: dict[str, str], name: str, default: int) -> int:
    """Read an integer parameter. Raises: Refusal."""
    number = parsed(params, name)
    return default if number is None else int(number)


@lru_cache
def _unit(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)
