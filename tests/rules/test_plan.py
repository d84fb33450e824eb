from datetime import timedelta
from decimal import Decimal

import pytest

from models.dust import DustMark
from models.plan import Plan
from models.position import Snapshot
from models.reasons import ActionKind, NoPrice, Reason
from rules.plan import is_compliant, make_plan, over_cap, over_cap_here, positions_read
from tests.builders import (
    NOW,
    a_mark,
    a_market,
    a_policy,
    a_position,
    a_snapshot,
    an_open_order,
    positions_worth,
)


def plan_for(snapshot: Snapshot, *marks: DustMark, pending: tuple[str, ...] = (), **policy: object) -> Plan:
    return make_plan(
        snapshot,
        a_policy(**policy),
        marks={m.symbol: m for m in marks},
        pending=pending,
        now=NOW,
    )


def symbols(plan: Plan, kind: ActionKind) -> list[str]:
    return [a.symbol.removesuffix("/USD") for a in plan.actions if a.kind is kind]


def skips(plan: Plan) -> dict[str, Reason]:
    return {s.symbol.removesuffix("/USD"): s.reason for s in plan.skips}


def kept(plan: Plan) -> list[str]:
    return [symbol.removesuffix("/USD") for symbol in plan.kept]


def fifty_nine_holdings() -> Snapshot:
    """Return case B2's account."""
    return a_snapshot(
        *positions_worth({f"LARGE{i}": 100 + 100 * i for i in range(10)}),
        *positions_worth({f"MED{i}": 10 + 2 * i for i in range(20)}),
        *positions_worth({f"DUST{i}": Decimal("0.10") + Decimal("0.03") * i for i in range(29)}),
    )


def test_of_eight_positions_over_a_cap_of_five_the_three_smallest_go() -> None:  # case B1
    worth = {"BTC": 1000, "ETH": 500, "SOL": 200, "DOGE": 50, "SHIB": 10, "PEPE": 5, "XRP": 2, "ADA": "1.50"}

    plan = plan_for(a_snapshot(*positions_worth(worth)), max_positions=5)

    assert [a.symbol for a in plan.orders] == ["ADA/USD", "XRP/USD", "PEPE/USD"]
    assert kept(plan) == ["BTC", "DOGE", "ETH", "SHIB", "SOL"]


def test_the_cap_alone_takes_the_smallest_where_no_position_is_too_small() -> None:  # case B1
    worth = {"BTC": 1000, "ETH": 500, "SOL": 200, "DOGE": 50, "SHIB": 10, "PEPE": 5, "XRP": 2, "ADA": "1.50"}

    plan = plan_for(
        a_snapshot(*positions_worth(worth)),
        max_positions=5,
        minimum_position_usd=1,
        consolidation_threshold_usd=1,
    )

    assert symbols(plan, ActionKind.TRIM_CAP) == ["ADA", "XRP", "PEPE"]


def test_fifty_nine_holdings_are_twenty_nine_dust_and_thirty_positions() -> None:  # case B2
    plan = plan_for(fifty_nine_holdings())

    assert (len(plan.dust), plan.counted) == (29, 30)
    assert len(symbols(plan, ActionKind.CLOSE_DUST)) == 29


@pytest.mark.parametrize(("cap", "smallest_kept"), [(5, 5), (8, 2)])
def test_of_fifty_nine_holdings_the_largest_are_kept(cap: int, smallest_kept: int) -> None:  # case B2
    plan = plan_for(fifty_nine_holdings(), max_positions=cap)

    assert kept(plan) == [f"LARGE{i}" for i in range(smallest_kept, 10)]
    assert len(plan.orders) == 59 - cap


def test_of_twelve_positions_over_a_cap_of_eight_the_four_smallest_go() -> None:  # case B3
    plan = plan_for(a_snapshot(*positions_worth({f"P{i}": 1000 - 50 * i for i in range(12)})))

    assert symbols(plan, ActionKind.TRIM_CAP) == ["P11", "P10", "P9", "P8"]


def test_of_fifteen_positions_over_a_cap_of_eight_those_from_170_to_240_stay() -> None:  # case B3
    plan = plan_for(a_snapshot(*positions_worth({f"P{i}": 100 + 10 * i for i in range(15)})))

    assert sorted(kept(plan)) == sorted(f"P{i}" for i in range(7, 15))


