"""What the incidents about stops, money, keys, limits and policies taught, replayed: numbered as in their list."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.clock import SystemClock
from models.errors import ConfigError
from models.reasons import AccountStatus, ActionKind, Block, Freshness, Outcome
from models.report import AccountReport, EntryReport
from models.settings import load_settings
from models.store.balances import balances
from models.store.breakers import breakers
from models.store.engine import Store
from models.store.halts import standing_halts
from models.store.tables import ACCOUNT_RUNS, FILLS, KEY_TURNS, ORDERS, PLANS, SNAPSHOTS
from tasks.runtime import Runtime, open_runtime, read_fleet
from tests.brokers.simulator.clients import connected
from tests.drills.desk import Desk, codes, left, sold
from tests.drills.plain import normalize_at, without_prefect
from tests.drills.test_exits import holds, scan, seen_earlier, standing

pytestmark = pytest.mark.wire

TWO = {"BTC": 1000, "ETH": 500}


# incident 14
def test_a_stop_in_the_red_is_sold_before_any_profit_and_named_before_trailing_and_time(desk: Desk) -> None:
    kraken = holds(desk, "AAA", "BTC", "ETH")
    kraken.set_price("BTC/USD", 104)
    scan(desk)  # a peak
    seen_earlier(desk, "BTC/USD", 25)
    for symbol, price in (("AAA/USD", 110), ("BTC/USD", 90), ("ETH/USD", 97)):
        kraken.set_price(symbol, price)

    report = scan(desk)

    assert [(a.symbol, a.kind, a.outcome) for a in report.actions] == [
        ("BTC/USD", ActionKind.STOP_LOSS, Outcome.FILLED),  # of its three reasons the first
        ("AAA/USD", ActionKind.TAKE_PROFIT, Outcome.FILLED),
    ]
    assert sold(kraken) == ["BTC", "AAA"]
    assert (left(kraken), standing(desk)) == ({"ETH"}, [])  # 3 % are lost, and not more


# incident 15
def test_a_limit_of_one_percent_is_no_limit_of_a_hundredth_of_a_percent(desk: Desk) -> None:
    desk.policy |= {"stop_loss_fraction": 0.01, "trailing_stop_fraction": None}
    kraken = holds(desk, "BTC")

    found = {}
    for price in ("99.99", "99.50", "99", "98.99"):
        kraken.set_price("BTC/USD", price)
        found[price] = [a.kind for a in scan(desk).actions]

    assert found == {"99.99": [], "99.50": [], "99": [], "98.99": [ActionKind.STOP_LOSS]}
    assert left(kraken) == set()


# incident 15
@pytest.mark.parametrize("percent", [1, -0.01])
def test_a_limit_that_is_written_in_percent_or_as_a_loss_trades_nothing(desk: Desk, percent: float) -> None:
    kraken = desk.worth(TWO)
    desk.policy |= {"max_positions": 1, "stop_loss_fraction": percent}

    with pytest.raises(ConfigError, match=r"policies\.drill\.stop_loss_fraction"):
        desk.run()

    assert kraken.calls("any") == 0


# incident 16
def test_a_balance_that_timed_out_is_not_zero_and_halts_nobody(desk: Desk) -> None:
    desk.policy |= {"risk_max_daily_loss_usd": 1, "risk_max_drawdown_fraction": 0.01, "balance_fetch_max_attempts": 1}
    kraken = desk.opens(prices=TWO, holds={"alice": {"BTC": 1}, "bob": {"ETH": 1}}, cash=500)
    desk.normalize()
    late = {"operation": "balance", "account": "alice", "fault": "status", "status": 504, "times": None}
    kraken.set_faults(late)

    during = desk.normalize()
    kept, halts = desk.in_store(balances)["alice"], desk.in_store(standing_halts)
    kraken.set_faults()
    after = desk.normalize()

    assert [(a.status, codes(a)) for a in during.accounts] == [
        (AccountStatus.BLOCKED, {"TIMEOUT"}),
        (AccountStatus.COMPLIANT, set()),
    ]
    told = during.accounts[0].balance
    assert told is not None
    assert (told.state, told.cash_total, told.errors) == (Freshness.STALE, "500.00", 1)
    assert (kept.cash_total, kept.errors, halts) == (500, 1, ())
    assert {a.status for a in after.accounts} == {AccountStatus.COMPLIANT}


# incident 16
def test_free_held_and_total_are_three_numbers_and_no_two_accounts_are_added_up(desk: Desk) -> None:
    kraken = desk.opens(
        prices=TWO, holds={"platform": {}, "bob": {}}, cash=500, owner="ann", fees={"maker": "0", "taker": "0"}
    )

    async def bid() -> None:
        async with connected(kraken) as client:
            await client.create_order("BTC/USD", "limit", "buy", 0.4, 500)  # holds 200

    asyncio.run(bid())

    asked = {usd: desk.entry("ETH/USD", usd).reasons for usd in ("300.01", "300")}
    kept = desk.in_store(balances)["platform"]

    assert asked == {"300.01": [Block.INSUFFICIENT_CASH], "300": []}
    assert (kept.cash_free, kept.cash_total, kept.equity) == (300, 500, 500)


# incident 17
def test_every_nonce_of_a_key_is_above_the_last_whatever_the_clock_and_none_jumps_ahead(desk: Desk) -> None:
    kraken = desk.opens(prices=TWO, holds={"one": {"BTC": 1}, "other": {"ETH": 1}})
    began = SystemClock().now()

    drawn = [_last_nonces(desk, _runs_at(desk, hours)) for hours in (0, -1, 0)]
    kraken.set_faults({"operation": "balance", "fault": "invalid_nonce"})
    statuses = _runs_at(desk, 0)
    drawn.append(_last_nonces(desk, statuses))

    refused = [call for call in kraken.call_log() if "nonce" in call.outcome.lower() and call.fault is None]
    assert refused == []
    assert [call.fault for call in kraken.call_log()].count("invalid_nonce") == 1
    assert all(len(nonces) == 2 for nonces in drawn)  # of each key its own
    for key in drawn[0]:
        of_key = [nonces[key] for nonces in drawn]
        assert of_key == sorted(set(of_key))
        # In milliseconds, and where it should be: the clock an hour behind has moved it by its calls alone.
        assert all(began.timestamp() * 1000 <= nonce <= _now_ms() + 1000 for nonce in of_key)


# incident 18
def test_own_refusals_and_symbols_that_are_gone_trip_nothing_and_stop_nobody(desk: Desk) -> None:
    desk.policy |= {"max_positions": 2, "breaker_failure_threshold": 1, "breaker_recovery_seconds": 3600}
    kraken = desk.worth({"BTC": 1000, "ETH": 500, "SOL": 100, "GONE": 50})
    desk.run(live=False)
    kraken.set_market("GONE/USD", "delisted")
    kraken.set_faults(
        {"operation": "place", "symbol": "SOL/USD", "fault": "error", "code": "EOrder:Insufficient funds"}
    )

    report, again = desk.run(), desk.run()

    assert "REJECTED" in {a.outcome.name for a in report.actions}
    assert "BREAKER_OPEN" not in codes(report) | codes(again)
    assert {b.total_failures for b in desk.in_store(breakers)} == {0}
    assert left(kraken) >= {"BTC", "GONE"}  # what has no market has no value, counts, and is never sold
    assert len(left(kraken)) == 2


# incident 21
def test_all_that_manages_positions_shares_one_read_of_the_prices(desk: Desk) -> None:
    kraken = desk.opens(prices=TWO, holds={name: {"BTC": 1, "ETH": 1} for name in ("alice", "bob", "carol")})

    async def manages(runtime: Runtime) -> list[AccountReport]:
        return await asyncio.gather(*(normalize_at(runtime, name, live=False) for name in ("alice", "bob", "carol")))

    reports = desk.at_runtime(manages)
    by_the_plan = kraken.calls("tickers")
    scan(desk)

    assert [r.positions_before for r in reports] == [2, 2, 2]
    assert (by_the_plan, kraken.calls("tickers")) == (1, 2)
    assert kraken.calls("balance") == 6  # everybody's own, at each time


# incident 21
def test_where_one_account_was_told_to_slow_down_no_other_of_the_venue_goes_around_it(throttled: Desk) -> None:
    until = int((SystemClock().now() + timedelta(minutes=10)).timestamp() * 1000)
    ban = json.dumps({"code": -1003, "msg": f"Way too much request weight used; IP banned until {until}."})
    binance = throttled.opens("binance", prices=TWO, holds={"alice": {"BTC": 1}, "bob": {"ETH": 1}})
    binance.set_faults({"operation": "balance", "account": "alice", "fault": "status", "status": 418, "body": ban})

    async def ask(runtime: Runtime) -> tuple[EntryReport, int, EntryReport]:
        first = await throttled.entry_at(runtime, "ETH/USDT", account="alice")
        called = binance.calls("any")
        return first, called, await throttled.entry_at(runtime, "BTC/USDT", account="bob")

    first, called, other = throttled.at_runtime(ask)

    assert [{e.code for e in report.errors} >= {"RATE_LIMITED"} for report in (first, other)] == [True, True]
    assert Block.POSITIONS_UNREADABLE in other.reasons
    assert binance.calls("any") == called


# incident 22
def test_what_a_run_leaves_names_the_policy_it_ran_under_and_an_approval_ends_with_it(desk: Desk) -> None:
    desk.policy["max_positions"] = 1
    kraken = desk.worth({"BTC": 1000, "ETH": 500, "SOL": 100})
    planned = desk.run(live=False)
    desk.policy["stop_loss_fraction"] = 0.08  # loosened: the plan would be the same, and the policy is another one

    refused = desk.run(approved=planned.plan_hash)
    nothing_sent = kraken.calls("place")
    done = desk.run()

    assert planned.policy_version != refused.policy_version == done.policy_version
    assert (codes(refused), nothing_sent) == ({"PLAN_CHANGED"}, 0)
    assert sold(kraken) == ["SOL", "ETH"]
    named = desk.in_store(_versions)
    assert named["orders"] == named["fills"] == {done.policy_version}
    assert named["plans"] == named["snapshots"] == {planned.policy_version, done.policy_version}
    assert named["account_runs"] <= {planned.policy_version, done.policy_version}


# incident 22
def test_a_policy_that_only_loosens_a_stop_is_another_policy(desk: Desk) -> None:
    holds(desk, "BTC")

    versions = []
    for fraction in (0.03, 0.05, 0.08, 0.03):
        desk.policy["stop_loss_fraction"] = fraction
        versions.append(scan(desk, live=False).policy_version)

    assert len(set(versions)) == 3
    assert versions[0] == versions[3]  # the same values are the same policy


@pytest.fixture
def throttled(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose calls wait for what its venues allow."""
    without_prefect(monkeypatch)
    with Desk(tmp_path, store_url, monkeypatch) as desk:
        desk.on_prefect = False
        yield desk


