"""A pipeline that enforces one part of a policy plans that part and nothing else."""

from decimal import Decimal

import pytest

from models.plan import Plan
from models.reasons import ActionKind
from models.scope import Scope
from rules.plan import is_compliant, make_plan, positions_read
from tests.builders import NOW, a_policy, a_snapshot, positions_worth

WORTH = {"BTC": 1000, "ETH": 500, "SOL": 200, "ADA": 5, "DOGE": "0.50", "AUT": None}
POLICY = a_policy(max_positions=3)


def plan_of(scope: Scope) -> Plan:
    snapshot = a_snapshot(*positions_worth(WORTH))
    return make_plan(snapshot, POLICY.scoped(scope), marks={}, pending=(), now=NOW)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (
            Scope.ALL,
            [
                (ActionKind.CLOSE_DUST, "DOGE/USD"),
                (ActionKind.CLOSE_SMALL, "ADA/USD"),
                (ActionKind.TRIM_CAP, "SOL/USD"),
            ],
        ),
        (Scope.DUST, [(ActionKind.CLOSE_DUST, "DOGE/USD")]),
        (Scope.CAP, [(ActionKind.TRIM_CAP, "ADA/USD"), (ActionKind.TRIM_CAP, "SOL/USD")]),
        (Scope.EXITS, []),
    ],
)
def test_a_scope_plans_its_part(scope: Scope, expected: list[tuple[ActionKind, str]]) -> None:
    plan = plan_of(scope)

    assert [(a.kind, a.symbol) for a in plan.actions] == expected
    assert positions_read(plan) == len(WORTH)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_plan_names_the_version_of_the_whole_policy(scope: Scope) -> None:
    assert plan_of(scope).policy_version == POLICY.version


def test_a_part_of_a_policy_keeps_what_it_does_not_narrow() -> None:
    policy = a_policy(settle_seconds=1, dust_threshold_usd="2")

    for scope in Scope:
        narrowed = policy.scoped(scope)
        assert (narrowed.settle_seconds, narrowed.dust_threshold_usd) == (1, Decimal(2))


def test_a_cleanup_of_dust_has_nothing_to_say_about_the_cap() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 1000, "ETH": 500}))
    policy = a_policy(max_positions=1).scoped(Scope.DUST)

    plan = make_plan(snapshot, policy, marks={}, pending=(), now=NOW)

    assert is_compliant(plan, policy.max_positions)
