"""A policy has a default for every value, and a version for every set of them."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from models.policy import Policy
from tests.builders import a_policy

OTHER_VALUES: dict[str, Any] = {
    "minimum_position_usd": "7.51",
    "consolidation_threshold_usd": "10.01",
    "dust_hysteresis": "1.3",
    "equity_tolerance_fraction": "0.02",
    "restricted_symbols": ["AUT/USD"],
    "stop_loss_fraction": "0.05",
    "trailing_stop_fraction": None,
    "max_round_trip_fee_fraction": "0.03",
    "risk_max_drawdown_fraction": None,
    "sizing_method": "inverse_volatility",
    "sizing_base_volatility_fraction": "0.05",
    "sizing_cap_fraction": "0.1",
    "rebalance_threshold_fraction": "0.05",
}


def changed(field: str) -> Any:
    """Return an allowed value of a field that is not its default."""
    default = Policy.model_fields[field].default
    if isinstance(default, bool):
        return not default
    return OTHER_VALUES[field] if field in OTHER_VALUES else default + 1


def test_the_defaults_are_those_of_the_contract() -> None:
    policy = Policy()

    assert (policy.max_positions, policy.settle_seconds, policy.max_enforcement_cycles) == (8, 3, 3)
    assert (policy.dust_threshold_usd, policy.minimum_position_usd) == (Decimal("1.00"), Decimal("7.50"))
    assert policy.consolidation_threshold_usd == Decimal("10.00")


@pytest.mark.parametrize("field", sorted(Policy.model_fields))
def test_the_version_changes_with_every_value(field: str) -> None:
    assert a_policy(**{field: changed(field)}).version != Policy().version


def test_the_version_does_not_change_with_order_or_spelling() -> None:
    one = a_policy(max_positions=5, dust_threshold_usd="2", settle_seconds=1)
    same = a_policy(settle_seconds=1.0, dust_threshold_usd="2.00", max_positions="5")

    assert one.version == same.version


def test_regrown_dust_counts_from_a_quarter_above_the_threshold() -> None:
    assert a_policy(dust_threshold_usd="2").regrown_threshold_usd == Decimal("2.50")


@pytest.mark.parametrize(
    "values",
    [
        {"max_positions": 0},
        {"max_positions": "many"},
        {"dust_threshold_usd": "-1"},
        {"dust_threshold_usd": "NaN"},
        {"minimum_position_usd": "Infinity"},
        {"settle_seconds": float("inf")},
        {"dust_threshold_usd": "8"},  # above the minimum position
        {"consolidation_threshold_usd": "7"},  # below the minimum position
        {"max_enforcement_cycles": 0},
        {"order_deadline_seconds": 1},
        {"order_deadline_seconds": 61},
        {"stop_loss_fraction": 3},  # percent
        {"stop_loss_fraction": 0},  # at any loss
        {"risk_max_drawdown_fraction": 20},  # percent
        {"max_round_trip_fee_fraction": 2.5},  # percent
        {"max_round_trip_fee_fraction": 0},
        {"risk_max_positions": 0},
        {"max_position": 5},
    ],
)
def test_a_value_without_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_policy(**values)
