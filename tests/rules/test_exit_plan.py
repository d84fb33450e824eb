"""Which positions are left now: stops before all others, nothing unvalued, and every skip with its reason."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.adoption import EntrySource
from models.dust import DustMark
from models.exits import NEVER, OwnLimit, PositionConfig
from models.plan import Plan, Skip
from models.policy import Policy
from models.position import Position, Snapshot, Tracked
from models.reasons import ActionKind, Reason
from models.scope import Scope
from rules.exit_limits import entry_in_force, limits_in_force
from rules.exit_plan import STOPS, ExitFacts, make_exit_plan, standing_stops, unknown_entries
from rules.plan import positions_read
from rules.sellable import Sellable, sellable
from tests.builders import NOW, Number, a_mark, a_market, a_policy, a_position, a_snapshot, an_open_order
from tests.strategies import amounts, marks, snapshots

POLICY = a_policy().scoped(Scope.EXITS)
LONG_AGO = NOW - timedelta(hours=25)


def tracked(
    symbol: str = "BTC/USD", entry: Number | None = 100, *, peak: Number | None = None, hours: float = 1
) -> Tracked:
    return Tracked(
        symbol,
        Decimal(1),
        None if entry is None else Decimal(entry),
        NOW - timedelta(hours=hours),
        peak_price=None if peak is None else Decimal(peak),
    )


def own(
    symbol: str = "BTC/USD", *, entry: Number | None = None, set_hours_ago: float = 0, **limits: OwnLimit
) -> PositionConfig:
    return PositionConfig(
        "platform",
        symbol,
        **limits,
        entry_price=None if entry is None else Decimal(entry),
        set_at=NOW - timedelta(hours=set_hours_ago),
    )


def planned(
    snapshot: Snapshot,
    *known: Tracked,
    policy: Policy = POLICY,
    configs: Mapping[str, PositionConfig] | None = None,
    known_marks: Mapping[str, DustMark] | None = None,
    pending: tuple[str, ...] = (),
    refused: Mapping[str, str] | None = None,
) -> Plan:
    facts = ExitFacts({t.symbol: t for t in known}, configs or {}, known_marks or {}, pending, refused or {})
    return make_exit_plan(snapshot, policy, facts, now=NOW)


def at(price: Number | None, symbol: str = "BTC/USD") -> Position:
    return a_position(symbol, price)


def kinds(plan: Plan) -> list[tuple[ActionKind, str]]:
    return [(a.kind, a.symbol) for a in plan.actions]


# D1
@pytest.mark.parametrize(
    ("price", "known", "kind"),
    [
        ("95", tracked(), ActionKind.STOP_LOSS),
        ("110", tracked(), ActionKind.TAKE_PROFIT),
        ("108", tracked(entry=110, peak=115), ActionKind.TRAILING_STOP),
        ("100", tracked(hours=25), ActionKind.TIME_LIMIT),
    ],
)
def test_each_reason_is_an_action_of_its_own_kind(price: str, known: Tracked, kind: ActionKind) -> None:
    (action,) = planned(a_snapshot(at(price)), known).actions

    assert (action.kind, action.reason, action.quantity, action.side) == (kind, kind.value, 1, "sell")
    assert (action.entry_price, action.held_since) == (known.entry_price, known.first_seen_at)


def test_a_position_within_its_limits_is_kept() -> None:
    plan = planned(a_snapshot(at("102")), tracked())

    assert (plan.actions, plan.skips, plan.kept) == ((), (), ("BTC/USD",))


def test_stops_go_before_all_others_and_the_largest_of_a_kind_first() -> None:
    values = {"TIME": 5000, "GAIN": 200, "TRAIL": 105, "SMALL": 20, "LARGE": 90}
    entries = {"TIME": 5000, "GAIN": 100, "TRAIL": 105, "SMALL": 100, "LARGE": 100}
    known = [
        tracked(f"{name}/USD", entries[name], peak=200 if name == "TRAIL" else None, hours=25 if name == "TIME" else 1)
        for name in values
    ]

    plan = planned(a_snapshot(*(at(value, f"{name}/USD") for name, value in values.items())), *known)

    assert [a.symbol for a in plan.actions] == ["LARGE/USD", "SMALL/USD", "TRAIL/USD", "GAIN/USD", "TIME/USD"]


# D2
def test_without_an_entry_price_a_position_is_held_and_named_and_its_age_counts() -> None:
    snapshot = a_snapshot(at("1"), at("1", "ETH/USD"))

    plan = planned(snapshot, tracked(entry=None), tracked("ETH/USD", None, hours=25))

    assert unknown_entries(plan) == ("BTC/USD",)
    assert kinds(plan) == [(ActionKind.TIME_LIMIT, "ETH/USD")]


def test_nobody_is_asked_for_an_entry_price_that_no_limit_needs() -> None:
    policy = a_policy(stop_loss_fraction=None, take_profit_fraction=None, trailing_stop_fraction=None)

    assert planned(a_snapshot(at("50")), tracked(entry=None), policy=policy).kept == ("BTC/USD",)
    assert planned(a_snapshot(at("0.50")), tracked(entry=None)).kept == ("BTC/USD",)  # dust


# Law 1, incident 8
def test_what_has_no_price_is_never_left_however_old_it_is() -> None:
    plan = planned(a_snapshot(at(None)), tracked(hours=1000))

    assert plan.skips == (Skip("BTC/USD", Reason.UNVALUED, "no_ticker"),)


# I1
def test_a_pending_order_of_the_symbol_keeps_everything_new_back_and_the_stop_stands() -> None:
    plan = planned(a_snapshot(at("90"), at("90", "ETH/USD")), tracked(), tracked("ETH/USD"), pending=("BTC/USD",))

    assert kinds(plan) == [(ActionKind.STOP_LOSS, "ETH/USD")]
    assert "order_pending" in standing_stops(plan)["BTC/USD"]


@pytest.mark.parametrize(
    ("position", "market", "reason"),
    [
        (at("90"), a_market(active=False), Reason.MARKET_INACTIVE),
        (at("90"), a_market(minimum_notional=100), Reason.BELOW_MINIMUM_NOTIONAL),
        (a_position(value=90, free=0, locked=1), a_market(), Reason.LOCKED_AT_VENUE),
    ],
)
def test_a_stop_that_cannot_be_sold_is_a_skip_with_its_reason_and_stands(
    position: Position, market: object, reason: Reason
) -> None:
    plan = planned(a_snapshot(position, markets=[market]), tracked())

    (skip,) = plan.skips
    assert (skip.reason, skip.wanted) == (reason, ActionKind.STOP_LOSS)
    assert standing_stops(plan) == {"BTC/USD": f"-10.00 % from its entry at 90: {reason}"}


def test_an_exit_that_is_no_stop_and_cannot_be_sold_is_a_skip_alone() -> None:
    plan = planned(a_snapshot(at("110"), markets=[a_market(active=False)]), tracked())

    assert (plan.skips[0].wanted, standing_stops(plan)) == (ActionKind.TAKE_PROFIT, {})


def test_dust_that_cannot_be_sold_escalates_nothing_and_what_can_be_is_left() -> None:
    unsellable = a_snapshot(at("0.50"), markets=[a_market(minimum_notional=5)])

    assert standing_stops(planned(unsellable, tracked())) == {}
    assert kinds(planned(a_snapshot(at("0.50")), tracked())) == [(ActionKind.STOP_LOSS, "BTC/USD")]


def test_dust_that_a_person_put_on_the_blacklist_is_let_be() -> None:
    mark = a_mark("BTC/USD", reason=Reason.BLACKLISTED)

    assert planned(a_snapshot(at("0.50")), tracked(hours=99), known_marks={"BTC/USD": mark}).actions == ()
    assert kinds(planned(a_snapshot(at("50")), tracked(), known_marks={"BTC/USD": mark})) != []


def test_a_stop_does_not_rest_for_having_been_refused_before_and_other_exits_do() -> None:
    rests = {"BTC/USD": a_mark("BTC/USD", 90, retry_at=NOW + timedelta(hours=1))}

    assert kinds(planned(a_snapshot(at("90")), tracked(), known_marks=rests)) == [(ActionKind.STOP_LOSS, "BTC/USD")]
    assert planned(a_snapshot(at("120")), tracked(), known_marks=rests).skips[0].reason is Reason.REFUSED_BEFORE


def test_what_was_refused_in_this_run_waits_for_the_next_one_with_the_venue_s_words() -> None:
    plan = planned(a_snapshot(at("90")), tracked(), refused={"BTC/USD": "INVALID_ORDER: too many digits"})

    assert plan.actions == ()
    assert standing_stops(plan)["BTC/USD"].endswith("INVALID_ORDER: too many digits: refused_before")


def test_what_resting_orders_hold_is_left_too_once_they_are_canceled() -> None:
    snapshot = a_snapshot(a_position(value=90, free=0, held=1), open_orders=[an_open_order(order_id="V7")])

    (action,) = planned(snapshot, tracked()).actions

    assert (action.quantity, action.cancel_first) == (1, ("V7",))


def test_own_limits_win_over_the_policy_s_one_by_one() -> None:
    limits = limits_in_force(POLICY, own(stop_loss=NEVER, max_hold_hours=Decimal("1.5")))

    assert (limits.stop_loss_fraction, limits.longest_hold) == (None, timedelta(hours=1.5))
    assert (limits.take_profit_fraction, limits.trailing_stop_fraction) == (Decimal("0.08"), Decimal("0.05"))


@pytest.mark.parametrize(
    ("known", "told", "entry"),
    [
        (tracked(entry=80), own(entry=90), 80),  # what fills say is better than what anybody says
        (tracked(entry=None), own(entry=90), 90),
        (replace(tracked(entry=80), entry_source=EntrySource.BY_HAND), own(entry=90), 90),  # a word taken back
        (replace(tracked(entry=80), entry_source=EntrySource.BY_HAND), None, 80),
        (tracked(entry=None, hours=1), own(entry=90, set_hours_ago=2), None),  # of an earlier position
        (tracked(entry=None), None, None),
    ],
)
def test_an_entry_price_is_what_fills_tell_else_what_a_person_told_of_this_very_position(
    known: Tracked, told: PositionConfig | None, entry: int | None
) -> None:
    assert entry_in_force(known, told) == entry


# Incident 15
def test_a_loss_of_a_hundredth_of_a_percent_leaves_nothing() -> None:
    assert planned(a_snapshot(at("99.99")), tracked()).actions == ()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Snapshot, ExitFacts, Policy]:
    """Return an account with entries, peaks and ages of all sorts; some of it pending, marked or set by hand."""
    snapshot = draw(snapshots(most=6))
    symbols = [p.symbol for p in snapshot.positions]
    prices = st.none() | amounts("0.01", "300", 2)
    known = {
        s: Tracked(
            s, Decimal(1), draw(prices), NOW - timedelta(hours=draw(st.integers(0, 48))), peak_price=draw(prices)
        )
        for s in symbols
    }
    limits: st.SearchStrategy[OwnLimit] = st.sampled_from([None, NEVER, Decimal("0.01")])
    configs = {s: own(s, stop_loss=draw(limits), max_hold_hours=draw(limits)) for s in symbols if draw(st.booleans())}
    pending = frozenset(s for s in symbols if draw(st.integers(0, 9)) == 0)
    facts = ExitFacts(known, configs, draw(marks(snapshot)), pending)
    return snapshot, facts, a_policy(cancel_open_orders=draw(st.booleans())).scoped(Scope.EXITS)


@given(cases())
def test_every_position_stands_exactly_once(case: tuple[Snapshot, ExitFacts, Policy]) -> None:
    snapshot, facts, policy = case
    plan = make_exit_plan(snapshot, policy, facts, now=NOW)

    told = [*(a.symbol for a in plan.actions), *(s.symbol for s in plan.skips), *plan.kept]
    assert sorted(told) == sorted(p.symbol for p in snapshot.positions)
    assert positions_read(plan) == len(snapshot.positions)


@given(cases())
def test_nothing_unvalued_or_pending_is_sold_and_never_more_than_can_be_freed(
    case: tuple[Snapshot, ExitFacts, Policy],
) -> None:
    snapshot, facts, policy = case
    by_symbol = {p.symbol: p for p in snapshot.positions}

    for action in make_exit_plan(snapshot, policy, facts, now=NOW).actions:
        position = by_symbol[action.symbol]
        sale = sellable(position, snapshot=snapshot, policy=policy)
        assert position.price is not None
        assert action.symbol not in facts.pending
        assert isinstance(sale, Sellable)
        assert 0 < action.quantity <= sale.quantity <= position.holding.free + max(position.holding.held, Decimal(0))


@given(cases())
def test_a_stop_is_planned_whatever_else_holds(case: tuple[Snapshot, ExitFacts, Policy]) -> None:
    snapshot, facts, policy = case
    lost = {s: replace(t, entry_price=Decimal(10**9), peak_price=None) for s, t in facts.tracked.items()}
    facts = replace(facts, tracked=lost, configs={})

    plan = make_exit_plan(snapshot, policy, facts, now=NOW)

    let_be = {s.symbol for s in plan.skips if s.reason is Reason.BLACKLISTED}
    can_go = {
        p.symbol
        for p in snapshot.valued
        if p.symbol not in facts.pending and isinstance(sellable(p, snapshot=snapshot, policy=policy), Sellable)
    }
    assert {a.symbol for a in plan.actions if a.kind is ActionKind.STOP_LOSS} == can_go - let_be
    assert all(a.kind in STOPS for a in plan.actions)