@pytest.mark.parametrize(("count", "compliant"), [(7, True), (8, True), (10, False)])
def test_an_account_is_compliant_up_to_its_cap(count: int, compliant: bool) -> None:  # case B4
    plan = plan_for(a_snapshot(*positions_worth({f"P{i}": 100 for i in range(count)})))

    assert is_compliant(plan, 8) is compliant


def test_two_venues_of_one_owner_share_the_cap_and_only_one_of_them_sells() -> None:  # case B4
    kraken = a_snapshot(*positions_worth({f"K{i}": 100 + i for i in range(5)}), account="kraken")
    binance = a_snapshot(*positions_worth({f"B{i}": 50 + i for i in range(4)}), account="binance")

    plans = [
        make_plan(own, a_policy(), marks={}, pending=(), now=NOW, siblings=[other])
        for own, other in ((kraken, binance), (binance, kraken))
    ]

    assert [over_cap(p, 8) for p in plans] == [1, 1]
    assert [[a.symbol for a in p.actions] for p in plans] == [[], ["B0/USD"]]
    assert not is_compliant(plans[0], 8)


def test_what_the_owners_other_account_closes_is_not_this_ones_excess() -> None:  # case B4
    kraken = a_snapshot(*positions_worth({f"K{i}": 100 + i for i in range(5)}), account="kraken")
    binance = a_snapshot(*positions_worth({f"B{i}": 50 + i for i in range(4)} | {"SMALL": 5}), account="binance")

    plans = [
        make_plan(own, a_policy(), marks={}, pending=(), now=NOW, siblings=[other])
        for own, other in ((kraken, binance), (binance, kraken))
    ]

    assert [over_cap(p, 8) for p in plans] == [2, 2]
    assert [over_cap_here(p, 8) for p in plans] == [0, 2]


def test_siblings_know_of_each_others_refusals() -> None:
    kraken = a_snapshot(*positions_worth({"ETH": 200, "SOL": 20}), account="kraken")
    binance = a_snapshot(*positions_worth({"BTC": 900}), account="binance")
    refused = {"SOL/USD": a_mark("SOL/USD", 20, retry_at=NOW + timedelta(hours=1))}

    plan = make_plan(
        binance,
        a_policy(max_positions=1),
        marks={},
        pending=(),
        now=NOW,
        siblings=[kraken],
        sibling_marks={"kraken": refused},
    )

    assert symbols(plan, ActionKind.TRIM_CAP) == ["BTC"]


def test_the_unvalued_count_and_stay_while_the_smallest_valued_go() -> None:  # case B8
    worth = {f"P{i}": 100 + i for i in range(9)} | {"AUT": None, "LUNA": None, "XYZ": None}

    plan = plan_for(a_snapshot(*positions_worth(worth)))

    assert plan.counted == 12
    assert symbols(plan, ActionKind.TRIM_CAP) == ["P0", "P1", "P2", "P3"]
    assert skips(plan) == dict.fromkeys(("AUT", "LUNA", "XYZ"), Reason.UNVALUED)


def test_an_unvalued_position_says_why_it_has_no_value() -> None:
    plan = plan_for(a_snapshot(a_position("AUT/USD", None, no_price=NoPrice.STALE)))

    assert plan.skips[0].detail == "stale"


def test_small_positions_are_closed_and_a_consolidation_candidate_is_listed() -> None:  # case C1
    plan = plan_for(a_snapshot(*positions_worth({"ADA": "5.00", "XRP": "3.25", "SOL": "9.00"})))

    assert symbols(plan, ActionKind.CLOSE_SMALL) == ["XRP", "ADA"]
    assert skips(plan) == {"SOL": Reason.CONSOLIDATION_CANDIDATE}


def test_nothing_is_left_to_do_once_the_small_are_gone() -> None:  # case C2
    plan = plan_for(a_snapshot(*positions_worth({"SOL": "9.00"})))

    assert is_compliant(plan, 8)