class _Shifted(SystemClock):
    """A machine's clock that is wrong by some hours."""

    def __init__(self, hours: float) -> None:
        self._by = timedelta(hours=hours)

    def now(self) -> datetime:
        return super().now() + self._by


def _runs_at(desk: Desk, hours: float) -> list[AccountStatus]:
    """Normalise every account as a process of its own whose clock is so many hours ahead."""
    desk.write_fleet()
    settings = load_settings()

    async def run() -> list[AccountStatus]:
        async with open_runtime(settings, read_fleet(settings, None), _Shifted(hours)) as runtime:
            reports = [await normalize_at(runtime, account.id) for account in runtime.fleet.accounts]
        return [report.status for report in reports]

    return asyncio.run(run())


def _last_nonces(desk: Desk, statuses: list[AccountStatus]) -> dict[str, int]:
    assert set(statuses) == {AccountStatus.COMPLIANT}
    rows = desk.in_store(lambda store: store.rows(select(KEY_TURNS)))
    return {row.key_id: row.last_nonce for row in rows}


def _now_ms() -> float:
    return datetime.now(UTC).timestamp() * 1000


async def _versions(store: Store) -> dict[str, set[str]]:
    tables = (ORDERS, FILLS, PLANS, SNAPSHOTS, ACCOUNT_RUNS)
    return {t.name: {row[0] for row in await store.rows(select(t.c.policy_version))} for t in tables}
