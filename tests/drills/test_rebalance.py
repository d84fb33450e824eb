"""Rebalancing over the wire: down to the weight, then up to it, and every buy an entry that has to be allowed."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.orders import Side, Status
from flows.rebalance import RebalanceRequest, rebalance_fleet
from models.backtest import Backtested, KeptBacktest
from models.clock import SystemClock
from models.errors import ConfigError
from models.history import Series, Timeframe
from models.policy import Policy
from models.reasons import AccountStatus, ActionKind, HaltCause, Mode, Outcome, Reason
from models.report import AccountReport
from models.store.backtests import backtests, keep_backtest
from models.store.engine import Store
from models.store.halts import halt
from rules.exit_limits import limits_in_force
from tests.drills.desk import Desk, codes, until
from tests.drills.record import ledger_rows, undecided
from tests.models.store.history import HOUR, a_walk, keep

pytestmark = pytest.mark.wire

PRICES = {"BTC": 50_000, "ETH": 2_500, "SOL": 100}
TWO = [{"name": "rsi", "symbol": f"{asset}/USD", "timeframe": "1h"} for asset in ("BTC", "ETH")]


def opened(
    desk: Desk, holds: Mapping[str, str], *, strategies: list[dict[str, Any]] = TWO, **more: Any
) -> RunningVenue:
    desk.policy.setdefault("rebalance_apply", True)
    desk.policy.setdefault("max_hold_hours", None)
    return desk.opens(prices=PRICES, holds={"platform": holds}, settings={"strategies": strategies}, **more)


def measured(
    desk: Desk,
    *symbols: str,
    days_ago: int = 0,
    figures: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Keep a backtest of each of the account's strategies, as `nija backtest --account` does."""
    from research.registry import found  # noqa: PLC0415 - only here
    from research.settings import Limits  # noqa: PLC0415

    end = SystemClock().now() - timedelta(days=days_ago)
    values = found().named("rsi").built({}).values()
    limits = Limits.from_policy(limits_in_force(Policy.model_validate(desk.policy)))
    assumed = {"allow_short": False, **asdict(limits), **(settings or {})}

    async def keep(store: Store) -> None:
        for symbol in symbols or ("BTC/USD", "ETH/USD"):
            about = Backtested("rsi", values, "kraken", symbol, "1h")
            told = {"sharpe": 1.0, "win_rate": 0.5, "return_fraction": 0.1, **(figures or {})}
            kept = KeptBacktest(about, end, end - timedelta(days=90), end, 2160, assumed, told, "GOOD", 60, 40)
            await keep_backtest(store, kept)

    desk.in_store(keep)


def rebalance(desk: Desk, *, live: bool = True, approved: str | None = None) -> AccountReport:
    desk.write_fleet()
    by_account = None if approved is None else {"platform": approved}
    report = asyncio.run(rebalance_fleet(RebalanceRequest(fleet=str(desk.fleet), live=live, approved=by_account)))
    return report.accounts[0]


def traded(venue: RunningVenue) -> list[tuple[str, str]]:
    return [(o.side.value, o.symbol) for o in venue.orders("platform") if o.status is Status.FILLED]


def worth(venue: RunningVenue, asset: str) -> float:
    return float(venue.balances("platform")[asset] * Decimal(PRICES[asset]))


