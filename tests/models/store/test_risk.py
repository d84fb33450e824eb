"""An account's day, the halts that follow from it, what a person set aside, and slots promised across the fleet."""

import asyncio
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from models.alert import Severity
from models.reasons import Block, HaltCause, Mode
from models.risk import Override, RiskDay, RiskLimits
from models.store.alerts import alerts
from models.store.decisions import decisions
from models.store.engine import Store
from models.store.fleet_positions import TrackedAccount, tracked_accounts
from models.store.halts import clear_halts, standing_halts
from models.store.overrides import revoke_override, set_override, standing_overrides
from models.store.reservations import Reservation, reserve
from models.store.risk_days import risk_day
from models.store.risk_trips import ReadBy, save_read
from models.store.tracked import save_snapshot
from rules.adoption import adopt
from rules.limits import day_judge
from tests.builders import NOW, a_snapshot, positions_worth

TOMORROW = NOW + timedelta(days=1)
READ_BY = ReadBy("run", Mode.LIVE, "p")


async def read(store: Store, equity: str, at: datetime = NOW) -> None:
    snapshot = a_snapshot(cash=equity, taken_at=at)
    await save_read(store, snapshot, day_judge(snapshot, RiskLimits()), read_by=READ_BY)


async def causes(store: Store) -> list[HaltCause]:
    return [halt.cause for halt in await standing_halts(store, "platform")]


async def critical(store: Store) -> list[str]:
    return sorted(s.alert.code for s in await alerts(store) if s.alert.severity is Severity.CRITICAL)


async def test_a_loss_halts_once_with_one_critical_alert_and_ends_with_the_day(store: Store, other: Store) -> None:
    for at, equity in ((store, "10000"), (other, "9400"), (store, "9300"), (other, "10000")):
        await read(at, equity)
    halted, alarmed = await causes(store), [(s.alert.code, s.times) for s in await alerts(store)]

    await read(other, "10000", TOMORROW)

    assert (halted, alarmed) == ([HaltCause.DAILY_LOSS], [("DAILY_LOSS", 1)])  # won back: the day is over all the same
    assert (await causes(store), await critical(store)) == ([], [])
    assert [(d.what, d.by, d.reason) for d in await decisions(store)] == [
        ("lift 1 halts", "clear condition", f"{TOMORROW.date()} has begun")
    ]


async def test_a_new_day_that_begins_with_a_loss_of_its_own_is_halted_anew(store: Store) -> None:
    for equity, at in (("10000", NOW), ("9400", NOW), ("8800", TOMORROW)):
        await read(store, equity, at)

    (standing,) = await standing_halts(store, "platform")
    assert standing.halted_at == TOMORROW
    assert await critical(store) == ["DAILY_LOSS"]


async def test_a_clock_that_jumps_back_begins_no_day_and_lifts_nothing(store: Store) -> None:
    for equity, at in (("10000", NOW), ("9400", NOW), ("9400", NOW - timedelta(days=2))):
        await read(store, equity, at)

    assert await causes(store) == [HaltCause.DAILY_LOSS]
    assert await risk_day(store, "platform") == RiskDay(NOW.date(), Decimal(10_000), Decimal(10_000), Decimal(9_400))


async def test_a_drawdown_stands_until_a_person_lifts_it_and_is_then_counted_anew(store: Store) -> None:
    for equity, at in (("10000", NOW), ("7900", TOMORROW), ("7900", TOMORROW + timedelta(days=1))):
        await read(store, equity, at)
    stood = await causes(store)

    lifted = await clear_halts(store, "platform", by="ann", reason="withdrawn", now=TOMORROW)
    await read(store, "7900", TOMORROW + timedelta(days=1))

    assert (stood, lifted) == ([HaltCause.DRAWDOWN], 1)
    assert (await causes(store), await critical(store)) == ([], [])
    day = await risk_day(store, "platform")
    assert day is not None
    assert (day.peak, day.gain) == (7_900, 0)


async def test_many_reads_at_once_keep_one_day_and_halt_once(store: Store, other: Store) -> None:
    await read(store, "10000")
    await asyncio.gather(*(read(at, str(9_400 - n)) for n, at in enumerate([store, other] * 4)))

    assert await causes(store) == [HaltCause.DAILY_LOSS]
    assert [s.times for s in await alerts(store)] == [1]


def an_override(block: Block = Block.SIZE_LIMIT, hours: float = 2, account: str = "alice") -> Override:
    return Override(account, block, NOW, NOW + timedelta(hours=hours), "ann", "a test")