def test_consolidation_candidates_are_closed_where_the_policy_says_so() -> None:
    plan = plan_for(a_snapshot(*positions_worth({"SOL": "9.00"})), close_consolidation_candidates=True)

    (action,) = plan.actions
    assert (action.kind, action.reason) == (ActionKind.CLOSE_SMALL, Reason.CONSOLIDATION_CANDIDATE)


def test_a_consolidation_candidate_goes_when_the_cap_needs_its_slot() -> None:
    plan = plan_for(a_snapshot(*positions_worth({"BTC": 900, "SOL": "9.00"})), max_positions=1)

    assert symbols(plan, ActionKind.TRIM_CAP) == ["SOL"]
    assert not plan.skips


@pytest.mark.parametrize(("value", "kind"), [("7.49", ActionKind.CLOSE_SMALL), ("0.99", ActionKind.CLOSE_DUST)])
def test_strictly_below_a_threshold_is_closed(value: str, kind: ActionKind) -> None:
    plan = plan_for(a_snapshot(a_position("ADA/USD", value)))

    assert [a.kind for a in plan.actions] == [kind]


@pytest.mark.parametrize(("value", "counted"), [("1.00", 1), ("0.99", 0)])
def test_dust_takes_no_slot(value: str, counted: int) -> None:
    assert plan_for(a_snapshot(a_position("ADA/USD", value))).counted == counted


def test_a_dry_run_of_the_dust_cleanup_lists_dust_and_sells_none() -> None:  # case A3
    plan = plan_for(a_snapshot(*positions_worth({"ETH": "0.50", "DOGE": "0.75"})), dust_cleanup_dry_run=True)

    assert (plan.actions, plan.dust) == ((), ("DOGE/USD", "ETH/USD"))
    assert skips(plan) == dict.fromkeys(("ETH", "DOGE"), Reason.DUST_DRY_RUN)


def test_dust_below_the_lot_step_is_marked() -> None:  # case A5
    snapshot = a_snapshot(a_position("AAA/USD", "0.50", free="0.005"), markets=[a_market("AAA/USD", lot_step="0.01")])

    (action,) = plan_for(snapshot).actions

    assert (action.kind, action.reason) == (ActionKind.MARK_DUST, Reason.BELOW_LOT_STEP)


def test_dust_above_the_lot_step_is_sold_down_to_it() -> None:  # case A5
    snapshot = a_snapshot(a_position("AAA/USD", "0.50", free="0.055"), markets=[a_market("AAA/USD", lot_step="0.01")])

    (action,) = plan_for(snapshot).orders

    assert action.quantity == Decimal("0.05")


def test_unsellable_dust_is_marked_once() -> None:
    snapshot = a_snapshot(a_position("DOGE/USD", "0.50"), markets=[a_market("DOGE/USD", minimum_notional=5)])

    plan = plan_for(snapshot, a_mark("DOGE/USD", "0.50"))

    assert (plan.actions, skips(plan)) == ((), {"DOGE": Reason.BLACKLISTED})


def test_marked_dust_is_sold_once_the_venue_would_take_it() -> None:
    plan = plan_for(a_snapshot(a_position("DOGE/USD", "0.50")), a_mark("DOGE/USD", "0.50"))

    assert symbols(plan, ActionKind.CLOSE_DUST) == ["DOGE"]


def test_a_blacklisted_holding_at_one_and_a_half_times_the_threshold_counts_again() -> None:  # case A6
    plan = plan_for(a_snapshot(a_position("DOGE/USD", "1.50")), a_mark("DOGE/USD", "0.50"))

    assert (plan.counted, plan.regrown, plan.dust) == (1, ("DOGE/USD",), ())


def test_a_blacklisted_holding_just_above_the_threshold_is_left_alone() -> None:
    plan = plan_for(a_snapshot(a_position("DOGE/USD", "1.10")), a_mark("DOGE/USD", "0.50"))

    assert (plan.counted, plan.actions, skips(plan)) == (0, (), {"DOGE": Reason.BLACKLISTED})


@pytest.mark.parametrize(("value", "counts"), [("0.50", False), ("5.00", True), ("9.00", True)])
def test_what_an_operator_put_on_the_blacklist_is_left_alone_and_counts_by_its_value(value: str, counts: bool) -> None:
    snapshot = a_snapshot(a_position("DOGE/USD", value))

    plan = plan_for(snapshot, a_mark("DOGE/USD", value, reason=Reason.BLACKLISTED), close_consolidation_candidates=True)

    assert (plan.actions, skips(plan), plan.counted) == ((), {"DOGE": Reason.BLACKLISTED}, int(counts))


