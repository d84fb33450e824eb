"""What a read makes of an account's day, which halts are set aside, a low balance, and slots elsewhere."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from models.position import Snapshot
from models.reasons import Block, HaltCause
from models.risk import RiskDay, RiskLimits
from rules.limits import day_judge, is_stopped, low_balance_words, slots_tracked
from tests.builders import NOW, a_mark, a_policy, a_snapshot, positions_worth

LIMITS = RiskLimits()


def judged(before: RiskDay | None, snapshot: Snapshot) -> tuple[RiskDay, tuple[HaltCause, ...]]:
    judge = day_judge(snapshot, LIMITS)
    assert judge is not None
    after = judge(before)
    return after.day, tuple(trip.cause for trip in after.trips)


# J1
@pytest.mark.parametrize(
    ("equity", "causes"),
    [
        ("9500", ()),
        ("9499.99", (HaltCause.DAILY_LOSS,)),
        ("8000", (HaltCause.DAILY_LOSS,)),
        ("7990", (HaltCause.DAILY_LOSS, HaltCause.DRAWDOWN)),
    ],
)
def test_a_read_trips_what_its_equity_crosses(equity: str, causes: tuple[HaltCause, ...]) -> None:
    before = RiskDay(NOW.date(), Decimal(10_000), Decimal(10_000), Decimal(10_000))

    assert judged(before, a_snapshot(cash=equity)) == (replace(before, equity=Decimal(equity)), causes)


# J1
def test_at_the_day_s_turn_in_utc_a_loss_begins_anew_and_a_drawdown_does_not() -> None:
    before = RiskDay(NOW.date(), Decimal(10_000), Decimal(10_000), Decimal(7_000))

    _, causes = judged(before, a_snapshot(cash=7_000, taken_at=NOW + timedelta(hours=12)))

    assert causes == (HaltCause.DRAWDOWN,)


def test_a_day_is_not_judged_by_an_equity_that_lacks_a_holding() -> None:
    assert day_judge(a_snapshot(*positions_worth({"BTC": 500, "AUT": None})), LIMITS) is None


@pytest.mark.parametrize(
    ("causes", "set_aside", "stopped"),
    [
        ([], [], False),
        ([HaltCause.DAILY_LOSS], [], True),
        ([HaltCause.DAILY_LOSS], [Block.DAILY_LOSS], False),
        ([HaltCause.DAILY_LOSS, HaltCause.DRAWDOWN], [Block.DAILY_LOSS], True),
        ([HaltCause.CAP_NOT_REACHED], list(Block), True),
    ],
)
def test_only_a_halt_for_a_limit_can_be_set_aside(
    causes: list[HaltCause], set_aside: list[Block], *, stopped: bool
) -> None:
    assert is_stopped(causes, set_aside) is stopped


# J2
@pytest.mark.parametrize(
    ("snapshot", "warned"),
    [
        (a_snapshot(cash="50"), False),
        (a_snapshot(cash="49.99"), True),
        (a_snapshot(*positions_worth({"BTC": 45}), cash=5), False),
        (a_snapshot(*positions_worth({"AUT": None}), cash=5), False),
        (None, False),
    ],
)
def test_below_fifty_dollars_in_all_a_balance_is_warned_of(snapshot: Snapshot | None, *, warned: bool) -> None:
    words = low_balance_words(snapshot, a_policy(), "USD")

    assert (words is not None) is warned
    assert words is None or "entries need 10.00" in words


def test_what_is_tracked_takes_a_slot_unless_it_is_dust() -> None:
    values = {"BTC/USD": Decimal(500), "AUT/USD": None, "DUST/USD": Decimal("0.99"), "OLD/USD": Decimal("1.20")}

    slots = slots_tracked(values, a_policy(), {"OLD/USD": a_mark("OLD/USD")})

    assert slots == {"BTC/USD", "AUT/USD"}
