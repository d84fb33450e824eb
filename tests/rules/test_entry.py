from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from models.balance import BalanceState
from models.order import LedgerOrder
from models.position import Snapshot
from models.reasons import Block, HaltCause, OrderState
from models.risk import RiskDay
from rules.entry import EntryFacts, judge_entry
from tests.builders import (
    NOW,
    a_ledger_order,
    a_market,
    a_policy,
    a_position,
    a_price,
    a_snapshot,
    an_intent,
    an_open_order,
    positions_worth,
)


def facts(snapshot: Snapshot | None = None, *, symbol: str = "SOL/USD", **changes: object) -> EntryFacts:
    """Return the facts of an entry that nothing blocks: 100 into SOL/USD, with 1000 in cash and one position."""
    base = EntryFacts(
        symbol=symbol,
        amount_quote=Decimal(100),
        policy=a_policy(max_positions=3),
        snapshot=snapshot or an_account(),
        price=a_price(20),
        now=NOW,
    )
    return replace(base, **changes)


def an_account(*assets: str, **changes: object) -> Snapshot:
    given = {"markets": [a_market("SOL/USD")]} | changes
    return a_snapshot(*positions_worth(dict.fromkeys(assets or ("BTC",), 500)), **given)


def holding(values: Mapping[str, int | None], **changes: object) -> Snapshot:
    return a_snapshot(*positions_worth(values), **{"markets": [a_market("SOL/USD")], **changes})


def an_undecided(symbol: str, side: str) -> LedgerOrder:
    return a_ledger_order(OrderState.UNKNOWN, intent=an_intent(symbol, side=side))


def test_an_entry_that_nothing_blocks_is_allowed() -> None:
    verdict = judge_entry(facts())

    assert (verdict.is_allowed, verdict.blocks, verdict.exits_allowed) == (True, (), True)


@pytest.mark.parametrize(
    ("judged", "block"),
    [
        (facts(is_halted=True), Block.HALTED),
        (facts(is_contract_broken=True), Block.CONTRACT_BROKEN),
        (facts(undecided=(an_undecided("BTC/USD", "sell"),)), Block.ORDER_UNDECIDED),
        (facts(reserved={"SOL/USD"}), Block.ENTRY_PENDING),
        (facts(a_snapshot(a_position("AUT/USD", None), markets=[a_market("SOL/USD")])), Block.UNVALUED_HOLDING),
        (facts(frozen={"SOL/USD"}), Block.SYMBOL_FROZEN),
        (facts(is_unreconciled=True), Block.RECONCILIATION_FAILED),
        (facts(policy=a_policy(restricted_symbols=["SOL/USD"])), Block.SYMBOL_RESTRICTED),
        (facts(an_account("A", "B", "C")), Block.CAP_REACHED),
        (facts(an_account("A", "B"), reserved={"ETH/USD"}), Block.CAP_REACHED),
        (facts(an_account("A", "B"), counted_elsewhere=1), Block.CAP_REACHED),
        (facts(an_account("A", "B", open_orders=[an_open_order("ETH/USD", side="buy")])), Block.CAP_REACHED),
        (facts(an_account(markets=[])), Block.SYMBOL_UNKNOWN),
        (facts(an_account(markets=[a_market("SOL/USD", active=False)])), Block.MARKET_INACTIVE),
        (facts(price=None), Block.NO_PRICE),
        (facts(price=a_price(20, at=NOW - timedelta(hours=1))), Block.NO_PRICE),
        (facts(an_account(markets=[a_market("SOL/USD", minimum_notional="100.01")])), Block.BELOW_VENUE_MINIMUM),
        (facts(an_account(markets=[a_market("SOL/USD", lot_step=10)])), Block.BELOW_VENUE_MINIMUM),
        (facts(an_account(cash=700), amount_quote=Decimal(701)), Block.INSUFFICIENT_CASH),
        (facts(an_account(cash=2000), amount_quote=Decimal("1000.01")), Block.SIZE_LIMIT),
        (facts(holding({"BTC": 4500}), amount_quote=Decimal(501)), Block.EXPOSURE_LIMIT),
        (facts(holding({"BTC": 4000}, cash=2000, cash_free=1500), amount_quote=Decimal(501)), Block.EXPOSURE_LIMIT),
        (facts(holding(dict.fromkeys("ABCDEFGHIJ", 20)), policy=a_policy(max_positions=30)), Block.POSITIONS_LIMIT),
        (facts(counted_in_fleet=90, allowed_in_fleet=90), Block.GLOBAL_LIMIT),  # J2: 91 with the one here
        (facts(halted_for={HaltCause.DAILY_LOSS}), Block.DAILY_LOSS),
        (facts(day=RiskDay(NOW.date(), *map(Decimal, (10_000, 10_000, 9_499)))), Block.DAILY_LOSS),
        (facts(policy=a_policy(minimum_balance_usd=1501)), Block.BALANCE_TOO_LOW),
        (facts(reserved_quote=Decimal(901)), Block.INSUFFICIENT_CASH),
        (facts(an_account(cash_free=99)), Block.INSUFFICIENT_CASH),
        (facts(an_account(reported_equity=5000)), Block.EQUITY_MISMATCH),
    ],
)
def test_each_obstacle_blocks_an_entry_by_its_name(judged: EntryFacts, block: Block) -> None:
    assert judge_entry(judged).blocks == (block,)