def test_what_an_operator_put_on_the_blacklist_goes_for_the_cap_in_its_turn() -> None:
    snapshot = a_snapshot(*positions_worth({"BTC": 900, "DOGE": 5, "SHIB": "0.50"}))
    marks = [a_mark(f"{asset}/USD", 5, reason=Reason.BLACKLISTED) for asset in ("DOGE", "SHIB")]

    plan = plan_for(snapshot, *marks, max_positions=1)

    assert symbols(plan, ActionKind.TRIM_CAP) == ["DOGE"]
    assert (len(plan.actions), skips(plan)) == (1, {"SHIB": Reason.BLACKLISTED})


@pytest.mark.parametrize("value", ["0.50", "5.00"])
def test_what_the_venue_refused_is_not_tried_again_before_its_time(value: str) -> None:
    mark = a_mark("DOGE/USD", value, retry_at=NOW + timedelta(seconds=1))

    assert skips(plan_for(a_snapshot(a_position("DOGE/USD", value)), mark)) == {"DOGE": Reason.REFUSED_BEFORE}


@pytest.mark.parametrize("value", ["0.50", "5.00"])
def test_what_the_venue_refused_is_tried_again_at_its_time(value: str) -> None:
    mark = a_mark("DOGE/USD", value, retry_at=NOW)

    assert len(plan_for(a_snapshot(a_position("DOGE/USD", value)), mark).orders) == 1


def test_the_cap_takes_the_next_larger_where_the_smallest_was_refused() -> None:
    mark = a_mark("SOL/USD", 20, retry_at=NOW + timedelta(hours=1))

    plan = plan_for(a_snapshot(*positions_worth({"BTC": 900, "ETH": 90, "SOL": 20})), mark, max_positions=2)

    assert symbols(plan, ActionKind.TRIM_CAP) == ["ETH"]


def test_a_small_position_below_the_venues_minimum_is_marked_and_counts() -> None:
    snapshot = a_snapshot(a_position("ADA/USD", 4), markets=[a_market("ADA/USD", minimum_notional=5)])

    plan = plan_for(snapshot)

    assert (symbols(plan, ActionKind.MARK_DUST), plan.counted) == (["ADA"], 1)


def test_a_marked_small_position_goes_on_counting() -> None:
    snapshot = a_snapshot(a_position("ADA/USD", "1.10"), markets=[a_market("ADA/USD", minimum_notional=5)])

    plan = plan_for(snapshot, a_mark("ADA/USD", "1.10"))

    assert (plan.counted, skips(plan)) == (1, {"ADA": Reason.BLACKLISTED})


def test_a_small_sale_that_leaves_a_counting_rest_locked_is_not_made() -> None:
    plan = plan_for(a_snapshot(a_position("ADA/USD", 6, free=2, locked=4)))

    assert (plan.actions, skips(plan)) == ((), {"ADA": Reason.LOCKED_AT_VENUE})


def test_a_small_sale_that_leaves_a_counting_rest_held_is_not_made() -> None:
    snapshot = a_snapshot(a_position("ADA/USD", 6, free=2, held=4), open_orders=[an_open_order("ADA/USD", quantity=4)])

    assert skips(plan_for(snapshot, cancel_open_orders=False)) == {"ADA": Reason.FUNDS_HELD}


def test_orders_that_hold_what_must_be_sold_are_canceled_first() -> None:
    snapshot = a_snapshot(
        a_position("ADA/USD", 6, free=2, held=4),
        open_orders=[an_open_order("ADA/USD", order_id="V3", quantity=4)],
    )

    (action,) = plan_for(snapshot).orders

    assert (action.quantity, action.cancel_first) == (6, ("V3",))


def test_the_cap_passes_over_what_a_sale_would_not_free() -> None:
    snapshot = a_snapshot(
        a_position("BTC/USD", 900),
        a_position("ETH/USD", 500),
        a_position("SOL/USD", 100, free=1, locked=1),
    )

    assert symbols(plan_for(snapshot, max_positions=2), ActionKind.TRIM_CAP) == ["ETH"]


