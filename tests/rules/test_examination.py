"""What an examination makes of a clock, a key's rights and a venue's prices."""

from datetime import timedelta
from decimal import Decimal

import pytest

from models.reasons import Verdict
from rules.examination import (
    ClockReading,
    judge_balance,
    judge_clock,
    judge_equity,
    judge_permissions,
    judge_prices,
    read_clock,
    worst,
)
from tests.builders import NOW, a_snapshot

NONE = timedelta(0)
AGE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("offset", "checks_clock", "verdict"),
    [
        ("0.9", True, Verdict.OK),
        ("-0.9", True, Verdict.OK),
        ("1", True, Verdict.WARN),
        ("-4.9", True, Verdict.WARN),
        ("5", True, Verdict.FAIL),
        ("-3600", True, Verdict.FAIL),
        ("3600", False, Verdict.WARN),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(offset: str, verdict: Verdict, *, checks_clock: bool) -> None:
    reading = ClockReading(timedelta(seconds=float(offset)), NONE)

    assert judge_clock(reading, checks_clock=checks_clock).verdict is verdict


def test_only_the_certain_part_of_an_offset_is_held_against_a_clock() -> None:
    slow_answer = ClockReading(timedelta(seconds=3), uncertainty=timedelta(seconds=2.5))

    assert judge_clock(slow_answer, checks_clock=True).verdict is Verdict.OK


def test_a_clock_is_compared_in_the_middle_of_the_request() -> None:
    told = NOW + timedelta(seconds=2, microseconds=1)

    reading = read_clock(told, asked_at=NOW, took=timedelta(seconds=4))

    assert reading == ClockReading(timedelta(microseconds=1), timedelta(seconds=2))


def test_a_clock_that_tells_whole_seconds_is_half_a_second_less_certain() -> None:
    told = NOW.replace(microsecond=0)

    reading = read_clock(told, asked_at=told + timedelta(seconds=0.9), took=NONE)

    assert (reading.offset, reading.uncertainty) == (timedelta(seconds=-0.4), timedelta(seconds=0.5))


def test_a_key_is_fine_that_trades_and_cannot_withdraw() -> None:
    (finding,) = judge_permissions(trade=True, withdraw=False, expires_in=None, allow_withdrawal=False)

    assert finding.verdict is Verdict.OK


def test_everything_that_is_wrong_with_a_key_is_said() -> None:
    found = judge_permissions(trade=False, withdraw=True, expires_in=timedelta(days=3), allow_withdrawal=True)

    assert [(f.verdict, f.code) for f in found] == [
        (Verdict.WARN, "KEY_MAY_WITHDRAW"),
        (Verdict.FAIL, "KEY_MAY_NOT_TRADE"),
        (Verdict.WARN, "KEY_EXPIRES"),
    ]


def test_what_is_not_reported_is_neither_allowed_nor_forbidden() -> None:
    (finding,) = judge_permissions(trade=True, withdraw=None, expires_in=None, allow_withdrawal=False)

    assert (finding.verdict, finding.code) == (Verdict.WARN, "PERMISSIONS_NOT_REPORTED")
    assert "withdraw" in finding.found


def test_no_price_at_all_is_a_failure() -> None:
    assert judge_prices({}, (), {}, now=NOW, max_price_age=AGE).code == "NO_PRICE"


def test_an_account_that_holds_nothing_at_all_is_a_warning() -> None:
    assert judge_balance((), "USD").code == "BALANCE_EMPTY"


def test_an_equity_that_should_be_told_and_is_not_is_a_warning() -> None:
    tolerance = Decimal("0.01")

    assert judge_equity(a_snapshot(), reports=True, tolerance_fraction=tolerance).code == "EQUITY_UNREADABLE"
    assert judge_equity(a_snapshot(), reports=False, tolerance_fraction=tolerance).verdict is Verdict.SKIPPED


def test_an_account_is_called_by_its_worst_check() -> None:
    assert worst([Verdict.OK, Verdict.WARN, Verdict.SKIPPED]) is Verdict.WARN
    assert worst([Verdict.SKIPPED, Verdict.FAIL, Verdict.WARN]) is Verdict.FAIL
    assert worst([Verdict.SKIPPED]) is Verdict.SKIPPED