def test_an_unreadable_account_allows_neither_entry_nor_exit() -> None:
    verdict = judge_entry(replace(facts(), snapshot=None))

    assert (verdict.blocks, verdict.exits_allowed) == ((Block.POSITIONS_UNREADABLE,), False)


# incident 16
@pytest.mark.parametrize(
    ("minutes", "snapshot", "blocks"),
    [
        (0, None, (Block.POSITIONS_UNREADABLE, Block.BALANCE_STALE)),
        (4, None, (Block.POSITIONS_UNREADABLE, Block.BALANCE_STALE)),
        (5, None, (Block.POSITIONS_UNREADABLE,)),
        (5, an_account(cash_free=99), (Block.INSUFFICIENT_CASH,)),
        (5, an_account(), ()),
    ],
)
def test_on_a_balance_of_five_minutes_ago_exits_go_on_and_entries_as_the_policy_says(
    minutes: float, snapshot: Snapshot | None, blocks: tuple[Block, ...]
) -> None:
    cash = Decimal(1000)
    last = BalanceState("platform", cash, cash, cash, NOW - timedelta(minutes=5), errors=1)
    policy = a_policy(max_positions=3, allow_stale_balance_minutes=minutes)

    verdict = judge_entry(replace(facts(), snapshot=snapshot, last_balance=last, policy=policy))

    assert (verdict.blocks, verdict.exits_allowed) == (blocks, True)


# J2
@pytest.mark.parametrize(("elsewhere", "blocks"), [(89, ()), (90, (Block.GLOBAL_LIMIT,))])
def test_at_90_of_100_positions_an_entry_is_allowed_and_at_91_it_is_refused(
    elsewhere: int, blocks: tuple[Block, ...]
) -> None:
    assert judge_entry(facts(counted_in_fleet=elsewhere, allowed_in_fleet=90)).blocks == blocks


def test_what_is_held_already_may_grow_while_the_fleet_is_full() -> None:
    assert judge_entry(facts(an_account("SOL"), counted_in_fleet=500, allowed_in_fleet=90)).is_allowed


# J2
@pytest.mark.parametrize(("cash", "blocks"), [("10", ()), ("9.99", (Block.BALANCE_TOO_LOW,))])
def test_below_ten_dollars_in_all_no_entry_is_allowed(cash: str, blocks: tuple[Block, ...]) -> None:
    judged = facts(a_snapshot(cash=cash, markets=[a_market("SOL/USD")]), amount_quote=Decimal(5))

    assert judge_entry(judged).blocks == blocks


def test_a_balance_that_is_not_wholly_known_is_not_called_too_low() -> None:
    judged = facts(holding({"AUT": None}, cash=5), amount_quote=Decimal(5))

    assert judge_entry(judged).blocks == (Block.UNVALUED_HOLDING,)


