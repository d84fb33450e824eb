"""What holds for every plan, whatever an account holds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.dust import DustMark
from models.plan import Action, Plan
from models.policy import Policy
from models.position import Position, Snapshot
from models.reasons import ActionKind
from rules.plan import make_plan, positions_read
from rules.sellable import Sellable, sellable
from tests.builders import NOW
from tests.strategies import marks, plan_inputs, policies, snapshots

Inputs = tuple[Snapshot, Policy, dict[str, DustMark], frozenset[str]]


def plan_of(inputs: Inputs) -> Plan:
    snapshot, policy, known, pending = inputs
    return make_plan(snapshot, policy, marks=known, pending=pending, now=NOW)


def once_filled(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Return what the venue holds once every order of the plan has filled."""
    sold = {a.symbol: a for a in plan.orders}
    left = [_less(p, sold[p.symbol]) if p.symbol in sold else p for p in snapshot.positions]
    canceled = {order_id for a in plan.orders for order_id in a.cancel_first}
    return replace(
        snapshot,
        positions=tuple(p for p in left if p.holding.total),
        open_orders=tuple(o for o in snapshot.open_orders if o.order_id not in canceled),
    )


def with_marks(known: dict[str, DustMark], plan: Plan) -> dict[str, DustMark]:
    made = [a for a in plan.actions if a.kind is ActionKind.MARK_DUST]
    return known | {a.symbol: DustMark(a.symbol, a.reason, a.value, NOW) for a in made}


def _less(position: Position, action: Action) -> Position:
    holding = position.holding
    from_held = max(Decimal(0), action.quantity - holding.free)
    free = holding.free - (action.quantity - from_held)
    return replace(position, holding=replace(holding, free=free, held=holding.held - from_held))


def _by_symbol(positions: Iterable[Position]) -> dict[str, Position]:
    return {p.symbol: p for p in positions}


@given(plan_inputs())
def test_every_position_stands_exactly_once(inputs: Inputs) -> None:
    plan = plan_of(inputs)

    told = Counter([*(a.symbol for a in plan.actions), *(s.symbol for s in plan.skips), *plan.kept])

    assert told == Counter(p.symbol for p in inputs[0].positions)
    assert positions_read(plan) == len(inputs[0].positions)


@given(plan_inputs())
def test_the_unvalued_and_the_pending_are_never_sold(inputs: Inputs) -> None:
    snapshot, _, _, pending = inputs

    sold = {a.symbol for a in plan_of(inputs).orders}

    assert not sold & {p.symbol for p in snapshot.unvalued}
    assert not sold & pending


@given(plan_inputs())
def test_never_more_is_sold_than_is_free_or_held_by_orders_canceled_first(inputs: Inputs) -> None:
    snapshot = inputs[0]
    positions, orders = _by_symbol(snapshot.positions), {o.order_id: o for o in snapshot.open_orders}

    for action in plan_of(inputs).orders:
        holding = positions[action.symbol].holding
        freed = sum((orders[i].quantity for i in action.cancel_first), Decimal(0))
        assert 0 < action.quantity <= holding.free + min(holding.held, freed)
        assert all(orders[i].side == "sell" and orders[i].symbol == action.symbol for i in action.cancel_first)


@given(plan_inputs())
def test_every_order_meets_the_venues_limits(inputs: Inputs) -> None:
    snapshot = inputs[0]
    positions = _by_symbol(snapshot.positions)

    for action in plan_of(inputs).orders:
        market, price = snapshot.markets[action.symbol], positions[action.symbol].price
        assert market.active
        assert price is not None
        assert action.quantity % market.lot_step == 0
        assert action.quantity >= (market.minimum_quantity or 0)
        assert action.quantity * price.value >= (market.minimum_notional or 0)


