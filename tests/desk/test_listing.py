"""Lists as pages show them and files carry them."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from desk.listing import Column, Kind, Listing

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


@dataclass(frozen=True)
class Held:
    name: str
    worth: str | None
    since: datetime | None = None


HOLDINGS: Listing[Held] = Listing(
    "holdings",
    (
        Column("name", "Name", lambda held: held.name),
        Column("worth", "Worth", lambda held: held.worth, Kind.NUMBER),
        Column("since", "Since", lambda held: held.since, Kind.TIME),
    ),
    key=lambda held: held.name,
)
WRITTEN = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.lists(st.builds(Held, WRITTEN, st.none() | st.decimals(allow_nan=False, allow_infinity=False).map(str))))
def test_a_file_has_every_value_and_no_cell_that_a_spreadsheet_would_run(rows: list[Held]) -> None:
    heading, *lines = csv.reader(io.StringIO(HOLDINGS.csv(rows), newline=""))

    assert heading == ["Name", "Worth", "Since"]
    assert [line[0].removeprefix("'") for line in lines] == [row.name.removeprefix("'") for row in rows]
    assert [line[1] for line in lines] == [row.worth or "" for row in rows]  # a number below zero stays one
    for line in lines:
        assert not line[0].startswith(RUNS) or line[0].lstrip("+-").replace("_", "").replace(".", "")[:1].isdigit()


def test_a_formula_in_any_disguise_is_only_words() -> None:
    for formula in ("=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1"):
        line = HOLDINGS.csv([Held(formula, None)]).splitlines()[1]
        assert line.lstrip('"').startswith("'"), formula
    assert HOLDINGS.csv([Held("BTC", "-5.10")]).splitlines()[1] == "BTC,-5.10,"


@given(st.lists(st.none() | st.integers(-99, 99).map(str)), st.booleans())
def test_numbers_are_sorted_as_numbers_and_what_is_unknown_comes_last(
    worths: list[str | None], descending: bool
) -> None:
    rows = [Held(str(number), worth) for number, worth in enumerate(worths)]

    chosen = HOLDINGS.chosen(rows, sort="worth", descending=descending)

    known = [int(held.worth) for held in chosen if held.worth is not None]
    assert known == sorted(known, reverse=descending)
    assert all(held.worth is None for held in chosen[len(known) :])
    assert sorted(held.name for held in chosen) == sorted(held.name for held in rows)


def test_a_row_is_chosen_that_holds_every_word_somewhere_in_any_case() -> None:
    rows = [Held("Bitcoin", "900", datetime(2026, 3, 2, tzinfo=UTC)), Held("Ether", "900"), Held("bit", None)]

    assert HOLDINGS.chosen(rows, "BIT 900") == [rows[0]]
    assert HOLDINGS.chosen(rows, "2026-03") == [rows[0]]
    assert HOLDINGS.chosen(rows, "  ") == rows
    assert HOLDINGS.chosen(rows, sort="nobody's") == rows