# J3
def test_of_two_users_at_five_and_at_three_of_five_the_second_may_enter() -> None:
    policy = a_policy(max_positions=5)
    full, other = (facts(an_account(*assets), policy=policy) for assets in ("ABCDE", "ABC"))

    assert [judge_entry(one).blocks for one in (full, other)] == [(Block.CAP_REACHED,), ()]


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(-9999)])
def test_no_override_makes_an_entry_of_nothing_or_less(amount: Decimal) -> None:
    verdict = judge_entry(facts(amount_quote=amount, set_aside={Block.SIZE_LIMIT}))

    assert (verdict.blocks, verdict.overridden) == ((Block.BELOW_VENUE_MINIMUM,), (Block.SIZE_LIMIT,))


def test_what_a_person_set_aside_blocks_nothing_and_is_named() -> None:
    judged = facts(
        an_account(cash=2000),
        amount_quote=Decimal(1500),
        halted_for={HaltCause.DAILY_LOSS},
        set_aside={Block.SIZE_LIMIT, Block.DAILY_LOSS, Block.DRAWDOWN},
    )

    verdict = judge_entry(judged)

    assert verdict.is_allowed
    assert verdict.overridden == (Block.DAILY_LOSS, Block.SIZE_LIMIT)


def test_an_account_that_cannot_be_read_still_names_the_limits_that_need_no_read() -> None:
    judged = replace(facts(halted_for={HaltCause.DRAWDOWN}, amount_quote=Decimal(1001)), snapshot=None)

    assert judge_entry(judged).blocks == (Block.POSITIONS_UNREADABLE, Block.DRAWDOWN, Block.SIZE_LIMIT)


# incident 20
def test_between_a_venue_s_minimum_and_a_lower_ceiling_no_amount_is_allowed() -> None:
    snapshot = an_account(cash=5000, markets=[a_market("SOL/USD", minimum_notional=1500)])

    blocks = [judge_entry(facts(snapshot, amount_quote=Decimal(usd))).blocks for usd in (1000, 1500)]

    assert blocks == [
        (Block.BELOW_VENUE_MINIMUM, Block.FLOOR_ABOVE_CEILING),
        (Block.FLOOR_ABOVE_CEILING, Block.SIZE_LIMIT),
    ]


def test_every_obstacle_is_named_at_once() -> None:
    judged = facts(an_account("A", "B", "C", cash=5, markets=[]), is_halted=True, price=None)

    assert set(judge_entry(judged).blocks) == {
        Block.HALTED,
        Block.CAP_REACHED,
        Block.SYMBOL_UNKNOWN,
        Block.NO_PRICE,
        Block.INSUFFICIENT_CASH,
    }


def test_a_halt_refuses_entries_and_still_allows_exits() -> None:  # case B6
    verdict = judge_entry(facts(is_halted=True))

    assert not verdict.is_allowed
    assert verdict.exits_allowed


def test_of_two_entries_racing_for_one_slot_the_second_is_refused() -> None:  # case B5
    first = judge_entry(facts(an_account("A", "B")))
    second = judge_entry(facts(an_account("A", "B"), symbol="BTC/USD", reserved={"SOL/USD"}))

    assert first.is_allowed
    assert Block.CAP_REACHED in second.blocks


def test_an_undecided_buy_takes_the_slot_it_may_fill() -> None:
    judged = facts(an_account("A", "B"), undecided=(an_undecided("ETH/USD", "buy"),))

    assert set(judge_entry(judged).blocks) == {Block.ORDER_UNDECIDED, Block.CAP_REACHED}


def test_what_is_held_already_may_grow_at_the_cap() -> None:
    assert judge_entry(facts(an_account("SOL", "B", "C"))).is_allowed


def test_dust_that_is_bought_takes_a_new_slot() -> None:
    snapshot = a_snapshot(*positions_worth({"A": 500, "B": 500, "C": 500, "SOL": "0.50"}))

    assert judge_entry(facts(snapshot)).blocks == (Block.CAP_REACHED,)


def test_an_equity_mismatch_is_ignored_where_the_policy_does_not_check() -> None:
    judged = facts(an_account(reported_equity=5000), policy=a_policy(max_positions=3, check_equity=False))

    assert judge_entry(judged).is_allowed
