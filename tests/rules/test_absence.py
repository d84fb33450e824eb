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
    said = explain(Answer(hours(0, 6), at(0, 1, 4, 5)), HOUR, unexplained=None, known_before=False, known_after=False)

    assert said.absences == ((hours(2, 4), Absence.NO_TRADE),)
    assert said.open is None


def test_what_is_missing_after_the_last_row_waits_for_the_next_answer() -> None:
    first = explain(Answer(hours(0, 6), at(0, 1, 2)), HOUR, unexplained=None, known_before=True, known_after=False)
    second = explain(Answer(hours(6, 9), at(7, 8)), HOUR, unexplained=first.open, known_before=True, known_after=False)

    assert (first.absences, first.open) == (NOTHING, hours(3, 6))
    assert (second.absences, second.open) == (((hours(3, 7), Absence.NO_TRADE),), None)


def test_an_empty_answer_explains_nothing_by_itself() -> None:
    said = explain(Answer(hours(0, 6), []), HOUR, unexplained=None, known_before=True, known_after=True)

    assert (said.absences, said.open) == (NOTHING, hours(0, 6))


def test_answers_without_a_row_before_the_first_candle_of_all_are_before_a_listing() -> None:
    empty = explain(Answer(hours(0, 6), []), HOUR, unexplained=None, known_before=False, known_after=False)
    first = explain(Answer(hours(6, 9), at(8)), HOUR, unexplained=empty.open, known_before=False, known_after=False)

    assert first.absences == ((hours(0, 8), Absence.NOT_THERE),)


def test_what_the_source_says_it_does_not_keep_is_not_there() -> None:
    answer = Answer(hours(0, 6), at(4, 5), reaches_back_to=3 * 3600 + 5)

    said = explain(answer, HOUR, unexplained=None, known_before=True, known_after=False)

    assert said.absences == ((hours(0, 4), Absence.NOT_THERE),)


def test_a_source_that_keeps_nothing_of_what_was_asked_has_said_so() -> None:
    said = explain(
        Answer(hours(0, 6), [], reaches_back_to=99 * 3600), HOUR, unexplained=None, known_before=True, known_after=True
    )

    assert (said.absences, said.open) == (((hours(0, 6), Absence.NOT_THERE),), None)


@given(
    st.sets(st.integers(0, 19)),
    st.none() | st.integers(0, 25),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(-5, -1),
)
def test_every_time_is_there_or_explained_or_open_and_never_two_of_them(
    there: set[int], back: int | None, before: bool, after: bool, earlier: int | None
) -> None:
    answer = Answer(hours(0, 20), at(*there), None if back is None else back * 3600)
    unexplained = None if earlier is None else hours(earlier, 0)

    said = explain(answer, HOUR, unexplained=unexplained, known_before=before, known_after=after)

    spans = [span for span, _ in said.absences] + ([] if said.open is None else [said.open])
    covered = [hour for span in spans for hour in range(span.start // 3600, span.end // 3600)] + list(there)
    assert sorted(covered) == list(range(0 if earlier is None else earlier, 20))


def test_a_candle_is_due_a_minute_after_its_end() -> None:
    assert due(Span(10, 10 * 3600), HOUR, 5 * 3600 + 59) == hours(1, 4)
    assert due(Span(10, 10 * 3600), HOUR, 5 * 3600 + 60) == hours(1, 5)
    assert due(hours(0, 3), HOUR, 9 * 3600) == hours(0, 3)
