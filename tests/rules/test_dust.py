from dataclasses import replace
from decimal import Decimal

import pytest

from rules.dust import has_regrown, is_dust
from tests.builders import a_mark, a_policy


def test_of_five_values_three_are_dust() -> None:  # case A2
    values = [Decimal(v) for v in ("0.50", "0.25", "10", "0.75", "50")]

    assert [is_dust(v, a_policy()) for v in values] == [True, True, False, True, False]


def test_exactly_the_threshold_is_not_dust() -> None:  # case A2
    assert not is_dust(Decimal("1.00"), a_policy())


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [("0.0001", "50000", False), ("0.0002", "2500", True), ("5", "0.15", True)],
)
def test_dust_is_judged_by_quantity_times_price(quantity: str, price: str, expected: bool) -> None:  # case A3
    assert is_dust(Decimal(quantity) * Decimal(price), a_policy()) is expected


def test_dust_between_real_positions_leaves_three() -> None:  # case A4
    values = [Decimal(v) for v in ("500", "0.30", "80", "0.50", "20")]

    assert sum(not is_dust(v, a_policy()) for v in values) == 3


@pytest.mark.parametrize(("value", "expected"), [("1.24", True), ("1.25", False), ("1.50", False)])
def test_marked_dust_stays_dust_until_it_has_regrown(value: str, expected: bool) -> None:  # case A6
    mark = a_mark(value="0.50")

    assert is_dust(Decimal(value), a_policy(), mark) is expected
    assert has_regrown(Decimal(value), a_policy(), mark) is not expected


def test_a_mark_on_more_than_dust_neither_hides_a_holding_nor_lets_it_regrow() -> None:
    mark = a_mark(value="3.00")

    assert not is_dust(Decimal("1.10"), a_policy(), mark)
    assert not has_regrown(Decimal("1.50"), a_policy(), mark)


def test_a_person_s_mark_on_what_nothing_had_valued_is_one_on_dust() -> None:
    mark = replace(a_mark(), value=None)

    assert [is_dust(Decimal(v), a_policy(), mark) for v in ("1.24", "1.25")] == [True, False]
    assert has_regrown(Decimal("1.25"), a_policy(), mark)


def test_what_was_never_marked_does_not_regrow() -> None:
    assert not has_regrown(Decimal(50), a_policy(), None)