def test_a_small_sale_whose_rest_still_counts_does_not_spare_another_position() -> None:
    snapshot = a_snapshot(
        a_position("BTC/USD", 900),
        a_position("ETH/USD", 500),
        a_position("ADA/USD", 7, free=Decimal("1.9")),
        markets=[a_market("ADA/USD", lot_step=1)],
    )

    plan = plan_for(snapshot, max_positions=2)

    assert [a.symbol for a in plan.actions] == ["ADA/USD", "ETH/USD"]


def test_a_small_position_that_can_only_be_marked_keeps_its_slot() -> None:
    snapshot = a_snapshot(
        *positions_worth({"BTC": 900, "ETH": 500, "ADA": 4}), markets=[a_market("ADA/USD", minimum_notional=5)]
    )

    plan = plan_for(snapshot, max_positions=2)

    assert [a.symbol for a in plan.actions] == ["ETH/USD", "ADA/USD"]


def test_of_equals_the_alphabetically_first_is_kept() -> None:
    plan = plan_for(a_snapshot(*positions_worth({"CCC": 50, "AAA": 50, "BBB": 50})), max_positions=2)

    assert symbols(plan, ActionKind.TRIM_CAP) == ["CCC"]


def test_a_trim_says_its_rank() -> None:
    plan = plan_for(a_snapshot(*positions_worth({f"P{i}": 100 - i for i in range(9)})))

    assert plan.actions[0].detail == "rank 9 of 9 by value, cap 8, worth 92.00"


def test_three_scans_over_one_pending_exit_make_no_second_order() -> None:  # case I1
    snapshot = a_snapshot(*positions_worth({"BTC": 900, "ADA": 5}))

    plans = [plan_for(snapshot, pending=("ADA/USD",)) for _ in range(3)]

    assert [p.orders for p in plans] == [(), (), ()]
    assert skips(plans[0]) == {"ADA": Reason.ORDER_PENDING}
    assert plans[0].counted == 2


def test_nothing_larger_is_sold_in_the_stead_of_a_pending_exit() -> None:
    plan = plan_for(
        a_snapshot(*positions_worth({"BTC": 900, "ETH": 90, "SOL": 20})),
        pending=("SOL/USD",),
        max_positions=2,
    )

    assert (plan.counted, plan.actions) == (3, ())
    assert not is_compliant(plan, 2)


def test_a_pending_order_on_a_large_position_does_not_shield_the_smallest() -> None:
    plan = plan_for(
        a_snapshot(*positions_worth({"BTC": 900, "ETH": 90, "SOL": 20})),
        pending=("BTC/USD",),
        max_positions=2,
    )

    assert symbols(plan, ActionKind.TRIM_CAP) == ["SOL"]


def test_actions_come_as_dust_small_trims_marks_each_by_value() -> None:
    snapshot = a_snapshot(
        *positions_worth({"BTC": 900, "ETH": 90, "SOL": 80, "ADA": 5, "XRP": 4, "DOGE": "0.60", "PEPE": "0.20"}),
        a_position("SHIB/USD", "0.10"),
        markets=[a_market("SHIB/USD", active=False)],
    )

    plan = plan_for(snapshot, max_positions=1)

    assert [a.symbol.removesuffix("/USD") for a in plan.actions] == ["PEPE", "DOGE", "XRP", "ADA", "SOL", "ETH", "SHIB"]


def test_a_plan_is_void_after_its_time_and_names_its_policy() -> None:
    plan = plan_for(a_snapshot(), plan_ttl_seconds=60)

    assert (plan.made_at, plan.expires_at) == (NOW, NOW + timedelta(seconds=60))
    assert plan.policy_version == a_policy(plan_ttl_seconds=60).version


def test_a_plan_adds_up() -> None:
    worth = {"BTC": 900, "ETH": 90, "ADA": 5, "DOGE": "0.50", "AUT": None, "SOL": 9}

    assert positions_read(plan_for(a_snapshot(*positions_worth(worth)), max_positions=3)) == 6


def test_an_account_without_positions_is_compliant() -> None:
    assert is_compliant(plan_for(a_snapshot()), 8)
