"""A size follows volatility by the table of its method, and what is not known never makes it larger."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sizing import Size, SizeReason, SizingLimits, SizingMethod
from rules.sizing import size_entry

PORTFOLIO = Decimal(10_000)
INVERSE = SizingLimits(SizingMethod.INVERSE_VOLATILITY)
volatilities = st.decimals(0, 2, places=4)
sizes = st.decimals("0.01", 100_000, places=2)


def inverse(
    volatility: str | Decimal | None, asked: int | Decimal = 100, portfolio: Decimal | None = PORTFOLIO
) -> Size:
    known = None if volatility is None else Decimal(volatility)
    return size_entry(Decimal(asked), volatility=known, portfolio=portfolio, limits=INVERSE)


def tiers(volatility: str | Decimal | None, asked: int | Decimal = 100) -> Size:
    known = None if volatility is None else Decimal(volatility)
    return size_entry(Decimal(asked), volatility=known, portfolio=PORTFOLIO)


@pytest.mark.parametrize(
    ("volatility", "size"),
    [("0.20", 50), ("0.10", 100), ("0.05", 200), ("0.02", 500), ("0.005", 2000), ("0.001", 2000), ("0", 2000)],
)
def test_k1_half_the_volatility_is_twice_the_size_up_to_a_fifth_of_the_portfolio(volatility: str, size: int) -> None:
    answer = inverse(volatility)

    assert answer.value == size
    assert answer.reason is (SizeReason.CAPPED if size == 2000 else SizeReason.SCALED)


@pytest.mark.parametrize(
    ("volatility", "size", "reason"),
    [
        ("0.1001", 50, SizeReason.HIGH_VOLATILITY),
        ("0.10", 75, SizeReason.MODERATE_VOLATILITY),
        ("0.0201", 75, SizeReason.MODERATE_VOLATILITY),
        ("0.02", 100, SizeReason.CALM),
        ("0", 100, SizeReason.CALM),
    ],
)
def test_k2_tiers_halve_take_three_quarters_or_leave(volatility: str, size: int, reason: SizeReason) -> None:
    answer = tiers(volatility)

    assert (answer.value, answer.reason) == (Decimal(size), reason)


def test_what_is_not_known_gives_the_smaller_size_and_says_so() -> None:
    for answer in (tiers(None), inverse(None)):
        assert (answer.value, answer.reason) == (Decimal(50), SizeReason.VOLATILITY_UNKNOWN)
        assert answer.is_flagged
        assert not answer.is_made_smaller  # not by volatility: nobody knows it
    assert inverse(None, asked=5000).value == 2000
    of_no_portfolio = inverse("0.02", portfolio=None)
    assert (of_no_portfolio.value, of_no_portfolio.reason) == (Decimal(100), SizeReason.PORTFOLIO_UNKNOWN)
    assert inverse("0.20", portfolio=None).value == 50


@given(volatilities, volatilities, sizes)
def test_more_volatility_never_makes_a_size_larger(one: Decimal, other: Decimal, asked: Decimal) -> None:
    calm, wild = sorted((one, other))

    assert inverse(wild, asked).value <= inverse(calm, asked).value <= PORTFOLIO / 5
    assert tiers(wild, asked).value <= tiers(calm, asked).value <= asked


@given(volatilities, sizes)
def test_nothing_known_never_makes_a_size_larger_than_anything_known_of_the_tiers(v: Decimal, asked: Decimal) -> None:
    assert tiers(None, asked).value <= tiers(v, asked).value
    assert inverse(None, asked).value <= asked
    assert inverse(v, asked, portfolio=None).value <= asked


@pytest.mark.parametrize(("asked", "volatility"), [("0", "0.1"), ("-1", "0.1"), ("1", "-0.1")])
def test_an_amount_or_a_volatility_that_cannot_be_is_refused(asked: str, volatility: str) -> None:
    with pytest.raises(ValueError, match="expected an amount above zero"):
        size_entry(Decimal(asked), volatility=Decimal(volatility), portfolio=PORTFOLIO)
