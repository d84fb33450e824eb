"""Halts, dust marks, tracked positions, reservations and runs: kept across restarts, and right under a race."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from models.position import Tracked
from models.reasons import HaltCause, Mode, OrderState, Reason
from models.store.dust import mark, remove_mark, standing_marks
from models.store.engine import Store
from models.store.halts import clear_halts, halt, standing_halts
from models.store.reservations import Reservation, reserve
from models.store.tables import DECISIONS, HALTS, ORDERS, SNAPSHOTS
from models.store.tracked import forget, last_cash, save_snapshot, tracked_positions
from tests.builders import NOW, a_mark, a_snapshot

LATER = NOW + timedelta(hours=1)


async def stop(store: Store, account: str = "alice") -> None:
    await halt(
        store,
        account,
        mode=Mode.LIVE,
        policy_version="p",
        run_id="r",
        cause=HaltCause.CAP_NOT_REACHED,
        detail="3 over the cap of 5",
        clears_when="a read shows at most 5 positions",
        now=NOW,
    )


async def keep(store: Store, *tracked: Tracked, account: str = "alice", cash: str = "10") -> None:
    snapshot = a_snapshot(account=account, cash=cash)
    by_symbol = {t.symbol: t for t in tracked}
    await save_snapshot(store, snapshot, by_symbol, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p")


def btc(quantity: str = "1") -> Tracked:
    return Tracked("BTC/USD", Decimal(quantity), Decimal("40000.01"), NOW, Decimal(50000))


async def test_a_halt_stands_until_a_person_lifts_it(store: Store, other: Store) -> None:
    await stop(store)
    await stop(store, "bob")

    (standing,) = await standing_halts(other, "alice")
    assert (standing.cause, standing.detail, standing.halted_at) == (
        HaltCause.CAP_NOT_REACHED,
        "3 over the cap of 5",
        NOW,
    )
    assert await clear_halts(other, "alice", by="ops", reason="sold by hand", now=LATER) == 1
    assert await clear_halts(other, "alice", by="ops", reason="again", now=LATER) == 0
    assert [h.account for h in await standing_halts(store)] == ["bob"]


async def test_who_lifted_a_halt_and_why_is_kept(store: Store) -> None:
    await stop(store)
    await clear_halts(store, "alice", by="ops", reason="sold by hand", now=LATER)

    async with store.reading() as connection:
        row = (await connection.execute(select(HALTS))).one()
    assert (row.cleared_at, row.cleared_by, row.clear_reason) == (LATER, "ops", "sold by hand")


async def test_one_cause_halts_once_and_may_halt_again_after_it_was_lifted(store: Store, other: Store) -> None:
    await asyncio.gather(stop(store), stop(other), stop(store))
    assert len(await standing_halts(store)) == 1

    await clear_halts(store, "alice", by="ops", reason="x", now=LATER)
    await stop(store)

    assert len(await standing_halts(store)) == 1


async def test_a_mark_stands_until_it_is_removed(store: Store, other: Store) -> None:
    doge = a_mark("DOGE/USD", "0.123456789012345678", retry_at=LATER)
    await mark(store, "alice", {"DOGE/USD": doge}, mode=Mode.LIVE, policy_version="p")

    assert await standing_marks(other, "alice") == {"DOGE/USD": doge}
    assert await standing_marks(other, "bob") == {}
    assert await remove_mark(other, "alice", "DOGE/USD", by="ops", reason="listed again", now=LATER)
    assert not await remove_mark(other, "alice", "DOGE/USD", by="ops", reason="again", now=LATER)
    assert await standing_marks(store, "alice") == {}


async def test_marking_again_changes_the_reason_and_keeps_the_first_value_and_time(store: Store) -> None:
    first = a_mark("DOGE/USD", "0.50")
    again = replace(first, reason=Reason.REFUSED_BEFORE, value=Decimal(9), marked_at=LATER, retry_at=LATER)
    for one in (first, again):
        await mark(store, "alice", {"DOGE/USD": one}, mode=Mode.LIVE, policy_version="p")

    assert await standing_marks(store, "alice") == {
        "DOGE/USD": replace(first, reason=Reason.REFUSED_BEFORE, retry_at=LATER)
    }


async def test_a_snapshot_replaces_what_is_tracked_and_never_adds_to_it(store: Store, other: Store) -> None:
    eth = Tracked("ETH/USD", Decimal(2), None, NOW, None)
    await keep(store, btc("1"), eth)
    await keep(store, btc("1"), eth)
    await keep(store, btc("0.123456789012345678"))

    assert await tracked_positions(other, "alice") == {"BTC/USD": btc("0.123456789012345678")}


async def test_tracking_one_account_leaves_the_others(store: Store) -> None:
    await keep(store, btc(), account="bob")
    await keep(store, account="alice")

    assert set(await tracked_positions(store, "bob")) == {"BTC/USD"}


async def test_the_cash_of_the_newest_snapshot_is_found(store: Store) -> None:
    assert await last_cash(store, "alice") is None
    await keep(store, cash="10")
    await keep(store, cash="12.34")
    await keep(store, account="bob", cash="99")

    assert await last_cash(store, "alice") == Decimal("12.34")


async def test_two_runs_may_keep_a_snapshot_of_one_account_at_once(store: Store, other: Store) -> None:
    await asyncio.gather(*(keep(at, btc(str(n))) for n, at in enumerate([store, other] * 5, start=1)))

    assert set(await tracked_positions(store, "alice")) == {"BTC/USD"}
    async with store.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(SNAPSHOTS))).scalar_one() == 10


async def test_forgetting_is_a_decision_with_a_name_and_a_reason(store: Store) -> None:
    await keep(store, btc())

    assert await forget(store, "alice", by="ops", reason="withdrawn", now=LATER) == 1

    assert await tracked_positions(store, "alice") == {}
    async with store.reading() as connection:
        row = (await connection.execute(select(DECISIONS))).one()
    assert (row.account, row.decided_by, row.reason, row.decided_at) == ("alice", "ops", "withdrawn", LATER)


async def test_of_many_who_ask_at_once_only_one_gets_the_last_slot(store: Store, other: Store) -> None:
    seen: list[int] = []

    def judge(live: tuple[Reservation, ...]) -> bool:
        seen.append(len(live))
        return not live

    wanted = [Reservation("alice", f"{asset}/USD", Decimal(10)) for asset in "ABCDEF"]
    await asyncio.gather(
        *(
            reserve(at, one, among=["alice", "alice-2"], seconds=60, judge=judge)
            for at, one in zip([store, other] * 3, wanted, strict=True)
        )
    )

    assert sorted(seen) == [0, 1, 1, 1, 1, 1]


async def test_a_reservation_is_seen_by_its_owner_s_accounts_only_and_runs_out(store: Store) -> None:
    seen: list[tuple[str, ...]] = []

    def judge(live: tuple[Reservation, ...]) -> bool:
        seen.append(tuple(r.symbol for r in live))
        return True

    for account, among, seconds in [
        ("alice", ["alice"], 60),
        ("bob", ["bob"], 0),
        ("bob", ["bob"], 60),
        ("carol", ["carol", "alice"], 60),
    ]:
        wanted = Reservation(account, f"{account.upper()}/USD", Decimal(10))
        await reserve(store, wanted, among=among, seconds=seconds, judge=judge)

    assert seen == [(), (), (), ("ALICE/USD",)]


@pytest.mark.parametrize("state", [s for s in OrderState if not s.is_final])
async def test_no_second_order_stands_beside_an_undecided_one(store: Store, state: OrderState) -> None:
    async def write(client_order_id: str, symbol: str, state: OrderState) -> None:
        row = {
            "account": "alice",
            "mode": "live",
            "policy_version": "p",
            "client_order_id": client_order_id,
            "run_id": "r",
            "plan_id": "plan",
            "cycle": 1,
            "kind": "trim_cap",
            "symbol": symbol,
            "side": "sell",
            "quantity": Decimal(1),
            "expected_price": Decimal(1),
            "holding_before": Decimal(1),
            "lease_token": 1,
            "state": state.value,
            "filled": Decimal(0),
            "detail": "",
            "created_at": NOW,
            "updated_at": NOW,
        }
        async with store.writing() as connection:
            await connection.execute(insert(ORDERS).values(row))

    await write("1", "BTC/USD", OrderState.FILLED)
    await write("2", "BTC/USD", OrderState.REJECTED)
    await write("3", "BTC/USD", state)
    await write("4", "ETH/USD", state)
    with pytest.raises(IntegrityError):
        await write("5", "BTC/USD", OrderState.INTENT)
