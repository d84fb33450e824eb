"""Limits before every entry, over the wire: what is at stake, the day's loss, a low balance, the fleet as a whole."""

import json
import os
from contextlib import ExitStack
from datetime import timedelta
from tempfile import TemporaryFile

import pytest

from models.alert import Severity
from models.clock import SystemClock
from models.reasons import AccountStatus, ActionKind, Block, HaltCause
from models.risk import OVERRIDABLE, Override
from models.store.alerts import alerts
from models.store.counters import counts
from models.store.engine import Store
from models.store.halts import clear_halts, standing_halts
from models.store.overrides import set_override
from models.store.risk_days import newest_day
from models.store.tables import RISK_DAYS
from tests.cli.command import Nija
from tests.drills.desk import Desk, codes, sold
from tests.forked import nija

pytestmark = pytest.mark.wire

LIMITS = {
    "risk_max_position_usd": 1000,
    "risk_max_exposure_usd": 5000,
    "risk_max_positions": 10,
    "risk_max_daily_loss_usd": 500,
    "risk_max_drawdown_fraction": 0.2,
}


def a_day_later(desk: Desk) -> None:
    """Let what was read today have been read yesterday."""

    async def shift(store: Store) -> None:
        day = await store.read(lambda connection: newest_day(connection, "platform"))
        assert day is not None
        await store.execute(RISK_DAYS.delete().where(RISK_DAYS.c.day != day.day.isoformat()))
        await store.execute(RISK_DAYS.update().values(day=(day.day - timedelta(days=1)).isoformat()))

    desk.in_store(shift)


def override(desk: Desk, limit: str, account: str = "platform") -> None:
    now = SystemClock().now()
    made = Override(account, OVERRIDABLE[limit], now, now + timedelta(hours=2), "ann", "a withdrawal, no loss")
    desk.in_store(lambda store: set_override(store, made))


def causes(desk: Desk) -> list[HaltCause]:
    return [halt.cause for halt in desk.in_store(standing_halts)]


