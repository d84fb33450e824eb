"""When a position is left: stop first, never vetoed; then take profit, trailing stop, time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exits import ExitLimits, ExitReason, ExitSignal
from rules.exits import judge_exit, peak_of

SEEN = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = ExitLimits(Decimal("0.03"), Decimal("0.08"), Decimal("0.05"), timedelta(hours=24))
NONE = ExitLimits(None, None, None, None)

prices = st.decimals(min_value="0.00000001", max_value="1000000", places=8)


def judged(
    price: str, *, entry: str | None = "100", peak: str | None = None, hours: float = 1, limits: ExitLimits = LIMITS
) -> ExitSignal | None:
    return judge_exit(
        Decimal(price),
        entry_price=None if entry is None else Decimal(entry),
        peak_price=None if peak is None else Decimal(peak),
        first_seen_at=SEEN,
        now=SEEN + timedelta(hours=hours),
        limits=limits,
    )


def reason(signal: ExitSignal | None) -> ExitReason | None:
    return None if signal is None else signal.reason


@pytest.mark.parametrize(
    ("price", "peak", "hours", "expected"),
    [
        ("95", None, 1, ExitReason.STOP_LOSS),
        ("110", None, 1, ExitReason.TAKE_PROFIT),
        ("108", "115", 1, ExitReason.TRAILING_STOP),
        ("100", None, 25, ExitReason.TIME_LIMIT),
        ("102", None, 1, None),
    ],
)
def test_d1(price: str, peak: str | None, hours: float, expected: ExitReason | None) -> None:
    assert reason(judged(price, peak=peak, hours=hours)) is expected


@pytest.mark.parametrize(
    ("price", "peak", "hours"), [("97", None, 1), ("108", None, 1), ("104.5", "110", 1), ("100", None, 24)]
)
def test_a_limit_that_is_only_touched_holds_on(price: str, peak: str | None, hours: float) -> None:
    assert judged(price, peak=peak, hours=hours) is None


def test_without_an_entry_price_only_the_age_counts() -> None:
    assert judged("1", entry=None, peak="1000") is None
    assert reason(judged("1", entry=None, hours=25)) is ExitReason.TIME_LIMIT


def test_a_stop_comes_first_whatever_else_holds() -> None:
    assert reason(judged("90", peak="200", hours=100)) is ExitReason.STOP_LOSS


def test_a_trailing_decline_is_told_against_the_peak() -> None:
    signal = judged("108", peak="115")

    assert signal is not None
    assert str(signal) == "-6.09 % from its peak"


def test_a_loss_of_a_hundredth_of_a_percent_is_no_stop() -> None:
    assert judged("99.99") is None


@given(price=prices, entry=prices, peak=prices, hours=st.floats(0, 10_000))
def test_without_limits_nothing_is_left(price: Decimal, entry: Decimal, peak: Decimal, hours: float) -> None:
    assert judged(str(price), entry=str(entry), peak=str(peak), hours=hours, limits=NONE) is None


@given(price=prices, entry=prices, peak=st.none() | prices)
def test_a_loss_over_the_stop_is_always_left(price: Decimal, entry: Decimal, peak: Decimal | None) -> None:
    signal = judged(str(price), entry=str(entry), peak=None if peak is None else str(peak))

    assert (reason(signal) is ExitReason.STOP_LOSS) == (1 - price / entry > Decimal("0.03"))


@given(known=st.none() | prices, price=prices, entry=st.none() | prices)
def test_a_peak_never_falls(known: Decimal | None, price: Decimal, entry: Decimal | None) -> None:
    peak = peak_of(known, price, entry)

    assert peak >= price
    assert known is None or peak >= known
    assert entry is None or peak >= entry
