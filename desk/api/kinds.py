"""Kinds of values that routes take, held to what the store can keep."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from models.fleet import ACCOUNT_ID

LARGEST_ID = 2**31 - 1


def _printable(text: str) -> str:
    """Refuse what PostgreSQL does not keep, and what no person types into one line."""
    if not text.isprintable():
        raise ValueError("has a character in it that cannot be printed")
    return text


Line = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_printable)]
Symbol = Annotated[str, StringConstraints(min_length=3, max_length=60), AfterValidator(_printable)]
SearchText = Annotated[str, StringConstraints(max_length=100), AfterValidator(_printable)]
AccountPath = Annotated[str, Path(pattern=ACCOUNT_ID, description="The account's id.")]
AccountId = Annotated[str, Field(pattern=ACCOUNT_ID, description="The account's id.")]
IdPath = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Search = Annotated[SearchText, Query(description="A part of what is looked for.")]


class Because(BaseModel):
    """Why something is done; it is kept with who did it."""

    reason: Line


class SymbolBecause(Because):
    """A symbol, and why."""

    symbol: Symbol = Field(description="BASE/QUOTE, as in ETH/USD.")


class Done(BaseModel):
    """It is done."""

    done: bool = True
