from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.balance import BalanceState
from models.policy import Policy
from models.reasons import Freshness
from rules.balance import age_of, complaints, freshness_of, last_words, permits_entry, span_words
from tests.builders import NOW, a_policy

HALF_AN_HOUR = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


def a_balance(age: timedelta | None = timedelta(0), errors: int = 0, cash: str = "500") -> BalanceState:
    """Return a balance of 500, 480 of it free, read so long ago; None: never."""
    code = "TIMEOUT" if errors else None
    if age is None:
        return BalanceState("platform", errors=errors, last_error_code=code)
    figures = (Decimal(cash) - 20, Decimal(cash), Decimal(900))
    return BalanceState("platform", *figures, NOW - age, errors, code)


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (a_balance(), Freshness.FRESH),
        (a_balance(HALF_AN_HOUR), Freshness.FRESH),
        (a_balance(HALF_AN_HOUR + SECOND), Freshness.STALE),
        (a_balance(SECOND, errors=1), Freshness.STALE),
        (a_balance(None), Freshness.UNKNOWN),
        (a_balance(None, errors=3), Freshness.UNKNOWN),
        (a_balance(-SECOND), Freshness.FRESH),
        (a_balance(timedelta(days=-1)), Freshness.STALE),
    ],
)
def test_a_balance_is_fresh_stale_or_unknown(balance: BalanceState, expected: Freshness) -> None:
    assert freshness_of(balance, Policy(), NOW) is expected


# G1
def test_after_failed_reads_the_last_balance_stays_with_its_age_and_is_never_zero() -> None:
    known, never = a_balance(timedelta(minutes=5), errors=3), a_balance(None, errors=3)

    assert (known.cash_total, age_of(known, NOW)) == (Decimal(500), timedelta(minutes=5))
    assert (never.cash_total, never.cash_free, never.equity, age_of(never, NOW)) == (None, None, None, None)


# G2
@pytest.mark.parametrize("bad", ["NaN", "sNaN", "Infinity", "-Infinity", "-0.01"])
@pytest.mark.parametrize("figure", ["cash_free", "cash_total", "equity"])
def test_a_figure_that_is_no_amount_is_never_kept(figure: str, bad: str) -> None:
    figures = dict.fromkeys(("cash_free", "cash_total", "equity"), Decimal(1)) | {figure: Decimal(bad)}

    with pytest.raises(ValueError, match="platform: expected amounts of zero or more"):
        BalanceState("platform", **figures, read_at=NOW)


@pytest.mark.parametrize(
    "given", [{"read_at": NOW}, {"cash_total": Decimal(1)}, {"cash_free": Decimal(1), "read_at": NOW}]
)
def test_a_balance_without_its_time_or_a_time_without_its_balance_is_refused(given: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match="every figure"):
        BalanceState("platform", **given)


@pytest.mark.parametrize(
    ("balance", "minutes", "permitted"),
    [
        (a_balance(), 0, False),
        (a_balance(timedelta(minutes=10), errors=9), 10, True),
        (a_balance(timedelta(minutes=10) + SECOND), 10, False),
        (a_balance(timedelta(minutes=10)), 0.5, False),
        (a_balance(timedelta(days=-1)), 1440, False),
        (a_balance(None), 1440, False),
    ],
)
def test_an_entry_may_use_a_balance_as_old_as_the_policy_says(
    balance: BalanceState, minutes: float, permitted: bool
) -> None:
    assert permits_entry(balance, a_policy(allow_stale_balance_minutes=minutes), NOW) is permitted


@given(age=st.one_of(st.none(), st.integers(0, 10_000)), errors=st.integers(0, 50))
def test_no_entry_is_judged_on_an_old_balance_unless_the_policy_names_an_age(age: int | None, errors: int) -> None:
    balance = a_balance(None if age is None else timedelta(seconds=age), errors)

    assert not permits_entry(balance, Policy(), NOW)


@pytest.mark.parametrize(
    ("balance", "codes"),
    [
        (a_balance(), []),
        (a_balance(HALF_AN_HOUR, errors=2), []),
        (a_balance(HALF_AN_HOUR + SECOND), ["BALANCE_STALE"]),
        (a_balance(SECOND, errors=3), ["BALANCE_ERRORS"]),
        (a_balance(HALF_AN_HOUR + SECOND, errors=3), ["BALANCE_STALE", "BALANCE_ERRORS"]),
        (a_balance(None, errors=2), []),
        (a_balance(None, errors=3), ["BALANCE_ERRORS"]),
    ],
)
def test_half_an_hour_is_warned_of_and_three_errors_in_a_row_alarm(balance: BalanceState, codes: list[str]) -> None:
    assert [c.code for c in complaints(balance, Policy(), "USD", NOW)] == codes


def test_the_policy_moves_both_limits() -> None:
    policy = a_policy(balance_stale_warning_minutes=1, balance_error_alert=1)

    found = complaints(a_balance(timedelta(minutes=2), errors=1), policy, "USD", NOW)

    assert [c.code for c in found] == ["BALANCE_STALE", "BALANCE_ERRORS"]


def test_a_person_reads_value_age_and_errors() -> None:
    assert last_words(a_balance(timedelta(minutes=12), errors=2), "USD", NOW) == (
        "last read 12 min ago: 500.00 USD in cash (480.00 free); 2 reads in a row have failed, the last with TIMEOUT"
    )
    assert last_words(a_balance(None, errors=1), "USD", NOW) == (
        "no balance was ever read; 1 read has failed, the last with TIMEOUT"
    )
    assert not last_words(a_balance(None), "USD", NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172_799, "47 h"), (172_800, "2 d")],
)
def test_a_span_is_cut_to_the_unit_that_matters(seconds: float, words: str) -> None:
    assert span_words(timedelta(seconds=seconds)) == words
