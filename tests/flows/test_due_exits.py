"""When an exit that failed is tried again: by how often it failed, and by what kept it back."""

from datetime import datetime, timedelta

import pytest

from flows.due_exits import DueExits
from models.exits import ExitReason, ExitSignal
from tests.builders import NOW

STOP = ExitSignal(ExitReason.STOP_LOSS, None, timedelta(hours=1))


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return NOW + self.passed

    def elapsed(self) -> timedelta:
        return self.passed

    async def sleep(self, span: timedelta) -> None:
        self.passed += span


def rest_after(failures: int, *, clock: Hand | None = None, is_soon: bool = False, kept: float | None = None) -> float:
    """Return for how many seconds an exit rests that failed so often."""
    clock = clock or Hand()
    due = DueExits(clock)
    due.crossed("BTC/USD", STOP)
    until = None if kept is None else clock.now() + timedelta(seconds=kept)
    for _ in range(failures):
        due.failed("BTC/USD", is_soon=is_soon, kept_until=until)
    step = timedelta(milliseconds=50)
    while not due.ready():
        clock.passed += step
    return round(clock.passed.total_seconds(), 2)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (1, 0.25), (2, 0.5), (3, 1), (20, 30)])
def test_it_rests_ever_longer_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert rest_after(failures) == seconds


def test_behind_another_run_it_is_tried_each_second() -> None:
    assert rest_after(20, is_soon=True) == 1


@pytest.mark.parametrize(("kept", "seconds"), [(-5, 0.25), (0, 0.25), (7, 7), (600, 30)])
def test_behind_a_breaker_it_is_tried_when_the_breaker_says_so(kept: float, seconds: float) -> None:
    assert rest_after(20, kept=kept) == seconds


def test_a_price_that_came_back_lets_the_next_crossing_begin_anew() -> None:
    due = DueExits(Hand())
    due.crossed("BTC/USD", STOP)
    due.failed("BTC/USD")
    due.forget("BTC/USD")
    due.crossed("BTC/USD", STOP)

    assert (due.ready(), due.times_failed("BTC/USD")) == (["BTC/USD"], 0)


async def test_whoever_waits_for_a_retry_is_woken_by_another_crossing() -> None:
    due = DueExits(Hand())
    due.crossed("BTC/USD", STOP)
    due.failed("BTC/USD")
    due.crossed("ETH/USD", STOP)
    await due.until_ready()

    assert due.ready() == ["ETH/USD"]
