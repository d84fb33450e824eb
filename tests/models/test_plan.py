"""A plan is identified by what it would do, and every action by an id that finds its order again."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.plan import Action, Plan
from models.reasons import ActionKind, Reason
from tests.builders import NOW

ETH = Action(ActionKind.TRIM_CAP, "ETH/USD", Decimal("0.20"), Decimal(500), Reason.OVER_CAP)
DOGE = Action(ActionKind.MARK_DUST, "DOGE/USD", Decimal(5), Decimal("0.40"), Reason.BELOW_MINIMUM_QUANTITY)
PLAN = Plan("alice", "policy-1", NOW, NOW + timedelta(minutes=5), 9, (DOGE, ETH))


def test_the_hashes_stay_what_they_are() -> None:
    # Client order ids are made of them: an upgrade in the middle of a run must find the orders of the one before.
    assert PLAN.content_hash == "0b4cf6eed8a8f3d0444cb9b80dd0c0ac"
    assert PLAN.plan_id == "8b454ad63177ee290f06a0d7faa95621"
    assert PLAN.client_order_id(ETH, 1) == "d10268f6fb07b6cd44c8322dfa7e2bf8"


def test_prices_and_words_do_not_change_what_a_plan_would_do() -> None:
    dearer = replace(PLAN, actions=(DOGE, replace(ETH, value=Decimal(501), detail="9 of 8", quantity=Decimal("0.2"))))

    assert dearer.content_hash == PLAN.content_hash


def test_everything_it_would_do_changes_it() -> None:
    others = [
        replace(PLAN, account="bob"),
        replace(PLAN, policy_version="policy-2"),
        replace(PLAN, actions=(ETH, DOGE)),
        replace(PLAN, actions=(ETH,)),
        replace(PLAN, actions=(DOGE, replace(ETH, quantity=Decimal("0.3")))),
        replace(PLAN, actions=(DOGE, replace(ETH, kind=ActionKind.CLOSE_SMALL))),
    ]

    assert len({plan.content_hash for plan in [PLAN, *others]}) == len(others) + 1


def test_the_same_plan_made_again_has_other_ids() -> None:
    later = replace(PLAN, made_at=NOW + timedelta(seconds=1))

    assert later.content_hash == PLAN.content_hash
    assert later.plan_id != PLAN.plan_id
    assert later.client_order_id(ETH, 1) != PLAN.client_order_id(ETH, 1)


@given(st.integers(1, 10), st.integers(1, 10), st.sampled_from(["ETH/USD", "BTC/USD"]), st.sampled_from(ActionKind))
def test_a_client_order_id_is_32_hex_digits_and_one_per_action_and_cycle(
    cycle: int, other_cycle: int, symbol: str, kind: ActionKind
) -> None:
    action = replace(ETH, symbol=symbol, kind=kind)
    ids = {PLAN.client_order_id(action, cycle), PLAN.client_order_id(action, other_cycle)}

    assert all(len(i) == 32 and set(i) <= set("0123456789abcdef") for i in ids)
    assert (len(ids) == 1) == (cycle == other_cycle)


def test_only_what_sends_an_order_is_an_order() -> None:
    assert PLAN.orders == (ETH,)
