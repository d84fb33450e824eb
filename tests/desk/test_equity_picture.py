"""The picture of an account's worth: well formed, and its points between its lines, whatever they are."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from desk.equity_picture import equity_picture
from desk.views.accounts import EquityView

START = datetime(2026, 3, 1, tzinfo=UTC)
amounts = st.decimals("-1000000000", "1000000000", places=2)


@given(st.lists(st.tuples(amounts, st.timedeltas(timedelta(0), timedelta(days=400))), min_size=1, max_size=90))
def test_every_point_is_drawn_inside_the_picture(found: list[tuple[object, timedelta]]) -> None:
    ordered = sorted(found, key=lambda one: one[1])
    points = [EquityView(at=START + after, cash="1.00", equity=f"{worth}") for worth, after in ordered]

    drawn = ET.fromstring(equity_picture(points, "USD"))  # noqa: S314 - our own

    (line,) = drawn.iter("polyline")
    places = [tuple(map(float, pair.split(","))) for pair in str(line.get("points")).split()]
    assert len(places) == len(points)
    assert all(72 <= x <= 948 and 12 <= y <= 194 for x, y in places)
    assert "from" in str(drawn.get("aria-label"))


def test_nothing_is_drawn_of_nothing() -> None:
    assert equity_picture([], "USD") == ""