def test_it_sells_down_and_buys_up_to_the_weights_and_then_has_nothing_to_do(desk: Desk) -> None:
    venue = opened(desk, {"BTC": "0.016", "SOL": "1"}, cash=200)
    measured(desk)

    report = rebalance(desk)
    again = rebalance(desk)

    assert report.status is AccountStatus.COMPLIANT, report.errors
    assert traded(venue) == [("sell", "BTC/USD"), ("buy", "ETH/USD")]
    assert worth(venue, "BTC") == pytest.approx(400, abs=1)
    assert worth(venue, "ETH") == pytest.approx(400, abs=5)
    assert venue.balances("platform")["SOL"] == 1  # of no strategy
    assert [(a.kind, a.outcome) for a in report.actions] == [
        (ActionKind.REBALANCE_SELL, Outcome.FILLED),
        (ActionKind.REBALANCE_BUY, Outcome.FILLED),
    ]
    assert report.rebalance is not None
    assert (report.rebalance.cash_weight, report.rebalance.managed_usd) == ("0.2000", "1000.00")
    assert [s.weight for s in report.rebalance.strategies] == ["0.4000", "0.4000"]
    assert (again.actions, again.status, codes(again)) == ([], AccountStatus.COMPLIANT, set())
    assert undecided(ledger_rows(desk.store_url)) == []
    entry = desk.tracked()["ETH/USD"].entry_price
    assert entry is not None
    assert float(entry) == pytest.approx(2500, rel=0.01)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_without_live_or_without_the_policy_nothing_leaves(sqlite_desk: Desk, is_allowed: bool) -> None:
    sqlite_desk.policy["rebalance_apply"] = is_allowed
    venue = opened(sqlite_desk, {"BTC": "0.016"}, cash=200)
    measured(sqlite_desk)

    report = rebalance(sqlite_desk, live=not is_allowed)

    assert venue.orders("platform") == []
    assert report.status is AccountStatus.PENDING
    assert [(a.kind, a.outcome) for a in report.actions] == [(ActionKind.REBALANCE_SELL, Outcome.PLANNED)]
    assert codes(report) == (set() if is_allowed else {"REBALANCE_OFF"})
    assert report.rebalance is not None
    assert [(c.symbol, c.reason) for c in report.rebalance.changes] == [
        ("BTC/USD", Reason.ABOVE_TARGET_WEIGHT),
        ("ETH/USD", Reason.WAITS_FOR_SALES),
    ]


def test_a_halted_account_sells_down_and_buys_nothing(desk: Desk) -> None:
    venue = opened(desk, {"BTC": "0.016"}, cash=200)
    measured(desk)
    now = SystemClock().now()
    stop = {"detail": "for a test", "clears_when": "a person says so", "policy_version": "x", "run_id": "r"}
    desk.in_store(lambda store: halt(store, "platform", mode=Mode.LIVE, cause=HaltCause.DRAWDOWN, now=now, **stop))

    report = rebalance(desk)

    assert traded(venue) == [("sell", "BTC/USD")]
    assert "HALTED" in codes(report)
    assert report.status is AccountStatus.COMPLIANT


@pytest.mark.parametrize(
    ("policy", "block"),
    [
        ({"max_positions": 1}, "cap_reached"),
        ({"risk_max_position_usd": 300}, "size_limit"),
        ({"restricted_symbols": ["ETH/USD"]}, "symbol_restricted"),
    ],
)
def test_a_buy_that_the_entry_check_refuses_is_named_and_not_sent(
    sqlite_desk: Desk, policy: dict[str, Any], block: str
) -> None:
    sqlite_desk.policy |= policy
    venue = opened(sqlite_desk, {"BTC": "0.008"}, cash=600)
    measured(sqlite_desk)

    report = rebalance(sqlite_desk)

    assert venue.orders("platform") == []
    assert report.rebalance is not None
    assert [(c.reason, c.detail) for c in report.rebalance.changes if c.symbol == "ETH/USD"] == [
        (Reason.ENTRY_BLOCKED, block)
    ]


@pytest.mark.parametrize("days_ago", [None, 40])
def test_without_a_fresh_backtest_of_each_nothing_is_weighed(sqlite_desk: Desk, days_ago: int | None) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.016"}, cash=200)
    measured(sqlite_desk, "BTC/USD")
    if days_ago is not None:
        measured(sqlite_desk, "ETH/USD", days_ago=days_ago)

    report = rebalance(sqlite_desk)

    assert venue.orders("platform") == []
    assert (report.status, codes(report)) == (AccountStatus.BLOCKED, {"NOT_MEASURED"})
    assert "rsi ETH/USD 1h" in report.errors[0].message
    assert "BTC" not in report.errors[0].message


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"settings": {"allow_short": True}}, "tested with short positions"),
        ({"figures": {"sharpe": math.nan}}, "no number is kept as its sharpe"),
    ],
)
def test_a_newer_backtest_of_what_the_account_could_not_have_done_weighs_nothing(
    sqlite_desk: Desk, more: dict[str, Any], why: str
) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.016"}, cash=200)
    measured(sqlite_desk, "ETH/USD")
    measured(sqlite_desk, **more)

    refused = rebalance(sqlite_desk, live=False)
    measured(sqlite_desk, "BTC/USD")
    measured(sqlite_desk, **more)
    weighed = rebalance(sqlite_desk, live=False)

    assert codes(refused) == {"NOT_MEASURED"}
    assert why in refused.errors[0].message
    assert "ETH" not in refused.errors[0].message  # an older one says what it could have done
    assert weighed.rebalance is not None
    assert [s.weight for s in weighed.rebalance.strategies] == ["0.4000", "0.4000"]
    assert venue.orders("platform") == []


