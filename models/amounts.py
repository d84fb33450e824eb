"""Exact numbers: how a venue's number becomes a Decimal, is floored to a step, and is written out again."""

from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation

# No holding, price or order is as large: the most numerous coins there are count some 10^18. What is beyond it is a
# broken answer, and what is worth the product of two such numbers is still written out in full.
_TOO_LARGE = Decimal(10) ** 20
_IN_FULL = Context(prec=80)
_CENT_FRACTION = Decimal("1e-8")


def exact(raw: str | float | Decimal) -> Decimal:
    """Return one number as the venue wrote it.

    Raises: ValueError for nan, infinity, a number too large to be meant, and what is no number at all (booleans
    included).
    """
    if isinstance(raw, bool):
        raise ValueError(f"expected a number, found {raw!r}")  # noqa: TRY004 - a bad value, like "abc"
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        raise ValueError(f"expected a number, found {raw!r}") from None
    if not number.is_finite():
        raise ValueError(f"expected a finite number, found {raw!r}")
    if abs(number) >= _TOO_LARGE:
        raise ValueError(f"expected a number below {_TOO_LARGE:.0e}, found {raw!r}")
    return number


def floor_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `quantity`, both in base units.

    Raises: ValueError when `step` is not positive or `quantity` is negative.
    """
    if step <= 0:
        raise ValueError(f"expected a positive step, found {step}")
    if quantity < 0:
        raise ValueError(f"expected a quantity of zero or more, found {quantity}")
    return (quantity / step).to_integral_value(rounding=ROUND_DOWN) * step


def plain(number: Decimal) -> str:
    """Write a number without exponent and without trailing zeros: 0.00020000 -> "0.0002"."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def money(number: Decimal) -> str:
    """Write an amount of quote currency with at least two decimals and at most eight: 0.5 -> "0.50"."""
    text = plain(number.quantize(_CENT_FRACTION, context=_IN_FULL))
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.ljust(2, '0')}"
