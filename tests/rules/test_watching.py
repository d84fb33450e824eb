"""What the watch finds in the facts, from when on, and what it lets be."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from models.alert import FLEET, Severity
from models.balance import BalanceState
from models.breaker import BreakerStatus, CircuitState, Direction, Health
from models.fleet import Account, Fleet, FleetLimits, Kind
from models.freeze import Freeze
from models.policy import Policy
from models.reasons import FreezeCause, FreezeState
from models.watch import WatchLimits
from rules.watching import WATCHED, Beat, Facts, OpenOrder, OpenRun, findings, to_restart
from tests.builders import NOW

MINUTE = timedelta(minutes=1)


def a_fleet(watch: Mapping[str, Any] | None = None, limits: FleetLimits | None = None) -> Fleet:
    accounts = tuple(Account(id=name, kind=Kind.USER, venue="kraken") for name in ("alice", "bob"))
    policies = {account.id: Policy() for account in accounts}
    limits = limits or FleetLimits()
    return Fleet(
        path=Path("fleet.yaml"), accounts=accounts, policies=policies, limits=limits, watch=WatchLimits(**(watch or {}))
    )


def found(facts: Facts, fleet: Fleet | None = None) -> list[tuple[str, str, str]]:
    return [(alert.code, alert.account, alert.symbol) for alert in findings(facts, fleet or a_fleet())]


def a_beat(minutes: float, account: str = FLEET, **more: Any) -> Beat:
    return Beat("enforce_exits", account, NOW - minutes * MINUTE, **{"every": MINUTE, **more})


def a_breaker(account: str, state: CircuitState, venue: str = "kraken") -> BreakerStatus:
    health = Health.OFFLINE if state is CircuitState.OPEN else Health.DEGRADED
    return BreakerStatus(
        venue,
        "",
        account,
        Direction.READ,
        health,
        state,
        5,
        9,
        5,
        0.5,
        None,
        NOW,
        "TIMEOUT",
        1,
        60,
        NOW,
        trading_allowed=True,
    )


def a_freeze(symbol: str, account: str = "alice", state: FreezeState = FreezeState.FROZEN) -> Freeze:
    return Freeze(account, symbol, state, FreezeCause.NO_TICKER, 3, NOW)


def a_balance(minutes: float = 0, errors: int = 0) -> BalanceState:
    ten = Decimal(10)
    return BalanceState("alice", ten, ten, ten, NOW - minutes * MINUTE, errors, "TIMEOUT" if errors else None)


def test_a_quiet_fleet_has_nothing_to_tell() -> None:
    assert found(Facts(NOW)) == []
    assert found(Facts(NOW, beats=[a_beat(3), a_beat(3, "alice"), a_beat(9000, every=None)])) == []


def test_a_silent_pipeline_says_it_for_its_accounts() -> None:
    beats = [a_beat(3.1), a_beat(3.1, "alice"), a_beat(3.1, "bob")]

    assert found(Facts(NOW, beats=beats)) == [("PIPELINE_SILENT", FLEET, "enforce_exits")]
    assert found(Facts(NOW, beats=beats), a_fleet({"silent_after_intervals": 4})) == []
    assert found(Facts(NOW, beats=beats), a_fleet({"ignore": ["enforce_exits"]})) == []


def test_what_shows_itself_every_few_seconds_is_silent_after_minutes_and_not_seconds() -> None:
    seconds = timedelta(seconds=5)

    assert found(Facts(NOW, beats=[a_beat(2.9, every=seconds)])) == []
    assert found(Facts(NOW, beats=[a_beat(3.1, every=seconds)])) == [("PIPELINE_SILENT", FLEET, "enforce_exits")]


def test_an_account_may_be_silent_alone_and_one_that_left_the_fleet_is_not_missed() -> None:
    beats = [a_beat(0), a_beat(4, "alice"), a_beat(0, "bob"), a_beat(500, "carol")]

    assert found(Facts(NOW, beats=beats)) == [("ACCOUNT_SILENT", "alice", "enforce_exits")]


def test_a_pipeline_that_runs_and_fails_again_and_again_is_not_well() -> None:
    failing = a_beat(0, status="failed", last_ok=NOW - 4 * MINUTE)
    once = a_beat(0, status="failed", last_ok=NOW - MINUTE)

    assert found(Facts(NOW, beats=[failing])) == [("PIPELINE_FAILING", FLEET, "enforce_exits")]
    assert found(Facts(NOW, beats=[once])) == []


def test_a_run_that_never_ended_is_stalled_until_a_later_one_does() -> None:
    old, young = OpenRun("normalize", "live", NOW - 16 * MINUTE), OpenRun("normalize", "live", NOW - 14 * MINUTE)
    over = OpenRun("normalize", "live", NOW - 60 * MINUTE, worked_since=NOW)

    assert found(Facts(NOW, runs=[old, old, young])) == [("STALLED", FLEET, "normalize")]
    assert found(Facts(NOW, runs=[over, young])) == []


def test_a_lease_that_nobody_renews_and_an_order_without_an_end_are_told_of_the_fleets_accounts() -> None:
    leases = {"alice": ("machine:1", 2 * MINUTE), "carol": ("machine:1", MINUTE), "the key abc": ("machine:1", MINUTE)}
    orders = [OpenOrder(a, "ETH/USD", "c1", NOW - t * MINUTE) for a, t in (("alice", 5), ("bob", 6), ("carol", 9))]

    assert found(Facts(NOW, leases=leases, orders=orders)) == [
        ("STUCK_LEASE", "alice", ""),
        ("ORDER_UNDECIDED", "bob", "ETH/USD"),
    ]


def test_breakers_are_told_once_an_account_and_a_closed_one_is_not() -> None:
    ways = [
        a_breaker(FLEET, CircuitState.OPEN),
        a_breaker(FLEET, CircuitState.OPEN, "binance"),
        a_breaker("alice", CircuitState.HALF_OPEN),
        a_breaker("bob", CircuitState.CLOSED),
    ]

    alerts = findings(Facts(NOW, breakers=ways), a_fleet())

    assert [(a.account, a.severity) for a in alerts] == [(FLEET, Severity.CRITICAL), ("alice", Severity.WARNING)]
    assert "kraken" in alerts[0].message
    assert "binance" in alerts[0].message


@pytest.mark.parametrize(("frozen", "told"), [(5, []), (6, [("FROZEN_SYMBOLS", FLEET, "")])])
def test_more_than_five_frozen_symbols_are_a_warning(frozen: int, told: list[Any]) -> None:
    symbols = [a_freeze(f"A{n}/USD") for n in range(frozen)]

    assert found(Facts(NOW, freezes=[*symbols, a_freeze("B/USD", state=FreezeState.COUNTING)])) == told


def test_a_balance_is_told_that_is_old_or_cannot_be_read() -> None:
    def told(state: BalanceState) -> list[str]:
        return [code for code, _, _ in found(Facts(NOW, balances={"alice": state}))]

    assert told(a_balance(30, 2)) == []
    assert told(a_balance(31)) == ["BALANCE_STALE"]
    assert told(a_balance(0, 3)) == ["BALANCE_ERRORS"]


# J2
@pytest.mark.parametrize(("positions", "told"), [(90, []), (91, [("GLOBAL_POSITIONS", FLEET, "")])])
def test_more_than_ninety_of_a_hundred_positions_are_a_warning(positions: int, told: list[Any]) -> None:
    assert found(Facts(NOW, positions=positions)) == told


def test_counts_of_the_day_are_told_when_they_are_many() -> None:
    few = {"low_balance_warnings": 1, "volatility_adjustments": 1, "sized_entries": 2}
    many = {"low_balance_warnings": 2, "volatility_adjustments": 2, "sized_entries": 3}

    assert found(Facts(NOW, counts=few)) == []
    assert [code for code, _, _ in found(Facts(NOW, counts=many))] == ["LOW_BALANCES", "VOLATILITY_ADJUSTMENTS"]


def test_a_halt_is_critical_and_one_of_no_account_of_the_fleet_is_not_told() -> None:
    alerts = findings(Facts(NOW, halts={"alice": ["CAP_NOT_REACHED"], "carol": ["x"]}), a_fleet())

    assert [(a.code, a.account, a.severity) for a in alerts] == [("HALTED", "alice", Severity.CRITICAL)]


def test_only_what_the_fleet_file_names_is_started_again_and_once_an_interval() -> None:
    facts = Facts(NOW, beats=[a_beat(9)])
    fleet, nobody = a_fleet({"restart": ["enforce_exits", "enforce_cap"]}), a_fleet()
    alerts = findings(facts, fleet)

    chosen = to_restart(facts, fleet, alerts, {})

    assert list(chosen) == ["enforce_exits"]
    assert to_restart(facts, nobody, alerts, {}) == {}
    assert to_restart(facts, fleet, (), {}) == {}
    assert to_restart(facts, fleet, alerts, {"enforce_exits": NOW - MINUTE / 2}) == {}
    assert to_restart(facts, fleet, alerts, {"enforce_exits": NOW - MINUTE}) == chosen


def test_the_watch_owns_every_code_it_finds() -> None:
    facts = Facts(NOW, beats=[a_beat(9)], halts={"alice": ["x"]}, positions=99)

    assert {code for code, _, _ in found(facts)} <= WATCHED
