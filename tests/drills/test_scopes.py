"""A pipeline that enforces one part of the policy leaves the rest alone."""

import asyncio

import pytest

from flows.normalize import FleetRequest, normalize_fleet
from models.reasons import AccountStatus, ActionKind
from models.report import AccountReport
from models.scope import Scope
from models.store.heartbeats import PIPELINE, heartbeats
from tests.drills.desk import Desk, codes, left, sold

pytestmark = pytest.mark.wire

HELD = {"BIG": 100, "MID": 50, "LOW": 20, "SMALL": 5, "DUST": "0.5", "GRIT": "0.25"}


def enforce(desk: Desk, scope: Scope, *, live: bool = True) -> AccountReport:
    desk.write_fleet()
    request = FleetRequest(fleet=str(desk.fleet), live=live)
    return asyncio.run(normalize_fleet(request, pipeline=f"enforce_{scope}", scope=scope)).accounts[0]


def test_a_dust_cleanup_sells_dust_and_nothing_else(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    kraken = desk.worth(HELD)

    planned, report = enforce(desk, Scope.DUST, live=False), enforce(desk, Scope.DUST)

    assert (planned.status, kraken.calls("place")) == (AccountStatus.PENDING, 2)
    assert report.status is AccountStatus.COMPLIANT
    assert sold(kraken) == ["GRIT", "DUST"]
    assert left(kraken) == {"BIG", "MID", "LOW", "SMALL"}
    assert {action.kind for action in report.actions} == {ActionKind.CLOSE_DUST}


def test_enforcing_the_cap_sells_the_smallest_and_leaves_dust(desk: Desk) -> None:
    desk.policy["max_positions"] = 2
    kraken = desk.worth(HELD)

    report = enforce(desk, Scope.CAP)

    assert report.status is AccountStatus.COMPLIANT
    assert sold(kraken) == ["SMALL", "LOW"]
    assert left(kraken) == {"BIG", "MID", "DUST", "GRIT"}
    assert (report.positions_before, report.positions_after) == (4, 2)


def test_a_part_of_the_policy_goes_by_the_version_of_the_whole(sqlite_desk: Desk) -> None:
    sqlite_desk.worth(HELD)

    versions = {enforce(sqlite_desk, scope, live=False).policy_version for scope in (Scope.ALL, Scope.DUST, Scope.CAP)}

    assert len(versions) == 1


def test_a_cap_that_cannot_be_reached_halts_and_a_dust_cleanup_does_not_lift_it(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1, "order_timeout_seconds": 0.05}
    kraken = desk.worth({"BIG": 100, "MID": 50, "DUST": "0.5"})
    kraken.set_fills("never", symbol="MID/USD")

    halted = enforce(desk, Scope.CAP)
    blocked = enforce(desk, Scope.DUST)

    assert (halted.status, blocked.status) == (AccountStatus.HALTED, AccountStatus.BLOCKED)
    assert "HALTED" in codes(blocked)
    assert left(kraken) == {"BIG", "MID", "DUST"}


def test_a_pipeline_and_each_of_its_accounts_leave_a_heartbeat(desk: Desk) -> None:
    desk.worth({"BIG": 100}, account="well")
    kraken = desk.worth({"BIG": 100}, account="ill")
    kraken.set_faults({"operation": "balance", "fault": "html", "times": None})

    enforce(desk, Scope.CAP)

    seen = {beat.account: (beat.status, beat.last_ok is not None) for beat in desk.in_store(heartbeats)}
    assert seen == {PIPELINE: ("ok", True), "well": ("compliant", True), "ill": ("blocked", False)}


def test_a_run_that_finds_nothing_leaves_no_file_and_one_that_acts_does(sqlite_desk: Desk) -> None:
    sqlite_desk.worth({"BIG": 100, "DUST": "0.5"})

    enforce(sqlite_desk, Scope.CAP)
    quiet = list((sqlite_desk.home / "reports").glob("*.json"))
    enforce(sqlite_desk, Scope.DUST)

    assert quiet == []
    assert len(list((sqlite_desk.home / "reports").glob("*.json"))) == 1
