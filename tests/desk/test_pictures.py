"""Pictures: a calendar has a cell for each day, a line a dot for each point, and nothing of theirs is markup."""

import re
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from desk.pictures import Point, calendar, level_of, line
from models.history_report import DayReport, SeriesCoverage

LAST = date(2026, 3, 4)


def covered(days: list[tuple[int, int, int]], *, symbol: str = "BTC/USD") -> SeriesCoverage:
    """A series whose last day is a Wednesday; of each day what was expected, there and absent."""
    first = LAST - timedelta(days=len(days) - 1)
    reports = [
        DayReport(day=first + timedelta(days=number), expected=expected, there=there, absent=absent)
        for number, (expected, there, absent) in enumerate(days)
    ]
    sums = [sum(column) for column in zip(*days, strict=True)] or [0, 0, 0]
    return SeriesCoverage(
        source="kraken", symbol=symbol, timeframe="1h", expected=sums[0], there=sums[1], absent=sums[2], days=reports
    )


def cells(svg: str) -> dict[str, int]:
    """How many cells there are of each level."""
    counted: dict[str, int] = {}
    for element in ET.fromstring(svg):  # noqa: S314 - our own picture
        level = element.get("class", "")
        if element.tag == "rect":
            counted[level] = counted.get(level, 0) + 1
        elif element.tag == "path":
            counted[level] = counted.get(level, 0) + element.get("d", "").count("M")
    return counted


@given(
    st.lists(
        st.sampled_from([(24, 24, 0), (24, 23, 0), (24, 3, 0), (24, 0, 0), (24, 0, 24), (24, 20, 4)]), max_size=365
    )
)
def test_a_calendar_has_one_cell_for_each_day_and_those_before_it_are_not_asked_for(
    days: list[tuple[int, int, int]],
) -> None:
    found = cells(calendar(covered(days), until=LAST))

    levels = [level_of(DayReport(day=LAST, expected=e, there=t, absent=a)) for e, t, a in days]
    weekdays = 52 * 7 + LAST.weekday() + 1
    assert sum(found.values()) == weekdays
    assert {level: found.get(level, 0) for level in set(levels)} == {
        level: levels.count(level) for level in set(levels)
    }
    assert found.get("cell-0", 0) == weekdays - len(days)


def test_a_day_is_judged_by_what_can_be_there() -> None:
    judged = [((24, 24, 0), "cell-4"), ((24, 20, 4), "cell-4"), ((24, 22, 0), "cell-3"), ((24, 21, 0), "cell-2")]
    judged += [((24, 0, 0), "cell-1"), ((24, 0, 24), "cell-absent"), ((0, 0, 0), "cell-0")]
    for (expected, there, absent), level in judged:
        assert level_of(DayReport(day=LAST, expected=expected, there=there, absent=absent)) == level


def test_what_comes_from_outside_is_no_markup_in_a_picture() -> None:
    nasty = "</svg><script>alert(1)</script>"
    start = datetime(2026, 1, 1, tzinfo=UTC)

    drawn = calendar(covered([(24, 3, 0)], symbol=nasty)) + line([Point(start, 0.5, nasty)], name=nasty)

    assert "<script" not in drawn
    assert len(re.findall("</svg>", drawn)) == 2
    assert line([], name="nothing") == ""