@given(plan_inputs())
def test_once_filled_the_cap_holds_or_nothing_that_is_left_can_free_a_slot(inputs: Inputs) -> None:
    snapshot, policy, known, pending = inputs
    plan = plan_of(inputs)
    left = once_filled(snapshot, plan)
    after = make_plan(left, policy, marks=with_marks(known, plan), pending=pending, now=NOW)

    def frees(position: Position) -> bool:
        sale = sellable(position, snapshot=left, policy=policy)
        mark = known.get(position.symbol)
        is_refused = mark is not None and mark.retry_at is not None and mark.retry_at > NOW
        if is_refused or not isinstance(sale, Sellable) or position.price is None:
            return False
        return sale.remainder * position.price.value < policy.dust_threshold_usd

    counting = [p for p in left.positions if p.symbol not in after.dust]
    if not pending:
        assert after.counted <= policy.max_positions or not any(frees(p) for p in counting)


@given(plan_inputs())
def test_the_cap_never_takes_more_than_its_excess(inputs: Inputs) -> None:
    plan = plan_of(inputs)

    trims = sum(a.kind is ActionKind.TRIM_CAP for a in plan.actions)

    assert trims <= max(0, plan.counted - inputs[1].max_positions)


@given(plan_inputs())
def test_once_filled_and_marked_no_order_is_left_and_then_nothing_at_all(inputs: Inputs) -> None:
    snapshot, policy, known, pending = inputs
    first = plan_of(inputs)
    left, known = once_filled(snapshot, first), with_marks(known, first)

    second = make_plan(left, policy, marks=known, pending=pending, now=NOW + timedelta(seconds=3))
    third = make_plan(left, policy, marks=with_marks(known, second), pending=pending, now=NOW + timedelta(seconds=6))

    assert second.orders == ()
    assert third.actions == ()


@given(plan_inputs(), st.randoms(use_true_random=False))
def test_the_order_of_a_read_changes_no_plan(inputs: Inputs, random: object) -> None:
    snapshot, policy, known, pending = inputs
    shuffled = list(snapshot.positions)
    random.shuffle(shuffled)

    other = make_plan(replace(snapshot, positions=tuple(shuffled)), policy, marks=known, pending=pending, now=NOW)

    assert other == plan_of(inputs)


@given(plan_inputs(), st.decimals("0.9", "1.1", places=3))
def test_the_hash_stays_when_prices_move_and_no_action_changes(inputs: Inputs, factor: Decimal) -> None:
    snapshot, policy, known, pending = inputs
    moved = replace(
        snapshot,
        positions=tuple(
            replace(p, price=replace(p.price, value=p.price.value * factor)) if p.price else p
            for p in snapshot.positions
        ),
    )

    before, after = plan_of(inputs), make_plan(moved, policy, marks=known, pending=pending, now=NOW)

    def steps(plan: Plan) -> list[tuple[str, str, Decimal]]:
        return [(a.kind, a.symbol, a.quantity) for a in plan.actions]

    assert (before.content_hash == after.content_hash) is (steps(before) == steps(after))


@given(snapshots("a", most=8), snapshots("b", most=8), policies(), st.data())
def test_siblings_on_the_same_data_sell_no_more_than_their_common_excess(
    one: Snapshot, two: Snapshot, policy: Policy, data: st.DataObject
) -> None:
    known = {"a": data.draw(marks(one)), "b": data.draw(marks(two))}

    plans = [
        make_plan(own, policy, marks=known[own.account], pending=(), now=NOW, siblings=[other], sibling_marks=known)
        for own, other in ((one, two), (two, one))
    ]

    trims = sum(a.kind is ActionKind.TRIM_CAP for p in plans for a in p.actions)
    assert [p.counted for p in plans] == [p.counted_elsewhere for p in reversed(plans)]
    assert trims <= max(0, sum(p.counted for p in plans) - policy.max_positions)
    together = make_plan(
        replace(
            one,
            positions=one.positions + tuple(_renamed(p) for p in two.positions),
            markets={**one.markets, **{f"2{s}": m for s, m in two.markets.items()}},
            open_orders=one.open_orders + tuple(replace(o, symbol=f"2{o.symbol}") for o in two.open_orders),
        ),
        policy,
        marks=known["a"] | {f"2{s}": m for s, m in known["b"].items()},
        pending=(),
        now=NOW,
    )
    assert trims == sum(a.kind is ActionKind.TRIM_CAP for a in together.actions)


def _renamed(position: Position) -> Position:
    return replace(position, symbol=f"2{position.symbol}")
