"""Every price of Polymarket that came is accepted or rejected with its reasons."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.history import POINT_COLUMNS, Judged, Rejected, Series, Span, Timeframe, Why
from validations.points import judge_points

HOUR = 3600
START = 1_767_225_600  # 2026-01-01
TOKEN = Series("polymarket", "123", Timeframe(HOUR))


def judged(*points: tuple[Any, Any], **more: Any) -> Judged:
    asked = Span(START, START + 24 * HOUR)
    rows = pd.DataFrame(points, columns=list(POINT_COLUMNS))
    return judge_points(TOKEN, asked, rows, now=datetime.fromtimestamp(asked.end, UTC), **more)


def at(hour: int) -> int:
    return START + hour * HOUR


def test_prices_are_accepted_sorted_from_nought_to_one() -> None:
    judgement = judged((at(2), 1), (at(0), 0.0), (at(1), 0.265))

    assert judgement.accepted.to_dict("list") == {"time": [at(0), at(1), at(2)], "price": [0.0, 0.265, 1.0]}
    assert judgement.rejected == ()


def test_a_probability_that_leaps_is_news() -> None:
    assert (
        judged(*((at(n), 0.01) for n in range(5)), (at(5), 0.99), *((at(n), 0.01) for n in range(6, 9))).rejected == ()
    )


@pytest.mark.parametrize(
    ("point", "why"),
    [
        ((at(1), 1.01), (Why.BAD_ROW,)),
        ((at(1), -0.01), (Why.NOT_POSITIVE,)),
        ((at(1), math.nan), (Why.NOT_A_NUMBER,)),
        ((at(1), "0.5"), (Why.NOT_A_NUMBER,)),
        ((None, 0.5), (Why.NOT_A_NUMBER,)),
        ((at(1) + 7, 0.5), (Why.OFF_GRID,)),
        ((at(24), 0.5), (Why.NOT_ASKED,)),
        ((at(25), 0.5), (Why.FUTURE, Why.NOT_ASKED)),
        ((at(0), 0.4), (Why.DUPLICATE,)),
    ],
)
def test_a_bad_price_is_rejected_with_its_reasons_and_costs_no_other(
    point: tuple[Any, Any], why: tuple[Why, ...]
) -> None:
    judgement = judged((at(0), 0.4), point, (at(2), 0.6))

    assert judgement.accepted["time"].tolist() == [at(0), at(2)]
    assert [rejected.why for rejected in judgement.rejected] == [why]


def test_of_two_prices_that_contradict_each_other_neither_is_kept() -> None:
    judgement = judged((at(0), 0.4), (at(0), 0.5), (at(1), 0.5))

    assert judgement.accepted["time"].tolist() == [at(1)]
    assert [rejected.why for rejected in judgement.rejected] == [(Why.DUPLICATE,), (Why.DUPLICATE,)]


def test_what_has_not_the_shape_is_kept_as_it_came() -> None:
    assert judged(bad=[("[]", Why.BAD_ROW)]).rejected == (Rejected({"row": "[]"}, (Why.BAD_ROW,)),)


times = st.one_of(st.integers(0, 6).map(at), st.sampled_from([at(0) + 7, at(99), -1, None, math.nan, math.inf, "x"]))
values = st.one_of(
    st.sampled_from([0.1, 0.2]), st.sampled_from([-1, 2, None, math.nan, math.inf, True, 10**400, "0.5"])
)


@given(st.lists(st.tuples(times, values), max_size=12))
@settings(max_examples=40, deadline=None)
def test_every_price_that_came_is_accepted_or_rejected(points: list[tuple[Any, Any]]) -> None:
    judgement = judged(*points)

    assert len(judgement.accepted) + len(judgement.rejected) == len(points)
    assert judgement.accepted["time"].is_unique
    assert judgement.accepted["price"].between(0, 1).all()
    assert all(rejected.why for rejected in judgement.rejected)
    json.loads(json.dumps([rejected.row for rejected in judgement.rejected]), parse_constant=pytest.fail)