# J1
def test_size_and_exposure_end_at_their_limits_and_an_allowed_entry_is_at_stake_at_once(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= LIMITS
    sqlite_desk.opens(prices={"BTC": 50_000, "SOL": 100, "ETH": 2_500}, holds={"platform": {"BTC": "0.08"}}, cash=9000)

    asked = [sqlite_desk.entry("SOL/USD", usd).reasons for usd in ("1000.01", 1000)]
    beyond = sqlite_desk.entry("ETH/USD", "0.01").reasons

    assert asked == [[Block.SIZE_LIMIT, Block.EXPOSURE_LIMIT], []]
    assert beyond == [Block.EXPOSURE_LIMIT]  # 4000 held, 1000 promised


# J1, laws 7 and 8
def test_a_day_s_loss_stops_entries_with_an_alarm_and_no_sale_until_the_day_is_over(desk: Desk) -> None:
    desk.policy |= LIMITS | {"risk_max_drawdown_fraction": None, "risk_max_exposure_usd": None}
    kraken = desk.worth({"BTC": 2000, "ETH": 500, "SOL": 20, "DUST": "0.50"})
    before = desk.entry("ETH/USD")
    kraken.set_price("BTC/USD", "1499.99")
    kraken.set_price("SOL/USD", 5)  # below the minimum position: to be closed

    tripped, report, still = desk.entry("BTC/USD"), desk.run(), desk.entry("BTC/USD")
    (alarm,) = desk.in_store(alerts)
    a_day_later(desk)
    after = desk.entry("BTC/USD")

    assert before.allowed
    assert tripped.reasons == still.reasons == [Block.HALTED, Block.DAILY_LOSS]
    assert "lost 515.01" in next(e.message for e in tripped.errors if e.code == "HALTED")
    assert tripped.exits_allowed
    assert (report.status, sorted(sold(kraken))) == (AccountStatus.COMPLIANT, ["DUST", "SOL"])
    assert codes(report) == {"HALTED"}
    assert (alarm.alert.code, alarm.alert.severity, alarm.times) == ("DAILY_LOSS", Severity.CRITICAL, 1)
    assert (after.reasons, causes(desk), desk.in_store(alerts)) == ([], [], ())


# J1
def test_a_drawdown_outlasts_the_day_and_ends_by_a_person(desk: Desk) -> None:
    desk.policy |= LIMITS | {"risk_max_daily_loss_usd": None}
    kraken = desk.worth({"BTC": 1000})
    desk.run(live=False)
    kraken.set_price("BTC/USD", 590)
    a_day_later(desk)
    desk.run(live=False)
    a_day_later(desk)

    stopped = desk.entry("BTC/USD")
    desk.in_store(
        lambda store: clear_halts(store, "platform", by="ann", reason="withdrawn", now=SystemClock().now()),
    )
    lifted = desk.entry("BTC/USD")

    assert stopped.reasons == [Block.HALTED, Block.DRAWDOWN]
    assert (lifted.allowed, causes(desk)) == (True, [])


def test_a_loss_is_not_judged_while_a_holding_has_no_price(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= LIMITS
    kraken = sqlite_desk.worth({"BTC": 2000, "ETH": 500})
    sqlite_desk.run(live=False)
    kraken.set_price("BTC/USD", None)

    unknown = sqlite_desk.run(live=False)
    kraken.set_price("BTC/USD", 2000)
    known = sqlite_desk.entry("ETH/USD")

    assert "HALTED" not in codes(unknown)
    assert (known.allowed, causes(sqlite_desk)) == (True, [])


def test_what_a_person_set_aside_is_said_with_every_entry(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= LIMITS
    kraken = sqlite_desk.worth({"BTC": 2000}, cash=5000)
    sqlite_desk.run(live=False)
    kraken.set_price("BTC/USD", 1400)

    blocked = sqlite_desk.entry("BTC/USD", 1001)
    for limit in ("daily_loss", "size"):
        override(sqlite_desk, limit)
    allowed = sqlite_desk.entry("BTC/USD", 1001)

    assert blocked.reasons == [Block.HALTED, Block.DAILY_LOSS, Block.SIZE_LIMIT]
    assert (allowed.allowed, allowed.overridden) == (True, [Block.DAILY_LOSS, Block.SIZE_LIMIT])
    told = [error.message for error in allowed.errors if error.code == "LIMIT_OVERRIDDEN"]
    assert all("by ann: a withdrawal, no loss" in words for words in told)
    assert len(told) == 2
    assert causes(sqlite_desk) == [HaltCause.DAILY_LOSS]


# J2
@pytest.mark.parametrize(
    ("cash", "reasons", "warned"),
    [("9.99", [Block.BALANCE_TOO_LOW], 1), ("10", [], 1), ("49.99", [], 1), ("50", [], 0)],
)
def test_an_account_below_ten_dollars_enters_nothing_and_below_fifty_is_warned_of(
    desk: Desk, cash: str, reasons: list[Block], warned: int
) -> None:
    desk.policy |= {"minimum_balance_usd": 10, "low_balance_warning_usd": 50}
    desk.opens(prices={"SOL": 1}, holds={"platform": {}}, cash=cash)

    answer = desk.entry("SOL/USD", 5)
    counted = desk.in_store(lambda store: counts(store, now=SystemClock().now()))

    assert answer.reasons == reasons
    assert [error.code for error in answer.errors] == ["LOW_BALANCE"] * warned
    assert counted.get("low_balance_warnings", 0) == warned


# J3
def test_a_user_at_its_cap_does_not_stop_another_that_has_room(desk: Desk) -> None:
    desk.policy["max_positions"] = 5
    prices = dict.fromkeys(["A1", "B1", "C1", "D1", "E1", "SOL"], 100)
    full, room = (dict.fromkeys(list(prices)[:number], 1) for number in (5, 3))
    desk.opens(prices=prices, holds={"alice": full, "bob": room})

    asked = [desk.entry("SOL/USD", account=name).reasons for name in ("alice", "bob")]

    assert asked == [[Block.CAP_REACHED], []]


# J2, B5
def test_of_two_processes_racing_for_the_fleet_s_last_slot_exactly_one_is_allowed(desk: Desk) -> None:
    desk.limits = {"max_positions_total": 3, "block_above_fraction": 0.9}  # two, and one more
    desk.opens(prices={"BTC": 100, "SOL": 100}, holds={"alice": {"BTC": 1}, "bob": {"BTC": 1}})
    desk.normalize(live=False)

    with ExitStack() as stack:
        said = [stack.enter_context(TemporaryFile("w+")) for _ in range(2)]
        racing = [
            nija(
                ("entry-check", "--account", name, "--symbol", "SOL/USD", "--usd", "20", "--json"),
                env=os.environ,
                cwd=desk.fleet.parent,
                streams=(out, out),
            )
            for name, out in zip(("alice", "bob"), said, strict=True)
        ]
        exit_codes = [process.join(60) for process in racing]
        for out in said:
            out.seek(0)
        answers = [json.load(out) for out in said]

    assert sorted(exit_codes) == [0, 2]
    assert [a["reasons"] for a in answers if not a["allowed"]] == [[Block.GLOBAL_LIMIT]]


def test_an_account_that_was_never_read_stops_nobody_and_is_named(sqlite_desk: Desk) -> None:
    sqlite_desk.limits = {"max_positions_total": 1, "block_above_fraction": 1}
    sqlite_desk.opens(prices={"BTC": 100, "SOL": 100}, holds={"alice": {"BTC": 1}, "bob": {"BTC": 1, "SOL": 1}})

    unread = sqlite_desk.entry("SOL/USD", account="alice")
    sqlite_desk.normalize(live=False)
    refused = sqlite_desk.entry("SOL/USD", account="alice")
    override(sqlite_desk, "global", "alice")
    asked = sqlite_desk.entry("SOL/USD", account="alice")

    assert unread.allowed
    assert [(e.code, "bob" in e.message) for e in unread.errors] == [("FLEET_COUNT_PARTIAL", True)]
    assert Block.GLOBAL_LIMIT in refused.reasons
    assert refused.errors == []
    assert asked.overridden == [Block.GLOBAL_LIMIT]


# incident 20
def test_where_the_venue_s_minimum_is_above_our_ceiling_neither_gives_way(desk: Desk) -> None:
    desk.policy |= LIMITS
    sizes = {"SOL": {"min_notional": 1500}}
    kraken = desk.opens(prices={"SOL": 100}, holds={"platform": {}}, sizes=sizes, cash=4000)

    asked = [desk.entry("SOL/USD", usd).reasons for usd in (1000, 1500)]

    assert asked == [
        [Block.BELOW_VENUE_MINIMUM, Block.FLOOR_ABOVE_CEILING],
        [Block.FLOOR_ABOVE_CEILING, Block.SIZE_LIMIT],
    ]
    assert kraken.calls("place") == 0


# M1
@pytest.mark.parametrize(("kinds", "warned"), [(["user"], True), (["platform"], False), (["platform", "user"], False)])
def test_a_user_on_a_venue_without_a_platform_account_is_said_on_load(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], *, warned: bool
) -> None:
    machine = Nija(tmp_path_factory.mktemp("machine"), "http://127.0.0.1:1/api")
    rows = [{"id": f"a{n}", "kind": kind, "venue": "kraken"} for n, kind in enumerate(kinds)]
    machine.writes_fleet({"version": 1, "accounts": rows})

    ran = machine("fleet", "check")

    assert ran.code == 0
    assert ("PLATFORM_NOT_CONFIGURED" in ran.err) is warned


# law 7
def test_a_halted_account_tops_up_no_dust(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= LIMITS | {"top_up_dust": True, "convert_dust": False}
    kraken = sqlite_desk.worth({"KEEP": 2000, "DUST": "0.60"}, sizes={"DUST": {"min_notional": "5"}})
    planned = sqlite_desk.run(live=False)
    kraken.set_price("KEEP/USD", 1000)

    report = sqlite_desk.run()

    assert [a.kind for a in planned.actions] == [ActionKind.TOP_UP]
    assert [a.kind for a in report.actions] == [ActionKind.MARK_DUST]
    assert kraken.calls("place") == 0
