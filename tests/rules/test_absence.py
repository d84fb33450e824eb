"""A hole in an answer is explained only where the source shows that it knows the time around it."""

from hypothesis import given
from hypothesis import strategies as st

from models.history import Absence, Span, Timeframe
from rules.absence import Answer, due, explain

HOUR = Timeframe(3600)
NOTHING: tuple[tuple[Span, Absence], ...] = ()


def hours(start: int, end: int) -> Span:
    return Span(start * 3600, end * 3600)


def at(*numbers: int) -> list[int]:
    return [number * 3600 for number in numbers]


def test_what_is_missing_between_two_rows_was_not_traded() -> None:
    said = explain(Answer(hours(0, 6), at(0, 1, 4, 5)), HOUR, unexplained=None, stored=None)

    assert said.absences == ((hours(2, 4), Absence.NO_TRADE),)
    assert said.open is None


def test_what_is_missing_after_the_last_row_waits_for_the_next_answer() -> None:
    first = explain(Answer(hours(0, 6), at(0, 1, 2)), HOUR, unexplained=None, stored=hours(-9, 0))
    second = explain(Answer(hours(6, 9), at(7, 8)), HOUR, unexplained=first.open, stored=hours(-9, 3))

    assert (first.absences, first.open) == (NOTHING, hours(3, 6))
    assert (second.absences, second.open) == (((hours(3, 7), Absence.NO_TRADE),), None)


def test_an_empty_answer_explains_nothing_by_itself() -> None:
    said = explain(Answer(hours(0, 6), []), HOUR, unexplained=None, stored=hours(-9, 99))

    assert (said.absences, said.open) == (NOTHING, hours(0, 6))


def test_what_comes_before_the_first_candle_is_not_there_when_the_source_has_shown_that_candle_twice() -> None:
    torn = explain(Answer(hours(0, 9), at(7, 8)), HOUR, unexplained=None, stored=None)
    empty = explain(Answer(hours(0, 6), []), HOUR, unexplained=None, stored=hours(7, 9))
    again = explain(Answer(hours(6, 8), at(7)), HOUR, unexplained=empty.open, stored=hours(7, 9))

    assert (torn.absences, torn.open) == (NOTHING, None)
    assert again.absences == ((hours(0, 7), Absence.NOT_THERE),)


def test_what_the_source_says_it_does_not_keep_is_not_there() -> None:
    answer = Answer(hours(0, 6), at(4, 5), reaches_back_to=3 * 3600 + 5)

    said = explain(answer, HOUR, unexplained=None, stored=hours(-9, 0))

    assert said.absences == ((hours(0, 4), Absence.NOT_THERE),)


def test_a_source_that_keeps_nothing_of_what_was_asked_has_said_so() -> None:
    said = explain(Answer(hours(0, 6), [], reaches_back_to=99 * 3600), HOUR, unexplained=None, stored=hours(-9, 99))

    assert (said.absences, said.open) == (((hours(0, 6), Absence.NOT_THERE),), None)


@given(
    st.sets(st.integers(0, 19)),
    st.none() | st.integers(0, 25),
    st.none() | st.tuples(st.integers(-9, 10), st.integers(10, 30)),
    st.none() | st.integers(-5, -1),
)
def test_no_time_is_explained_that_is_there_or_was_not_asked_for_and_none_twice(
    there: set[int], back: int | None, stored: tuple[int, int] | None, earlier: int | None
) -> None:
    answer = Answer(hours(0, 20), at(*there), None if back is None else back * 3600)
    unexplained = None if earlier is None else hours(earlier, 0)

    said = explain(answer, HOUR, unexplained=unexplained, stored=None if stored is None else hours(*stored))

    spans = [span for span, _ in said.absences] + ([] if said.open is None else [said.open])
    covered = [hour for span in spans for hour in range(span.start // 3600, span.end // 3600)] + list(there)
    asked = set(range(0 if earlier is None else earlier, 20))
    assert len(covered) == len(set(covered))
    assert set(covered) <= asked
    left = asked - set(covered)
    assert left == set(range(min(left), min(there))) if left else True, "only what comes before the first row of all"


def test_a_candle_is_due_a_minute_after_its_end() -> None:
    assert due(Span(10, 10 * 3600), HOUR, 5 * 3600 + 59) == hours(1, 4)
    assert due(Span(10, 10 * 3600), HOUR, 5 * 3600 + 60) == hours(1, 5)
    assert due(hours(0, 3), HOUR, 9 * 3600) == hours(0, 3)
