"""A balance is fresh, stale with its age, or unknown: what a failed read leaves behind, and what is permitted then."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from brokers.simulator.handle import RunningVenue
from models.balance import BalanceState
from models.reasons import AccountStatus, Block, Check, Freshness
from models.report import AccountReport, EntryReport
from models.store.balances import balances
from models.store.engine import Store
from models.store.tables import BALANCES, SNAPSHOTS
from tasks.runtime import Runtime
from tests.drills.desk import Desk, codes
from tests.drills.plain import normalize_at

pytestmark = pytest.mark.wire

UNREADABLE = {"operation": "balance", "fault": "status", "times": None}


def kept(desk: Desk) -> dict[str, BalanceState]:
    return desk.in_store(balances)


def read_once(desk: Desk, cash: str = "500", **holds: str) -> RunningVenue:
    """Open a Kraken, read its account, and let no read of its balance succeed from then on."""
    kraken = desk.opens(
        prices={"BTC": 50_000, "ETH": 2_500, "SOL": 100}, holds={"platform": holds or {"BTC": "0.01"}}, cash=cash
    )
    assert desk.run(live=False).status is AccountStatus.COMPLIANT
    kraken.set_faults(UNREADABLE)
    return kraken


def let_pass(desk: Desk, span: timedelta) -> None:
    """Make what the store knows older."""

    async def age(store: Store) -> None:
        for table, column in ((BALANCES, "read_at"), (SNAPSHOTS, "taken_at")):
            for row in await store.rows(select(table.c[column]).distinct()):
                older = update(table).where(table.c[column] == row[0]).values({column: row[0] - span})
                await store.execute(older)

    desk.in_store(age)


# G1
def test_a_balance_that_is_read_at_the_second_try_is_fresh(sqlite_desk: Desk) -> None:
    once = {"operation": "balance", "fault": "status", "status": 503, "times": 1}
    kraken = sqlite_desk.opens(prices={"BTC": 50_000}, holds={"platform": {}}, cash=1000, faults=[once])

    report = sqlite_desk.run(live=False)

    assert (report.cash_usd, report.balance, kraken.calls("balance")) == ("1000.00", None, 2)
    assert (kept(sqlite_desk)["platform"].cash_total, kept(sqlite_desk)["platform"].errors) == (1000, 0)


# G1
def test_when_every_try_fails_the_last_balance_stays_with_its_age_and_three_failures_alarm(desk: Desk) -> None:
    kraken = read_once(desk)
    let_pass(desk, timedelta(minutes=29))
    before = kraken.calls("balance")

    first = desk.run()

    assert kraken.calls("balance") - before == 3
    assert (first.status, first.cash_usd, codes(first)) == (AccountStatus.BLOCKED, None, {"UNREACHABLE"})
    assert _told(first) == (Freshness.STALE, "500.00", 29, 1)
    assert desk.run(live=False).status is AccountStatus.BLOCKED
    let_pass(desk, timedelta(minutes=2))

    third = desk.run()

    assert codes(third) == {"UNREACHABLE", "BALANCE_STALE", "BALANCE_ERRORS"}
    assert _told(third) == (Freshness.STALE, "500.00", 31, 3)
    kraken.set_faults()
    assert desk.run().errors == []
    assert kept(desk)["platform"].errors == 0


# G1
@pytest.mark.parametrize("operation", ["balance", "any"])
def test_a_balance_that_was_never_read_is_unknown_and_not_zero(sqlite_desk: Desk, operation: str) -> None:
    sqlite_desk.opens(prices={"BTC": 1}, holds={"platform": {}}, faults=[UNREADABLE | {"operation": operation}])

    report = sqlite_desk.run()

    assert _told(report) == (Freshness.UNKNOWN, None, None, 1)
    assert report.cash_usd is None
    (state,) = kept(sqlite_desk).values()
    assert (state.is_known, state.last_error_code) == (False, "UNREACHABLE")


# G2
def test_a_balance_whose_number_is_none_is_unreadable_and_never_kept(sqlite_desk: Desk) -> None:
    unreadable = ["NaN", "inf", "", None, "-5"]
    sqlite_desk.policy |= {"balance_fetch_max_attempts": 1, "breaker_failure_threshold": 100}
    kraken = read_once(sqlite_desk)

    async def read_each(runtime: Runtime) -> Iterator[AccountReport]:
        reports = []
        for number in unreadable:
            kraken.set_faults(_says_cash(number))
            reports.append(await normalize_at(runtime, "platform", live=False))
        return iter(reports)

    reports = list(sqlite_desk.at_runtime(read_each))

    assert [(report.status, codes(report) & {"MALFORMED_ANSWER"}) for report in reports] == [
        (AccountStatus.BLOCKED, {"MALFORMED_ANSWER"})
    ] * len(unreadable)
    state = kept(sqlite_desk)["platform"]
    assert (state.cash_free, state.cash_total, state.errors) == (500, 500, len(unreadable))


# G2
def test_no_account_ever_gets_the_balance_of_another(sqlite_desk: Desk) -> None:
    kraken = sqlite_desk.opens(prices={"BTC": 50_000}, holds={"a": {}, "b": {}}, cash=500)
    kraken.set_balances("b", USD=70)
    kraken.set_faults(UNREADABLE | {"account": "b"})

    sqlite_desk.normalize(live=False)
    first = kept(sqlite_desk)
    kraken.set_faults(UNREADABLE | {"account": "a"})
    sqlite_desk.normalize(live=False)
    second = kept(sqlite_desk)

    assert [(first[name].cash_total, first[name].errors) for name in "ab"] == [(500, 0), (None, 1)]
    assert [(second[name].cash_total, second[name].errors) for name in "ab"] == [(500, 1), (70, 0)]


# incident 16
def test_without_a_fresh_balance_no_entry_is_allowed_and_exits_go_on(desk: Desk) -> None:
    read_once(desk)

    answer = desk.entry("SOL/USD")

    assert (answer.allowed, answer.reasons) == (False, [Block.POSITIONS_UNREADABLE, Block.BALANCE_STALE])
    assert answer.exits_allowed
    assert _told(answer) == (Freshness.STALE, "500.00", 0, 1)


def test_a_policy_may_allow_entries_on_a_balance_of_some_minutes_ago(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"allow_stale_balance_minutes": 10, "breaker_failure_threshold": 100}
    read_once(sqlite_desk)
    let_pass(sqlite_desk, timedelta(minutes=9))

    beyond, within = (sqlite_desk.entry("SOL/USD", usd) for usd in ("500.01", "500.00"))
    let_pass(sqlite_desk, timedelta(minutes=2))
    late = sqlite_desk.entry("BTC/USD")

    assert (within.allowed, within.reasons) == (True, [])
    assert [error.code for error in within.errors] == ["UNREACHABLE", "BALANCE_STALE"]
    assert "500.00 USD in cash" in within.errors[1].message
    assert beyond.reasons == [Block.INSUFFICIENT_CASH]
    assert late.reasons == [Block.POSITIONS_UNREADABLE, Block.BALANCE_STALE]


def test_what_was_allowed_on_an_old_balance_takes_its_slot_and_its_cash_until_the_next_read(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"allow_stale_balance_minutes": 10, "max_positions": 3, "entry_reservation_seconds": 0}
    sqlite_desk.policy |= {"breaker_failure_threshold": 100}
    kraken = read_once(sqlite_desk, SOL="1")

    asked = [sqlite_desk.entry("BTC/USD", usd) for usd in (300, 100)] + [
        sqlite_desk.entry("SOL/USD", usd) for usd in (201, 200)
    ]
    kraken.set_faults()
    sqlite_desk.run(live=False)
    seen = sqlite_desk.entry("BTC/USD", 300)

    assert [answer.reasons for answer in asked] == [[], [Block.ENTRY_PENDING], [Block.INSUFFICIENT_CASH], []]
    assert seen.allowed


@pytest.mark.parametrize(
    ("minutes_ago", "reason"), [(9, Block.CAP_REACHED), (11, Block.POSITIONS_UNREADABLE)], ids=["young", "old"]
)
def test_positions_are_as_old_as_the_last_run_though_a_check_has_read_the_cash_since(
    sqlite_desk: Desk, minutes_ago: int, reason: Block
) -> None:
    sqlite_desk.policy |= {"allow_stale_balance_minutes": 10, "max_positions": 2, "entry_reservation_seconds": 0}
    kraken = read_once(sqlite_desk)
    let_pass(sqlite_desk, timedelta(minutes=minutes_ago))
    kraken.set_faults()
    bought, checked = sqlite_desk.entry("SOL/USD"), sqlite_desk.entry("BTC/USD")
    kraken.set_faults(UNREADABLE)

    third = sqlite_desk.entry("ETH/USD")

    assert (bought.allowed, checked.allowed) == (True, True)
    assert third.reasons == [reason]


@pytest.mark.parametrize("fault", ["open_orders", "tickers"])
def test_an_old_balance_helps_only_where_all_the_rest_is_known(sqlite_desk: Desk, fault: str) -> None:
    sqlite_desk.policy["allow_stale_balance_minutes"] = 10
    kraken = read_once(sqlite_desk)
    kraken.set_faults(UNREADABLE, UNREADABLE | {"operation": fault})

    answer = sqlite_desk.entry("SOL/USD")

    expected = {"open_orders": Block.POSITIONS_UNREADABLE, "tickers": Block.NO_PRICE}
    assert answer.reasons == [expected[fault]]


def test_a_check_that_succeeds_keeps_its_balance_and_one_that_the_venue_refuses_permits_nothing(
    sqlite_desk: Desk,
) -> None:
    sqlite_desk.policy["allow_stale_balance_minutes"] = 10
    kraken = sqlite_desk.opens(prices={"BTC": 50_000}, holds={"platform": {}}, cash=70)
    good = sqlite_desk.entry("BTC/USD")
    kraken.set_faults({"operation": "balance", "fault": "auth_revoked", "times": None})

    refused = sqlite_desk.entry("SOL/USD")

    assert (good.allowed, _told(good)) == (True, (Freshness.FRESH, "70.00", 0, 0))
    assert (refused.reasons, refused.exits_allowed) == ([Block.POSITIONS_UNREADABLE], False)
    assert kept(sqlite_desk)["platform"].last_error_code == "AUTHENTICATION"


def test_a_read_that_our_own_breaker_kept_back_is_no_failed_read(sqlite_desk: Desk) -> None:
    sqlite_desk.policy |= {"breaker_failure_threshold": 1, "breaker_recovery_seconds": 60}
    read_once(sqlite_desk)

    found = [codes(sqlite_desk.run(live=False)) for _ in range(2)]

    assert found == [{"UNREACHABLE"}, {"BREAKER_OPEN"}]
    assert (kept(sqlite_desk)["platform"].errors, kept(sqlite_desk)["platform"].last_error_code) == (1, "UNREACHABLE")


def test_an_examination_says_what_was_read_last_and_counts_nothing(sqlite_desk: Desk) -> None:
    kraken = read_once(sqlite_desk)
    sqlite_desk.run(live=False)
    before = kept(sqlite_desk)
    let_pass(sqlite_desk, timedelta(minutes=12))

    (unread,) = [line for line in sqlite_desk.examine().accounts[0].checks if line.check is Check.BALANCE]
    kraken.set_faults(UNREADABLE | {"operation": "any"})
    (unreached,) = [line for line in sqlite_desk.examine().accounts[0].checks if line.check is Check.BALANCE]

    for line in (unread, unreached):
        assert "last read 12 min ago: 500.00 USD in cash (500.00 free); 1 read has failed" in line.found
    assert unread.code == "UNREACHABLE"
    assert kept(sqlite_desk)["platform"].errors == before["platform"].errors


def _told(report: AccountReport | EntryReport) -> tuple[Freshness, str | None, int | None, int] | None:
    """Return state, cash, age in minutes and failed reads as a report tells them."""
    told = report.balance
    if told is None:
        return None
    return told.state, told.cash_total, None if told.age_seconds is None else told.age_seconds // 60, told.errors


def _says_cash(number: str | None) -> dict[str, Any]:
    body = json.dumps({"error": [], "result": {"ZUSD": {"balance": number, "hold_trade": "0"}}})
    return {"operation": "balance", "fault": "status", "status": 200, "body": body, "times": None}
