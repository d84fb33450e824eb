"""A watched position: what each price makes of it, when its peak is written down, when an exit is tried again."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exit_watch import Watched
from models.exits import ExitLimits, ExitReason
from rules.exit_watch import (
    FIRST_RETRY_SECONDS,
    LAST_IDLE_RETRY_SECONDS,
    LAST_RETRY_SECONDS,
    is_worth_writing,
    judge_watched,
    reloaded,
    retry_seconds,
    stop_price,
)
from tests.builders import NOW

LIMITS = ExitLimits(Decimal("0.03"), Decimal("0.08"), Decimal("0.05"), timedelta(hours=24))
NO_STOPS = ExitLimits(None, Decimal("0.08"), None, timedelta(hours=24))

prices = st.decimals(min_value="0.00000001", max_value="1000000", places=8)


def a_watched(
    entry: str | Decimal | None = "100",
    peak: str | Decimal | None = None,
    *,
    stored: str | Decimal | None = None,
    hours: float = 1,
    limits: ExitLimits = LIMITS,
) -> Watched:
    return Watched(
        symbol="BTC/USD",
        quantity=Decimal(1),
        entry_price=None if entry is None else Decimal(entry),
        first_seen_at=NOW - timedelta(hours=hours),
        limits=limits,
        peak_price=None if peak is None else Decimal(peak),
        stored_peak=None if stored is None else Decimal(stored),
    )


def reason_at(price: str | Decimal, watched: Watched) -> ExitReason | None:
    _, signal = judge_watched(watched, Decimal(price), NOW)
    return None if signal is None else signal.reason


def test_a_price_over_the_peak_becomes_the_peak_and_a_later_fall_is_measured_from_it() -> None:
    held, signal = judge_watched(a_watched(peak="101"), Decimal(106), NOW)

    assert (held.peak_price, signal) == (Decimal(106), None)
    assert reason_at("100.7", held) is None  # 5 % are given back at 100.7, and crossed below
    assert reason_at("100.69", held) is ExitReason.TRAILING_STOP


def test_a_position_without_an_entry_price_is_left_for_its_age_alone() -> None:
    assert reason_at("1", a_watched(None, "1000")) is None
    assert reason_at("1", a_watched(None, hours=25)) is ExitReason.TIME_LIMIT


@pytest.mark.parametrize(
    ("peak", "limits", "expected"),
    [
        (None, LIMITS, "97"),  # 3 % below the entry, which is higher than 5 % below it
        ("101", LIMITS, "97"),
        ("110", LIMITS, "104.5"),
        ("110", NO_STOPS, None),
    ],
)
def test_the_stop_is_the_higher_of_both_stops(peak: str | None, limits: ExitLimits, expected: str | None) -> None:
    assert stop_price(a_watched(peak=peak, limits=limits)) == (None if expected is None else Decimal(expected))


def test_no_stop_protects_what_has_no_entry_price() -> None:
    assert stop_price(a_watched(None, "110")) is None


@given(entry=prices, peak=st.none() | prices, price=prices)
def test_the_stop_that_is_shown_is_where_a_stop_sells(entry: Decimal, peak: Decimal | None, price: Decimal) -> None:
    watched = a_watched(entry, peak, limits=ExitLimits(Decimal("0.03"), None, Decimal("0.05"), None))
    stop = stop_price(watched)

    assert stop is not None
    assert (reason_at(price, watched) is not None) == (price < stop) or abs(price / stop - 1) < Decimal("1e-20")


@given(seen=st.lists(prices, min_size=1))
def test_a_peak_is_the_highest_price_seen(seen: list[Decimal]) -> None:
    watched = a_watched()
    for price in seen:
        watched, _ = judge_watched(watched, price, NOW)

    assert watched.peak_price == max(seen)


def test_a_position_that_was_sold_and_bought_again_begins_without_the_peak_of_the_first() -> None:
    first, second = a_watched(peak="150", hours=5), a_watched(peak="101", hours=1)

    assert reloaded(first, second) == second


@given(known=st.none() | prices, stored=st.none() | prices)
def test_what_is_read_again_never_lowers_a_peak(known: Decimal | None, stored: Decimal | None) -> None:
    peak = reloaded(a_watched(peak=known), a_watched(peak=stored)).peak_price

    assert peak == max((p for p in (known, stored) if p is not None), default=None)


def test_new_limits_hold_from_the_next_read_on() -> None:
    known, stored = a_watched(peak="110"), a_watched(peak="105", limits=NO_STOPS)

    assert reloaded(known, stored).limits == NO_STOPS


@pytest.mark.parametrize(
    ("peak", "stored", "is_due", "expected"),
    [
        (None, None, True, False),
        ("100", None, False, True),
        ("100", "100", True, False),
        ("99", "100", True, False),
        ("100.1", "100", False, False),
        ("100.1", "100", True, True),
        ("100.11", "100", False, True),
    ],
)
def test_a_peak_is_written_down_at_once_when_it_rose_by_more_than_a_thousandth_and_else_when_it_is_due(
    peak: str | None, stored: str | None, is_due: bool, expected: bool
) -> None:
    assert is_worth_writing(a_watched(peak=peak, stored=stored), is_due=is_due) is expected


@given(failed=st.integers(1, 10_000), is_urgent=st.booleans())
def test_an_exit_rests_longer_each_time_and_is_never_given_up(failed: int, is_urgent: bool) -> None:
    rest, next_rest = retry_seconds(failed, is_urgent=is_urgent), retry_seconds(failed + 1, is_urgent=is_urgent)

    assert FIRST_RETRY_SECONDS <= rest <= next_rest <= (LAST_RETRY_SECONDS if is_urgent else LAST_IDLE_RETRY_SECONDS)