def test_a_halt_in_the_middle_of_the_buys_stops_the_rest_of_them(desk: Desk) -> None:
    venue = opened(desk, {}, cash=1000)
    measured(desk)
    venue.set_faults({"operation": "place", "fault": "delay", "seconds": 0.7})
    stop = {"detail": "for a test", "clears_when": "a person says so", "policy_version": "x", "run_id": "r"}

    async def stopped_while_it_buys() -> AccountReport:
        running = asyncio.create_task(rebalance_fleet(RebalanceRequest(fleet=str(desk.fleet), live=True)))
        await until(lambda: bool(venue.applied_faults()) or running.done())
        async with await Store.open(desk.store_url) as store:
            await halt(store, "platform", mode=Mode.LIVE, cause=HaltCause.DRAWDOWN, now=SystemClock().now(), **stop)
        return (await running).accounts[0]

    desk.write_fleet()
    report = asyncio.run(stopped_while_it_buys())

    assert traded(venue) == [("buy", "BTC/USD")]
    assert venue.calls("place") == 1
    assert report.rebalance is not None
    assert [(a.symbol, a.outcome) for a in report.actions] == [
        ("BTC/USD", Outcome.FILLED),
        ("ETH/USD", Outcome.SKIPPED),
    ]
    assert undecided(ledger_rows(desk.store_url)) == []


def test_what_is_tested_while_it_sells_does_not_change_what_it_buys(sqlite_desk: Desk) -> None:
    three = [*TWO, {"name": "rsi", "symbol": "SOL/USD", "timeframe": "1h"}]
    venue = opened(sqlite_desk, {"BTC": "0.02"}, cash=0, strategies=three)
    measured(sqlite_desk, "BTC/USD", "ETH/USD", "SOL/USD")
    venue.set_faults({"operation": "place", "fault": "delay", "seconds": 0.7})
    sqlite_desk.write_fleet()

    async def tested_while_it_sells() -> None:
        running = asyncio.create_task(rebalance_fleet(RebalanceRequest(fleet=str(sqlite_desk.fleet), live=True)))
        await until(lambda: bool(venue.applied_faults()) or running.done())
        worse = {"sharpe": -1.0, "win_rate": 0.0, "return_fraction": -0.5}
        await asyncio.to_thread(measured, sqlite_desk, "SOL/USD", figures=worse)
        await running

    asyncio.run(tested_while_it_sells())

    assert [side for side, _ in traded(venue)] == ["sell", "buy", "buy"]
    assert worth(venue, "SOL") == pytest.approx(333, abs=15)  # by what it was worth when the run began


def test_nothing_is_bought_at_three_times_the_last_price(sqlite_desk: Desk) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.02"}, cash=1500)
    measured(sqlite_desk)
    venue.set_market("ETH/USD", spread_bps=40_000)  # nobody has sold for a while

    report = rebalance(sqlite_desk)

    assert venue.orders("platform") == []
    assert report.rebalance is not None
    assert ("ETH/USD", Reason.SPREAD_TOO_WIDE) in [(c.symbol, c.reason) for c in report.rebalance.changes]


def test_a_balance_that_shows_a_buy_late_is_waited_for(sqlite_desk: Desk) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.008"}, cash=600)
    measured(sqlite_desk)
    venue.set_balance_lag(0.6)

    rebalance(sqlite_desk)
    rebalance(sqlite_desk)

    assert traded(venue) == [("buy", "ETH/USD")]


