from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from models.balance import BalanceState
from models.order import LedgerOrder
from models.position import Snapshot
from models.reasons import Block, OrderState
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
        (facts(amount_quote=Decimal(-1)), Block.BELOW_VENUE_MINIMUM),
        (facts(amount_quote=Decimal(1001)), Block.INSUFFICIENT_CASH),
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
