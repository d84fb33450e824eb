"""No order is sent with a key that may withdraw, unless the fleet file says that it may be used."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers.simulator.fault_kinds import Fault
from brokers.venues import capabilities_of
from models.reasons import AccountStatus
from tasks.runtime import Runtime
from tests.drills.desk import Desk, codes, sold
from tests.drills.plain import normalize, normalize_at, without_prefect, without_throttle
from tests.drills.venues import VENUES, Drill, in_turn

pytestmark = pytest.mark.wire

REPORTING = [name for name in VENUES if capabilities_of(name).reports_permissions]


def each_reporting(drill: Drill) -> Drill:
    """Run a drill at each venue that reports permissions, in turn."""
    return pytest.mark.parametrize("name", in_turn(drill, REPORTING))(drill)


HELD = {"BTC": "500", "DOGE": "0.50"}
# After these the venue has said that it does not tell this key.
DECLINED = {Fault.AUTH_REVOKED}


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    without_prefect(monkeypatch)
    without_throttle(monkeypatch)
    with Desk(tmp_path, sqlite_url, monkeypatch) as desk:
        yield desk


@each_reporting
def test_a_live_run_is_blocked_before_any_order(desk: Desk, name: str) -> None:
    venue = desk.worth(HELD, venue=name, keys={"may_withdraw": True})

    (report,) = normalize(desk)

    assert (report.status, codes(report)) == (AccountStatus.BLOCKED, {"KEY_MAY_WITHDRAW"})
    assert (sold(venue), venue.calls("place")) == ([], 0)
    assert report.positions_before == 1  # what is there is reported all the same


@each_reporting
def test_a_dry_run_says_so_and_plans_all_the_same(desk: Desk, name: str) -> None:
    desk.worth(HELD, venue=name, keys={"may_withdraw": True})

    async def dry(runtime: Runtime) -> tuple[AccountStatus, set[str], int]:
        report = await normalize_at(runtime, "platform", live=False)
        return report.status, codes(report), len(report.actions)

    assert desk.at_runtime(dry) == (AccountStatus.PENDING, {"KEY_MAY_WITHDRAW"}, 1)


@each_reporting
def test_the_fleet_file_may_allow_it(desk: Desk, name: str) -> None:
    venue = desk.worth(HELD, venue=name, keys={"may_withdraw": True}, settings={"allow_withdrawal_key": True})

    (report,) = normalize(desk)

    assert (report.status, sold(venue)) == (AccountStatus.COMPLIANT, ["DOGE"])


@each_reporting
def test_a_key_without_that_right_costs_one_call_a_run(desk: Desk, name: str) -> None:
    asked = desk.worth(HELD, venue=name)
    unasked = desk.worth(HELD, venue=name, account="told", settings={"allow_withdrawal_key": True})

    reports = normalize(desk)

    assert [(r.status, codes(r)) for r in reports] == [(AccountStatus.COMPLIANT, set())] * 2
    assert sold(asked) == sold(unasked, "told") == ["DOGE"]
    assert asked.calls("permissions") == unasked.calls("permissions") + 1


def test_a_venue_that_does_not_tell_this_key_stops_nothing(desk: Desk) -> None:
    declined = {"operation": "permissions", "fault": "error", "code": "EGeneral:Permission denied", "times": None}
    venue = desk.worth(HELD, faults=[declined])

    (report,) = normalize(desk)

    assert (report.status, sold(venue)) == (AccountStatus.COMPLIANT, ["DOGE"])


@each_reporting
def test_no_fault_makes_such_a_key_look_harmless(desk: Desk, name: str) -> None:
    desk.policy["balance_fetch_max_attempts"] = 1
    names = {fault: fault.replace("_", "-") for fault in Fault}
    venue = desk.opens(
        name,
        prices=HELD,
        holds={account: dict.fromkeys(HELD, 1) for account in names.values()},
        keys={"may_withdraw": True},
        faults=[
            {"operation": "permissions", "account": account, "fault": fault, "seconds": 0.1, "times": None}
            for fault, account in names.items()
        ],
    )

    async def run(runtime: Runtime) -> dict[str, set[str]]:
        accounts = list(names.values())
        reports = await asyncio.gather(*(normalize_at(runtime, account) for account in accounts))
        return {account: codes(report) for account, report in zip(accounts, reports, strict=True)}

    said = desk.at_runtime(run)

    assert {fault for fault, account in names.items() if sold(venue, account)} <= DECLINED
    assert {fault for fault, account in names.items() if not said[account]} <= DECLINED
    assert {fault for fault, account in names.items() if "INTERNAL_ERROR" in said[account]} == set()
