from decimal import Decimal

import pytest

from rules.reconcile import equity_mismatch
from tests.builders import a_position, a_snapshot

TOLERANCE = Decimal("0.01")


@pytest.mark.parametrize("reported", [10_000, 9_901, 10_101])
def test_equity_within_the_tolerance_agrees(reported: int) -> None:  # case E4
    snapshot = a_snapshot(a_position(value=5000), cash=5000, reported_equity=reported)

    assert equity_mismatch(snapshot, TOLERANCE) is None


@pytest.mark.parametrize(("reported", "difference"), [(9_900, 100), (10_102, -102)])
def test_equity_beyond_the_tolerance_is_a_mismatch_with_its_figures(reported: int, difference: int) -> None:  # case E4
    found = equity_mismatch(a_snapshot(a_position(value=5000), cash=5000, reported_equity=reported), TOLERANCE)

    assert found is not None
    assert (found.computed, found.reported, found.difference) == (10_000, reported, difference)


def test_a_venue_that_reports_no_equity_contradicts_nothing() -> None:
    assert equity_mismatch(a_snapshot(a_position(value=5000)), TOLERANCE) is None


@pytest.mark.parametrize(("reported", "is_mismatch"), [(20_000, False), (9_000, True)])
def test_with_unvalued_holdings_only_too_high_a_sum_is_a_mismatch(reported: int, is_mismatch: bool) -> None:
    snapshot = a_snapshot(a_position(value=5000), a_position("AUT/USD", None), cash=5000, reported_equity=reported)

    assert (equity_mismatch(snapshot, TOLERANCE) is not None) is is_mismatch
