"""Numbers stay exact from the venue's text to ours."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.amounts import exact, floor_to_step, money, plain

numbers = st.decimals("0", "1000000000000", places=8, allow_nan=False, allow_infinity=False)
steps = st.sampled_from(["0.00000001", "0.0001", "0.01", "0.5", "1", "3", "25", "1000"]).map(Decimal)


@pytest.mark.parametrize(
    ("raw", "number"),
    [("0.10", "0.10"), (" 5 ", "5"), ("1e-8", "0.00000001"), (0.1, "0.1"), (3, "3"), (Decimal("7.50"), "7.50")],
)
def test_a_number_is_taken_as_it_was_written(raw: str | float | Decimal, number: str) -> None:
    assert exact(raw) == Decimal(number)


@pytest.mark.parametrize("raw", ["nan", "NaN", "inf", "-Infinity", "", "abc", "1,5", True, None, [], float("nan")])
def test_what_is_no_finite_number_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match=r"expected a (finite )?number"):
        exact(raw)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", ["1e20", "-1e20", "1.25e30", "1e999999", 10**20])
def test_a_number_too_large_to_be_meant_is_refused(raw: str | float) -> None:
    with pytest.raises(ValueError, match="expected a number below"):
        exact(raw)


def test_the_worth_of_the_largest_holding_at_the_largest_price_is_written_in_full() -> None:
    largest = exact("99999999999999999999")

    assert money(largest * Decimal("1e20")) == "9999999999999999999900000000000000000000.00"


@given(numbers, steps)
def test_a_floored_quantity_is_a_multiple_and_never_more(quantity: Decimal, step: Decimal) -> None:
    floored = floor_to_step(quantity, step)

    assert floored <= quantity
    assert quantity - floored < step
    assert floored % step == 0


@pytest.mark.parametrize(("quantity", "step"), [("1", "0"), ("1", "-1"), ("-1", "1")])
def test_a_step_or_quantity_without_sense_is_refused(quantity: str, step: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        floor_to_step(Decimal(quantity), Decimal(step))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=12))
def test_a_plain_number_reads_back_as_itself(number: Decimal) -> None:
    text = plain(number)

    assert Decimal(text) == number
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("number", "text"), [("0.00020000", "0.0002"), ("1E+3", "1000"), ("1E-8", "0.00000001"), ("0.000", "0")]
)
def test_a_plain_number_has_no_exponent_and_no_trailing_zeros(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@pytest.mark.parametrize(
    ("number", "text"), [("0.5", "0.50"), ("2500", "2500.00"), ("0.123456789", "0.12345679"), ("-3.1", "-3.10")]
)
def test_money_has_two_to_eight_decimals(number: str, text: str) -> None:
    assert money(Decimal(number)) == text
