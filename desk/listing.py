"""A list as people see it: its columns, how it is filtered and sorted, and how it goes to a file.

Page, API and export share it, so a filtered table exports what it shows. A spreadsheet runs a cell that begins like a
formula: such a cell is exported with an apostrophe before it (OWASP, CSV injection).
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - Excel in Japanese reads the wide ones
_UNKNOWN = ""


class Kind(StrEnum):
    """How a column reads: numbers stand right, under each other, digit by digit."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    STATE = "state"  # one of few words, each with its tone
    LONG = "long"  # sentences, which may wrap


class Tone(StrEnum):
    """What a word means for who reads it; colour is never the only sign of it."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    INFO = "info"


@dataclass(frozen=True)  # with slots, Python 3.11 cannot call Column[Row](…)
class Column(Generic[Row]):
    """One column. `of`: the value that is sorted and exported; `shown`: its words on the page, where they differ.

    `order`: what it is sorted by in the place of its value, where words have a rank. `on_page` False: exported alone.
    """

    name: str
    label: str
    of: Callable[[Row], Any]
    kind: Kind = Kind.TEXT
    tone: Callable[[Row], Tone] | None = None
    shown: Callable[[Row], str] | None = None
    link: Callable[[Row], str] | None = None
    order: Callable[[Row], Any] | None = None
    on_page: bool = True

    def sorted_by(self, row: Row) -> Any:
        """Return what a row is sorted by; None: it is not known."""
        return _sortable(self.of(row), self.kind) if self.order is None else self.order(row)

    def words(self, row: Row) -> str:
        """Say what stands in the cell."""
        return in_words(self.of(row)) if self.shown is None else self.shown(row)


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """A list of one kind of rows. `key` tells rows apart; `name` is the file's."""

    name: str
    columns: tuple[Column[Row], ...]
    key: Callable[[Row], str]

    def column(self, name: str) -> Column[Row] | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def on_page(self) -> tuple[Column[Row], ...]:
        """The columns that a page shows."""
        return tuple(column for column in self.columns if column.on_page)

    def chosen(self, rows: Iterable[Row], words: str = "", sort: str = "", *, descending: bool = False) -> list[Row]:
        """Return the rows that hold every word of `words` somewhere, in order; what is unknown comes last."""
        wanted = words.casefold().split()
        found = [row for row in rows if self._holds(row, wanted)] if wanted else list(rows)
        column = self.column(sort)
        if column is None:
            return found
        known = [(value, row) for row in found if (value := column.sorted_by(row)) is not None]
        unknown = [row for row in found if column.sorted_by(row) is None]
        known.sort(key=lambda pair: pair[0], reverse=descending)
        return [row for _, row in known] + unknown

    def csv(self, rows: Iterable[Row]) -> str:
        """Write rows with a line of headings, as RFC 4180 has it."""
        file = io.StringIO()
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
        writer.writerow([column.label for column in self.columns])
        writer.writerows([_harmless(in_words(column.of(row), exactly=True)) for column in self.columns] for row in rows)
        return file.getvalue()

    def _holds(self, row: Row, wanted: Sequence[str]) -> bool:
        there = " ".join(column.words(row) for column in self.columns).casefold()
        return all(word in there for word in wanted)


def in_words(value: Any, *, exactly: bool = False) -> str:
    """Write a value; nothing for what is not known. Times in UTC, to the minute; `exactly`: RFC 3339, to the second."""
    match value:
        case None:
            return _UNKNOWN
        case bool():
            return "yes" if value else "no"
        case datetime():
            at = value.astimezone(UTC)
            return f"{at:%Y-%m-%dT%H:%M:%SZ}" if exactly else f"{at:%Y-%m-%d %H:%M}"
        case timedelta():
            return f"{value.total_seconds():.0f}" if exactly else str(value)
        case list() | tuple() | set() | frozenset():
            return ", ".join(in_words(one, exactly=exactly) for one in value)
        case _:
            return str(value)


def _sortable(value: Any, kind: Kind) -> Any:
    """Return what a value is sorted by; None: it is not known."""
    if value is None or value == "":
        return None
    if kind is Kind.NUMBER:
        return _number(value)
    return value if isinstance(value, datetime) else in_words(value).casefold()


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _harmless(text: str) -> str:
    is_number = _number(text) is not None and text == text.strip()
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text
