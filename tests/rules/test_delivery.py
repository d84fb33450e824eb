"""Quiet hours end, pauses grow, and what is told first is what is critical."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alert import Severity
from models.channel import Delivery, DeliveryState, QuietHours, Word
from rules.delivery import LONGEST_PAUSE, pause_after, quiet_until
from rules.telling import HANDFUL, MOST_LINES, REPEATED, together, told

NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

minutes = st.times().map(lambda t: t.replace(second=0, microsecond=0, tzinfo=None))
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001
severities = st.sampled_from(Severity)


def a_delivery(number: int = 1, **fields: Any) -> Delivery:
    given: dict[str, Any] = {
        "delivery_id": number,
        "event": f"operational:{number}:warning",
        "channel": "ops",
        "word": Word.RAISED,
        "kind": "operational",
        "severity": Severity.WARNING,
        "title": "BALANCE_STALE alice",
        "message": "20 min old",
        "happened_at": NOW,
        "state": DeliveryState.DUE,
        "attempts": 0,
        "last_tried_at": None,
        "next_at": NOW,
        "held_until": None,
        "reason": "",
        "sent_at": None,
    }
    return Delivery(**(given | fields))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 1, 5, 20, 59, tzinfo=UTC), None),
        (datetime(2026, 1, 5, 21, 0, tzinfo=UTC), datetime(2026, 1, 6, 6, tzinfo=UTC)),
        (datetime(2026, 1, 6, 5, 59, tzinfo=UTC), datetime(2026, 1, 6, 6, tzinfo=UTC)),
        (datetime(2026, 1, 6, 6, 0, tzinfo=UTC), None),
        (datetime(2026, 3, 28, 21, 0, tzinfo=UTC), datetime(2026, 3, 29, 5, tzinfo=UTC)),  # the clock goes ahead
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, tzinfo=UTC)),  # and back
    ],
)
def test_a_night_is_quiet_by_the_clock_on_the_wall(now: datetime, until: datetime | None) -> None:
    assert quiet_until(NIGHT, now) == until


def test_hours_within_a_day_are_quiet_too_and_none_are_never() -> None:
    siesta = QuietHours(time(13), time(15))

    assert quiet_until(siesta, NOW.replace(hour=14)) == NOW.replace(hour=15)
    assert quiet_until(siesta, NOW) is None
    assert quiet_until(None, NOW) is None


def test_in_the_hour_that_comes_twice_the_end_ahead_counts() -> None:
    """At 02:15 of the second time round, 02:30 is a quarter of an hour away."""
    early = QuietHours(time(1), time(2, 30), "Europe/Berlin")

    assert quiet_until(early, datetime(2026, 10, 25, 1, 15, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(minutes, minutes, zones, instants)
def test_quiet_hours_always_end_and_it_is_not_quiet_then(start: time, end: time, zone: str, now: datetime) -> None:
    quiet = QuietHours(start, end, zone)
    until = quiet_until(quiet, now)

    if until is not None:
        assert now < until <= now + timedelta(hours=26)
        assert quiet_until(quiet, until) is None


def test_pauses_grow_to_an_hour_and_no_further() -> None:
    pauses = [pause_after(n) for n in range(1, 60)]

    assert [pause.total_seconds() for pause in pauses[:4]] == [30, 60, 120, 240]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


@given(st.lists(st.tuples(severities, st.integers(0, 9), st.booleans()), min_size=1, max_size=30))
def test_what_is_told_next_is_of_what_is_due_in_its_order_and_critical_first(
    rows: list[tuple[Severity, int, bool]],
) -> None:
    due = [
        a_delivery(number, severity=severity, attempts=tries, held_until=NOW if held else None)
        for number, (severity, tries, held) in enumerate(rows)
    ]

    chosen = list(together(due))

    assert chosen
    assert [one for one in due if one in chosen] == chosen
    untried = [one for one in due if one.attempts == 0] or due
    assert all(one.is_urgent for one in chosen) is any(one.is_urgent for one in untried)


def test_a_handful_comes_one_by_one_and_more_in_one_message() -> None:
    few, many = [a_delivery(n) for n in range(HANDFUL)], [a_delivery(n) for n in range(HANDFUL + 1)]

    assert (len(together(few)), len(together(many))) == (1, HANDFUL + 1)


def test_what_failed_many_times_goes_alone_and_after_what_was_not_tried() -> None:
    stubborn = [a_delivery(n, attempts=6) for n in range(9)]

    assert together([*stubborn, a_delivery(9)]) == [a_delivery(9)]
    assert together(stubborn) == stubborn[:1]


def test_a_message_of_many_is_as_severe_as_the_worst_and_not_longer_than_services_take() -> None:
    many = [a_delivery(n, message="x" * 9999) for n in range(99)]

    message = told([*many, a_delivery(100, severity=Severity.CRITICAL)])

    assert message.severity is Severity.CRITICAL
    assert len(message.body.splitlines()) == MOST_LINES + 2
    assert len(message.body) < 12_000


def test_a_message_says_when_it_may_be_a_repetition_and_when_its_matter_is_over() -> None:
    over = told([a_delivery(was_interrupted=True, over_at=NOW + timedelta(minutes=5))])

    assert REPEATED in over.body
    assert "it is over since 2026-03-02 12:05 UTC" in over.body
    assert told([a_delivery(word=Word.OVER)]).is_over
