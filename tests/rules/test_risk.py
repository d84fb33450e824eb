"""Risk limits: size, exposure, number of positions, the day's loss, and the fall from the highest equity."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reasons import Block, HaltCause
from models.risk import RiskDay, RiskLimits
from rules.risk import day_after, entry_blocks, trips

TODAY = date(2026, 3, 2)
LIMITS = RiskLimits()

money = st.decimals(min_value="0.01", max_value="1000000", places=2)


def blocks(
    amount: str = "100", *, exposure: str = "0", positions: int = 0, day: RiskDay | None = None
) -> tuple[Block, ...]:
    return entry_blocks(Decimal(amount), exposure=Decimal(exposure), positions=positions, day=day, limits=LIMITS)


def a_day(*, began: str = "10000", peak: str = "10000", equity: str = "10000") -> RiskDay:
    return RiskDay(TODAY, Decimal(began), Decimal(peak), Decimal(equity))


@pytest.mark.parametrize(
    ("amount", "exposure", "positions", "expected"),
    [
        ("1000", "0", 0, ()),
        ("1000.01", "0", 0, (Block.SIZE_LIMIT,)),
        ("-9999", "0", 0, (Block.SIZE_LIMIT,)),
        ("500", "4500", 0, ()),
        ("501", "4500", 0, (Block.EXPOSURE_LIMIT,)),
        ("100", "0", 9, ()),
        ("100", "0", 10, (Block.POSITIONS_LIMIT,)),
    ],
)
def test_j1_entries(amount: str, exposure: str, positions: int, expected: tuple[Block, ...]) -> None:
    assert blocks(amount, exposure=exposure, positions=positions) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (a_day(equity="9500"), ()),
        (a_day(equity="9499.99"), (HaltCause.DAILY_LOSS,)),
        (a_day(began="8000", equity="8000"), ()),
        (a_day(began="7990", equity="7990"), (HaltCause.DRAWDOWN,)),
        (a_day(equity="7000"), (HaltCause.DAILY_LOSS, HaltCause.DRAWDOWN)),
    ],
)
def test_j1_days(day: RiskDay, expected: tuple[HaltCause, ...]) -> None:
    assert tuple(trips(day, LIMITS)) == expected


def test_every_limit_that_is_crossed_is_named() -> None:
    found = blocks("6000", positions=10, day=a_day(equity="7000"))

    assert set(found) == {
        Block.SIZE_LIMIT,
        Block.EXPOSURE_LIMIT,
        Block.POSITIONS_LIMIT,
        Block.DAILY_LOSS,
        Block.DRAWDOWN,
    }


def test_a_day_begins_with_what_the_last_one_ended_with() -> None:
    friday = day_after(None, Decimal(10_000), TODAY)
    later = day_after(friday, Decimal(9_700), TODAY)
    saturday = day_after(later, Decimal(9_300), TODAY + timedelta(days=1))

    assert (later.began_with, later.gain) == (10_000, -300)
    assert (saturday.began_with, saturday.gain) == (9_700, -400)


def test_a_clock_that_jumps_back_begins_no_new_day() -> None:
    today = day_after(None, Decimal(10_000), TODAY)

    assert day_after(today, Decimal(9_000), TODAY - timedelta(days=1)).gain == -1000


def test_without_limits_everything_passes() -> None:
    none = RiskLimits(None, None, None, None, None)

    assert (
        entry_blocks(Decimal(10**9), exposure=Decimal(10**9), positions=999, day=a_day(equity="1"), limits=none) == ()
    )


@given(equities=st.lists(money, min_size=1, max_size=30))
def test_the_highest_equity_is_never_forgotten(equities: list[Decimal]) -> None:
    day = None
    for number, equity in enumerate(equities):
        day = day_after(day, equity, TODAY + timedelta(days=number // 3))

    assert day is not None
    assert day.peak == max(equities)
    assert 0 <= day.drawdown_fraction < 1
