"""What an operator asks about: an account, a symbol and an amount, checked before anything is opened."""

from decimal import Decimal
from typing import Annotated

import typer

from models.amounts import exact
from models.errors import ConfigError

SymbolOption = Annotated[str, typer.Option("--symbol", metavar="BASE/QUOTE", help="What it would buy.")]
UsdOption = Annotated[
    str, typer.Option("--usd", metavar="AMOUNT", help="For how much, in the account's quote currency.")
]


def as_symbol(raw: str) -> str:
    """Return a symbol as it was given. Raises: ConfigError for what is none."""
    if raw.count("/") != 1 or not all(raw.split("/")):
        raise ConfigError("--symbol", f"{raw!r} is no symbol", "BASE/QUOTE, as in ETH/USD")
    return raw


def as_amount(raw: str) -> Decimal:
    """Return a positive amount. Raises: ConfigError."""
    try:
        amount = exact(raw)
    except ValueError as error:
        raise ConfigError("--usd", str(error), "a positive amount") from None
    if amount <= 0:
        raise ConfigError("--usd", f"{raw} is not positive", "a positive amount")
    return amount
