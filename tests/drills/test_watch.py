"""What an operator is told without asking a venue, and before anything trades: watch, start-up, status."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from brokers.simulator.handle import RunningVenue
from flows.over_accounts import AccountsRequest
from flows.start_up import start_up_fleet
from flows.status import fleet_metrics
from flows.watch import Restart, WatchRequest, watch_fleet
from models.metrics import FleetMetrics
from models.reasons import Freshness, HaltCause, Mode, Verdict
from models.store.alerts import alerts
from models.store.counters import count
from models.store.decisions import decisions
from models.store.freezes import freeze_by_hand
from models.store.halts import halt
from models.store.heartbeats import PIPELINE, beat
from models.store.runs import start_run
from models.store.tables import DECISIONS, LEASES
from models.store.verifications import save_verification
from models.verification import CheckResult, Part, verification_report
from models.watch_report import StartUpReport, WatchReport
from tests.drills.desk import Desk
from tests.drills.venues import WORDS

pytestmark = pytest.mark.wire

NAMES = {"alice": {"ETH": 1, "DUST": 1}, "bob": {"ETH": 1}, "carol": {"ETH": 1}}
MINUTE = timedelta(minutes=1)


def watch(desk: Desk, restart: Restart | None = None) -> WatchReport:
    desk.write_fleet()
    return asyncio.run(watch_fleet(WatchRequest(fleet=str(desk.fleet)), restart=restart))


def start_up(desk: Desk) -> StartUpReport:
    desk.write_fleet()
    return asyncio.run(start_up_fleet(AccountsRequest(fleet=str(desk.fleet))))


def status(desk: Desk) -> FleetMetrics:
    return desk.at_runtime(lambda runtime: fleet_metrics(runtime.store, runtime.fleet, runtime.clock.now()))


def told(report: WatchReport | StartUpReport) -> set[tuple[str, str]]:
    return {(matter.code, matter.account) for matter in report.matters}


def three(desk: Desk) -> RunningVenue:
    trade = {"symbol": "ETH/USD", "side": "buy", "quantity": "1", "price": "100", "hours_ago": "5"}
    return desk.opens(prices={"ETH": 100, "DUST": "0.6"}, holds=NAMES, trades={name: [trade] for name in NAMES})


def began(desk: Desk, ago: timedelta, pipeline: str = "normalize") -> None:
    """Leave a run that began and was killed."""
    desk.write_fleet()
    at = datetime.now(UTC) - ago
    desk.in_store(lambda store: start_run(store, "dead", pipeline=pipeline, mode="live", fleet="f", now=at))


def expected(desk: Desk, ago: timedelta, *accounts: str) -> None:
    """Let a pipeline of every minute have been seen last so long ago."""
    statuses, at = dict.fromkeys((PIPELINE, *accounts), "ok"), datetime.now(UTC) - ago
    desk.in_store(lambda store: beat(store, "enforce_exits", statuses, now=at, every=MINUTE))


def test_a_run_that_was_killed_is_told_as_stalled_until_a_later_one_ends(desk: Desk) -> None:
    three(desk)
    began(desk, timedelta(hours=1))
    lease = {"account": "alice", "holder": "machine:1", "token": 1, "expires_at": 1.0}  # it held that, too
    desk.in_store(lambda store: store.execute(insert(LEASES).values(lease)))

    first, again = watch(desk), watch(desk)
    desk.normalize()
    after = watch(desk)

    both = {("STALLED", "*"), ("STUCK_LEASE", "alice")}
    assert [(m.code, m.symbol) for m in first.new] == [("STALLED", "normalize"), ("STUCK_LEASE", "")]
    assert (again.new, told(again), again.exit_code) == ([], both, 3)
    assert (told(after), {(m.code, m.account) for m in after.over}, after.exit_code) == (set(), both, 0)
    found = desk.in_store(lambda store: alerts(store, standing=False))
    assert {(alert.times, alert.closed_at is not None) for alert in found} == {(2, True)}


def test_an_account_that_no_run_looks_at_any_more_is_told_and_a_sign_of_life_ends_it(sqlite_desk: Desk) -> None:
    three(sqlite_desk)
    expected(sqlite_desk, timedelta(minutes=9), "alice", "bob", "carol")
    expected(sqlite_desk, timedelta(0), "bob", "carol")

    silent = watch(sqlite_desk)
    expected(sqlite_desk, timedelta(0), "alice")

    assert told(silent) == {("ACCOUNT_SILENT", "alice")}
    assert told(watch(sqlite_desk)) == set()


def test_a_silent_pipeline_is_started_again_once_an_interval_and_only_where_the_fleet_file_says_so(desk: Desk) -> None:
    three(desk)
    asked: list[tuple[str, str]] = []

    async def restart(deployment: str, key: str) -> str:
        asked.append((deployment, key))
        return "" if len(asked) == 1 else "its schedule is switched off"

    expected(desk, timedelta(hours=1))
    watch(desk, restart)
    unasked = list(asked)
    desk.watch = {"restart": ["enforce_exits"]}
    started, waited = watch(desk, restart), watch(desk, restart)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    (decided,) = desk.in_store(decisions)
    desk.in_store(lambda store: store.execute(update(DECISIONS).values(decided_at=hour_ago)))
    refused = watch(desk, restart)

    assert unasked == []
    assert [(r.deployment, r.started) for r in started.restarts] == [("enforce_exits/every-minute", True)]
    assert (decided.what, decided.by) == ("start enforce_exits again", "the watch")
    assert waited.restarts == []
    assert [(r.started, r.why) for r in refused.restarts] == [(False, "its schedule is switched off")]
    assert "RESTART_FAILED" in {one.alert.code for one in desk.in_store(alerts)}


def test_a_start_up_tells_what_is_not_well_and_sends_no_order(sqlite_desk: Desk) -> None:
    """An order nobody knows the end of, a frozen symbol, a halted account, a run that died."""
    kraken = three(sqlite_desk)
    kraken.set_fills("never")
    hidden = {"operation": "open_orders", "fault": "empty_result", "times": None}
    kraken.set_faults(
        {"operation": "place", "fault": "drop_after"}, *WORDS["kraken"].not_listed, *WORDS["kraken"].not_by_id, hidden
    )
    sqlite_desk.normalize("alice")
    now, sent = datetime.now(UTC), kraken.calls("place")
    stop(sqlite_desk, "bob", "carol", now)
    began(sqlite_desk, timedelta(hours=1))

    report = start_up(sqlite_desk)

    assert told(report) >= {("ORDER_UNDECIDED", "alice"), ("SYMBOL_FROZEN", "bob"), ("HALTED", "carol")}
    assert (report.exit_code, report.outcome, report.ended) == (3, "something_to_know", 0)  # it may still be needed
    assert kraken.calls("place") == sent == 1
    kraken.set_fills("immediate")
    kraken.set_faults()
    settled = start_up(sqlite_desk)
    assert (settled.ended, "ORDER_UNDECIDED" in {code for code, _ in told(settled)}) == (1, False)
    assert kraken.calls("place") == 1


def test_a_start_up_of_a_fleet_that_is_well_has_nothing_to_tell(sqlite_desk: Desk) -> None:
    trade = {"symbol": "ETH/USD", "side": "buy", "quantity": "1", "price": "100", "hours_ago": "5"}
    sqlite_desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 1}}, trades={"alice": [trade]})

    report = start_up(sqlite_desk)

    assert (report.matters, report.exit_code) == ([], 0)
    assert report.adoption.totals.entry_known == 1


def test_the_status_says_what_is_measured_of_every_account(desk: Desk) -> None:
    three(desk)
    desk.policy["max_positions"] = 1
    unread = status(desk)
    desk.normalize("alice", live=False)
    desk.normalize("bob")
    now = datetime.now(UTC)
    stop(desk, "bob", "bob", now)
    counted = {"low_balance_warnings": 2, "fallback_activations": 1}
    desk.in_store(lambda store: count(store, counted, now=now))
    desk.in_store(lambda store: count(store, counted, now=now - timedelta(days=3)))

    checks = [
        CheckResult(part=Part.STORE, name=name, verdict=verdict, found="", seconds=0)
        for name, verdict in (("written", Verdict.OK), ("whole", Verdict.FAIL))
    ]
    desk.in_store(lambda store: save_verification(store, verification_report("v", now, now, checks)))

    found = status(desk)
    alice, bob, carol = found.accounts

    assert (unread.global_position_count, unread.total_users_active) == (0, 0)
    assert unread.accounts_never_read == ["alice", "bob", "carol"]
    assert (found.total_users_active, found.users_at_cap, found.global_position_count) == (2, 2, 2)
    assert found.low_balance_warnings.model_dump() == {"today": 2, "in_7_days": 4}
    assert found.fallback_activations.model_dump() == {"today": 1, "in_7_days": 2}
    assert (unread.last_verification_date, unread.verification_pass_rate) == (None, None)
    assert (found.last_verification_date, found.verification_pass_rate) == (now, 0.5)
    assert found.failed_checks == ["whole"]
    assert (alice.status, bob.status, bob.positions, bob.dust, bob.at_cap) == ("pending", "compliant", 1, 0, True)
    assert (bob.balance.state, bob.balance.cash_total) == (Freshness.FRESH, "1000.00")
    assert (carol.status, carol.positions, carol.balance.state) == (None, None, Freshness.UNKNOWN)
    assert (bob.frozen, [halted.split()[0] for halted in bob.halts]) == (["ETH/USD"], ["CAP_NOT_REACHED"])


def test_an_entry_judged_on_an_old_balance_is_counted(sqlite_desk: Desk) -> None:
    kraken = three(sqlite_desk)
    sqlite_desk.policy |= {"allow_stale_balance_minutes": 10, "breaker_failure_threshold": 100}
    sqlite_desk.normalize("alice", live=False)
    kraken.set_faults({"operation": "balance", "fault": "status", "times": None})

    sqlite_desk.entry("ETH/USD", account="alice")

    assert status(sqlite_desk).fallback_activations.today == 1


def stop(desk: Desk, frozen: str, halted: str, now: datetime) -> None:
    """Freeze a symbol of one account, and halt another."""
    which: dict[str, Any] = {"mode": Mode.LIVE, "policy_version": "p", "now": now}
    why = {"cause": HaltCause.CAP_NOT_REACHED, "detail": "9 of 8", "clears_when": "an operator lifts it"}
    desk.in_store(lambda store: freeze_by_hand(store, frozen, "ETH/USD", by="me", reason="thin", **which))
    desk.in_store(lambda store: halt(store, halted, run_id="r", **why, **which))