async def test_an_override_ends_with_its_time_or_when_it_is_revoked(store: Store, other: Store) -> None:
    size, loss = an_override(), an_override(Block.DAILY_LOSS, 24)
    for one in (size, loss, an_override(account="bob")):
        await set_override(store, one)
    later = NOW + timedelta(hours=2)

    then = [await standing_overrides(other, "alice", now=at) for at in (NOW, later - timedelta(seconds=1), later)]
    revoked = [
        await revoke_override(other, "alice", Block.DAILY_LOSS, by="bob", reason="done", now=later) for _ in range(2)
    ]

    assert then == [(size, loss), (size, loss), (loss,)]
    assert revoked == [True, False]
    assert await standing_overrides(store, now=later) == ()
    assert [d.what for d in await decisions(store, "alice")] == [
        "revoke the override of daily_loss",
        "override daily_loss until 2026-03-03 12:00:00 UTC",
        "override size until 2026-03-02 14:00:00 UTC",
    ]


async def test_a_second_override_takes_the_place_of_the_first(store: Store) -> None:
    shorter = an_override(hours=1)
    for one in (an_override(hours=24), shorter):
        await set_override(store, one)

    assert await standing_overrides(store, now=NOW) == (shorter,)


async def test_an_override_sets_nothing_aside_before_it_was_set(store: Store) -> None:
    await set_override(store, an_override())

    assert await standing_overrides(store, now=NOW - timedelta(hours=1)) == ()  # the clock was set back


@pytest.mark.parametrize("hours", [0, -1, 24.01])
async def test_an_override_lasts_a_day_at_most(sqlite_url: str, hours: float) -> None:
    async with await Store.open(sqlite_url) as store:
        with pytest.raises(ValueError, match="at most"):
            await set_override(store, an_override(hours=hours))


async def test_what_is_tracked_of_many_accounts_is_told_with_its_age(store: Store) -> None:
    await keep(store, "alice", {"BTC": 500, "AUT": None})
    await keep(store, "bob", {})

    found = await tracked_accounts(store, ["alice", "bob", "carol"])

    assert found == (
        TrackedAccount("alice", NOW, {"BTC/USD": Decimal(500), "AUT/USD": None}),
        TrackedAccount("bob", NOW),
        TrackedAccount("carol"),
    )


# B5
async def test_of_many_accounts_that_ask_at_once_only_one_gets_the_fleet_s_last_slot(
    store: Store, other: Store
) -> None:
    seen: list[int] = []

    def judge(live: tuple[Reservation, ...]) -> bool:
        seen.append(len(live))
        return not live

    names = ["alice", "bob", "carol", "dora"]
    await asyncio.gather(
        *(
            reserve(
                at,
                Reservation(name, "SOL/USD", Decimal(10)),
                among=[name],
                seconds=60,
                judge=judge,
                elsewhere={n: None for n in names if n != name},
            )
            for at, name in zip([store, other] * 2, names, strict=True)
        )
    )

    assert sorted(seen) == [0, 1, 1, 1]


async def test_elsewhere_a_slot_stays_promised_until_a_read_has_shown_what_became_of_it(store: Store) -> None:
    seen: list[int] = []

    def judge(live: tuple[Reservation, ...]) -> bool:
        seen.append(len(live))
        return True

    async def ask(name: str, *, read_at: datetime | None = None) -> None:
        wanted = Reservation(name, "SOL/USD", Decimal(10))
        await reserve(store, wanted, among=[name], seconds=0, judge=judge, elsewhere={"alice": read_at})

    await reserve(store, Reservation("alice", "ETH/USD", Decimal(1)), among=["alice"], seconds=0, judge=judge)
    long_ago = datetime.fromtimestamp(await seconds(store) - 3600, tz=NOW.tzinfo)
    await ask("bob")
    await ask("bob", read_at=long_ago)
    await ask("bob", read_at=long_ago + timedelta(hours=2))

    assert seen == [0, 1, 1, 0]


async def seconds(store: Store) -> float:
    return await store.read(store.seconds)


async def keep(store: Store, account: str, values: dict[str, int | None]) -> None:
    snapshot = a_snapshot(*positions_worth(values), account=account)
    tracked = adopt({}, snapshot, now=NOW)
    await save_snapshot(store, snapshot, tracked, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p")


def test_a_day_is_a_day_in_utc() -> None:
    late = datetime.fromisoformat("2026-03-02T23:30:00-05:00")
    judge = day_judge(a_snapshot(taken_at=late), RiskLimits())

    assert judge is not None
    assert judge(None).day.day == date(2026, 3, 3)
