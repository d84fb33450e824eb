"""What a person writes about a trade: why it was entered, how sure they were, why it ended, and what it taught."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator


def one_line(text: str) -> str:
    """Refuse what cannot be printed: PostgreSQL does not keep all of it, and nobody types it into one line."""
    if not text.isprintable():
        raise ValueError("has a character in it that cannot be printed")
    return text


def lines(text: str) -> str:
    """Refuse the same in a text of several lines; return it with one kind of line break."""
    told = text.replace("\r\n", "\n").replace("\r", "\n")
    one_line(told.replace("\n", " ").replace("\t", " "))
    return told


Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000), AfterValidator(lines)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(one_line)]


class JournalEntry(BaseModel):
    """One trade as its trader saw it. What is left out was not said, which is no number and no opinion.

    `entry_order`, `exit_order`: client order ids of the ledger. `confidence`: 1 to 10 before the trade; `rating`: 1 to
    5 stars after it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Name = ""
    symbol: Name = ""
    entry_order: Name = ""
    exit_order: Name = ""
    entry_reason: Words = ""
    confidence: Annotated[int, Field(ge=1, le=10)] | None = None
    exit_reason: Words = ""
    lessons: Words = ""
    rating: Annotated[int, Field(ge=1, le=5)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.entry_reason or self.exit_reason or self.lessons):
            raise ValueError("an entry says why a trade was entered, why it ended, or what it taught")
        return self


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry in the store. `version` changes with every edit: who edits names the one that they read."""

    entry_id: int
    entry: JournalEntry
    version: int
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which entries are meant; what is left out means all.

    `words`: a part of any text, in any case. `unfinished`: those alone that have no lessons yet.
    """

    words: str = ""
    account: str = ""
    symbol: str = ""
    order: str = ""
    least_rating: int | None = None
    least_confidence: int | None = None
    unfinished: bool = False