def test_a_buy_whose_answer_was_lost_is_found_and_not_sent_again(desk: Desk) -> None:
    venue = opened(desk, {"BTC": "0.008"}, cash=600)
    measured(desk)
    venue.set_faults({"operation": "place", "fault": "drop_after"})

    report = rebalance(desk)

    assert traded(venue) == [("buy", "ETH/USD")]
    assert venue.calls("place") == 1
    assert report.status is AccountStatus.COMPLIANT, report.errors
    assert [o.side for o in venue.orders("platform")] == [Side.BUY]


def test_a_buy_that_is_found_only_after_the_read_has_its_entry_price_all_the_same(sqlite_desk: Desk) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.008"}, cash=600)
    measured(sqlite_desk)
    unread = [
        {"operation": name, "fault": "refuse_before", "times": None} for name in ("order", "closed_orders", "trades")
    ]
    venue.set_faults({"operation": "place", "fault": "drop_after"}, *unread)

    first = rebalance(sqlite_desk)
    venue.set_faults()
    unknown = sqlite_desk.tracked()["ETH/USD"].entry_price
    sqlite_desk.recover()
    again = rebalance(sqlite_desk)

    assert (first.status, unknown) == (AccountStatus.BLOCKED, None)
    assert (again.status, traded(venue)) == (AccountStatus.COMPLIANT, [("buy", "ETH/USD")])
    entry = sqlite_desk.tracked()["ETH/USD"].entry_price
    assert entry is not None
    assert float(entry) == pytest.approx(2500, rel=0.01)


def test_who_approves_weights_approves_what_leads_there_at_other_prices(sqlite_desk: Desk) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.016"}, cash=200)
    measured(sqlite_desk)
    seen = rebalance(sqlite_desk, live=False)
    venue.set_price("BTC/USD", 50_500)

    report = rebalance(sqlite_desk, approved=seen.plan_hash)
    venue.set_price("BTC/USD", 100_000)
    changed = rebalance(sqlite_desk, approved=seen.plan_hash)

    assert report.status is AccountStatus.COMPLIANT, report.errors
    assert traded(venue)[:2] == [("sell", "BTC/USD"), ("buy", "ETH/USD")]
    assert (changed.status, len(venue.orders("platform"))) == (AccountStatus.COMPLIANT, 4)
    venue.set_price("BTC/USD", 10_000)  # now it is bought: nobody has approved that
    assert codes(rebalance(sqlite_desk, approved=seen.plan_hash)) == {"PLAN_CHANGED"}


def test_a_strategy_that_there_is_not_is_told_before_anything_is_touched(sqlite_desk: Desk) -> None:
    opened(sqlite_desk, {"BTC": "0.008"}, strategies=[{"name": "rsj", "symbol": "BTC/USD"}])

    with pytest.raises(ConfigError, match="did you mean 'rsi'"):
        rebalance(sqlite_desk)


def test_a_refresh_tests_the_strategies_on_the_venues_own_history_first(sqlite_desk: Desk) -> None:
    venue = opened(sqlite_desk, {"BTC": "0.008"}, cash=600)
    end = int(SystemClock().now().timestamp()) // HOUR * HOUR

    async def collected(store: Store) -> None:
        await keep(store, a_walk(500, end=end), Series("kraken", "BTC/USD", Timeframe(HOUR)))

    sqlite_desk.in_store(collected)
    sqlite_desk.write_fleet()
    request = RebalanceRequest(fleet=str(sqlite_desk.fleet), refresh=True, since="15d")

    report = asyncio.run(rebalance_fleet(request)).accounts[0]
    kept = sqlite_desk.in_store(lambda store: backtests(store, limit=9))

    assert venue.orders("platform") == []
    assert [(one.code, one.symbol) for one in report.errors] == [("REFRESH_FAILED", "ETH/USD"), ("NOT_MEASURED", None)]
    (found,) = kept
    assert (found.tested.symbol, found.settings["allow_short"]) == ("BTC/USD", False)
    assert 355 < found.bars <= 360
    assert found.settings["stop_loss_fraction"] == 0.03  # of the policy
