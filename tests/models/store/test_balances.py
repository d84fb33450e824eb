"""Balances: one row an account, kept with the snapshot or not at all, right under a race."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models.balance import BalanceState
from models.reasons import Mode, NoPrice
from models.store.balances import balance_of, balances, count_failed_read, save_balance
from models.store.engine import Store
from models.store.reservations import Reservation, reserve
from models.store.tracked import last_positions, save_snapshot
from tests.builders import NOW, Number, a_position, a_snapshot

LATER = NOW + timedelta(minutes=1)


async def read(store: Store, cash: Number, *, account: str = "alice", at: datetime = NOW, free: Number = 1) -> None:
    snapshot = a_snapshot(account=account, cash=cash, cash_free=free, taken_at=at)
    await save_balance(store, snapshot, mode=Mode.LIVE, policy_version="p")


async def fail(store: Store, account: str = "alice", code: str = "TIMEOUT", at: datetime = LATER) -> None:
    await count_failed_read(store, account, code=code, mode=Mode.PLAN, policy_version="p", now=at)


def known(cash: Number, at: datetime = NOW, *faults: object) -> BalanceState:
    return BalanceState("alice", Decimal(1), Decimal(cash), Decimal(cash), at, *faults)


# G1
async def test_a_failed_read_leaves_the_balance_and_counts_and_the_next_good_one_ends_the_count(
    store: Store, other: Store
) -> None:
    await read(store, "500.123456789012345678")
    await fail(other)
    await fail(store, code="UNREACHABLE", at=LATER + timedelta(seconds=1))

    assert await balance_of(other, "alice") == known(
        "500.123456789012345678", NOW, 2, "UNREACHABLE", LATER + timedelta(seconds=1)
    )

    await read(other, 700, at=LATER)
    assert await balance_of(store, "alice") == known(700, LATER)


# G1
async def test_an_account_that_was_never_read_is_unknown_and_its_failures_count(store: Store) -> None:
    assert await balance_of(store, "alice") == BalanceState("alice")

    await fail(store)

    assert await balance_of(store, "alice") == BalanceState("alice", None, None, None, None, 1, "TIMEOUT", LATER)


# G2
async def test_each_account_has_its_own_balance_and_its_own_errors(store: Store) -> None:
    await read(store, 500)
    await fail(store, "bob")

    assert await balances(store) == {
        "alice": known(500),
        "bob": BalanceState("bob", errors=1, last_error_code="TIMEOUT", last_error_at=LATER),
    }
    assert await balances(store, ["bob", "carol"]) == {
        "bob": BalanceState("bob", errors=1, last_error_code="TIMEOUT", last_error_at=LATER),
        "carol": BalanceState("carol"),
    }


async def test_a_read_that_comes_late_does_not_replace_a_newer_one(store: Store, other: Store) -> None:
    await read(store, 700, at=LATER)
    await fail(store)

    await read(other, 500, at=NOW)

    assert await balance_of(store, "alice") == known(700, LATER, 1, "TIMEOUT", LATER)


async def test_a_read_by_a_clock_that_was_a_day_ahead_is_replaced_by_the_next(store: Store) -> None:
    await read(store, 700, at=NOW + timedelta(days=1))

    await read(store, 500, at=NOW)

    assert await balance_of(store, "alice") == known(500)


async def test_failures_that_are_counted_at_once_are_all_counted(store: Store, other: Store) -> None:
    await asyncio.gather(*(fail(at) for at in (store, other) * 5))

    assert (await balance_of(store, "alice")).errors == 10


async def test_first_reads_of_two_processes_at_once_keep_one_row(store: Store, other: Store) -> None:
    instants = [NOW + timedelta(seconds=n) for n in range(6)]
    await asyncio.gather(
        *(read(at, n, at=instant) for n, (at, instant) in enumerate(zip([store, other] * 3, instants, strict=True)))
    )

    assert (await balance_of(store, "alice")) == known(5, instants[5])


# G2
@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1"])
async def test_a_number_that_is_no_amount_changes_nothing(store: Store, bad: str) -> None:
    await read(store, 500)

    with pytest.raises(ValueError, match="alice"):
        await read(store, 900, free=bad, at=LATER)

    assert await balance_of(store, "alice") == known(500)


async def test_a_snapshot_is_kept_with_its_balance_and_its_positions_are_read_back(store: Store, other: Store) -> None:
    held = a_position("BTC/USD", "123.456", free="0.1", held="0.2", locked="0.3")
    snapshot = a_snapshot(held, a_position("AUT/USD", None, no_price=NoPrice.NO_MARKET), account="alice", cash=10)

    assert await last_positions(other, "alice") is None
    await save_snapshot(store, snapshot, {}, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p")

    kept = await last_positions(other, "alice")
    assert kept is not None
    assert (kept.taken_at, kept.positions) == (NOW, snapshot.positions)
    assert (await balance_of(other, "alice")).equity == snapshot.equity


async def test_a_slot_that_was_promised_after_the_last_read_counts_until_the_next_though_it_ran_out(
    store: Store,
) -> None:
    seen: list[list[str]] = []

    async def ask(symbol: str, unseen_since: datetime | None = None) -> None:
        def judge(live: tuple[Reservation, ...]) -> bool:
            seen.append([r.symbol for r in live])
            return True

        wanted = Reservation("alice", symbol, Decimal(10))
        await reserve(store, wanted, among=["alice"], seconds=0, judge=judge, unseen_since=unseen_since)

    hour = timedelta(hours=1)
    await ask("BTC/USD")
    await ask("ETH/USD", unseen_since=datetime.now(UTC) - hour)
    await ask("SOL/USD", unseen_since=datetime.now(UTC) + hour)
    await ask("BTC/USD", unseen_since=datetime.now(UTC) - hour)

    assert [sorted(symbols) for symbols in seen] == [[], ["BTC/USD"], [], ["BTC/USD", "ETH/USD", "SOL/USD"]]
