"""An examination says exactly what is wrong, at every venue, and changes nothing there or here."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from brokers.venues import capabilities_of
from models.reasons import Check, HaltCause, Mode, Verdict
from models.report import CheckReport, DoctorReport
from models.store.engine import Store
from models.store.halts import halt
from tests.drills.desk import Desk
from tests.drills.venues import VENUES, each_venue

pytestmark = pytest.mark.wire

HELD = {"BTC": "500", "ETH": "400"}
# Calls at a venue that change something there.
CHANGING = ("place", "cancel", "convert_dust")
AS_WELL = frozenset({Verdict.OK, Verdict.SKIPPED})
_BY_ANY_CALL = frozenset({"key_turns", "breakers", "throttles"})


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Return a desk that needs no Prefect server: an examination runs without."""
    with Desk(tmp_path, sqlite_url, monkeypatch) as desk:
        yield desk


def lines(report: DoctorReport, account: str = "platform") -> list[CheckReport]:
    (found,) = [a for a in report.accounts if a.account == account]
    return found.checks


def line(report: DoctorReport, check: Check, account: str = "platform") -> CheckReport:
    (found,) = [row for row in lines(report, account) if row.check is check]
    return found


def troubles(report: DoctorReport, account: str = "platform") -> dict[str, str | None]:
    """Return the codes of what failed, by check."""
    return {row.check.value: row.code for row in lines(report, account) if row.verdict is Verdict.FAIL}


def needing(report: DoctorReport, account: str = "platform") -> set[Check]:
    """Return the checks that could not be made because another one failed."""
    skipped = [row for row in lines(report, account) if row.verdict is Verdict.SKIPPED]
    return {row.check for row in skipped if row.found.startswith("needs ")}


@each_venue
def test_a_healthy_account_has_nothing_to_do_and_nothing_is_touched(desk: Desk, name: str) -> None:
    venue = desk.worth(HELD, venue=name)
    before = desk.in_store(_rows)

    report = desk.examine()

    told = capabilities_of(name)
    expected = {} if told.reports_permissions else {"permissions": "PERMISSIONS_NOT_REPORTED"}
    assert {r.check.value: r.code for r in lines(report) if r.verdict not in AS_WELL} == expected
    assert [r.check for r in lines(report)] == list(Check)
    assert needing(report) == set()
    equity = line(report, Check.EQUITY).verdict
    assert equity is (Verdict.OK if told.reports_equity else Verdict.SKIPPED)
    assert report.exit_code == 0
    assert all(row.next_step for row in lines(report) if row.verdict not in AS_WELL)
    assert [operation for operation in CHANGING if venue.calls(operation)] == []
    assert desk.in_store(_rows) == before


@each_venue
def test_a_revoked_key_is_said_once_and_the_public_checks_go_on(desk: Desk, name: str) -> None:
    desk.worth(HELD, venue=name, faults=[_fault("any", "auth_revoked", account="platform")])

    report = desk.examine()

    assert troubles(report)["keys"] == "AUTHENTICATION"
    assert report.exit_code == 3
    signed = {Check.PERMISSIONS, Check.BALANCE, Check.EQUITY, Check.OPEN_ORDERS}
    assert signed <= needing(report)
    if not capabilities_of(name).markets_need_key:
        assert set(troubles(report)) == {"keys"}
        assert line(report, Check.TICKER).verdict is Verdict.OK


@each_venue
@pytest.mark.parametrize(("seconds", "verdict"), [("3", Verdict.WARN), ("-30", Verdict.FAIL)])
def test_a_skewed_clock_is_measured_and_nothing_else_suffers(
    desk: Desk, name: str, seconds: str, verdict: Verdict
) -> None:
    desk.worth(HELD, venue=name, clock_skew_seconds=seconds)

    report = desk.examine()

    clock = line(report, Check.CLOCK)
    expected = verdict if capabilities_of(name).checks_clock else Verdict.WARN
    assert (clock.verdict, clock.code) == (expected, "CLOCK_OFF")
    assert ("behind" if seconds.startswith("-") else "ahead") in clock.found
    assert set(troubles(report)) <= {"clock"}


@each_venue
def test_a_key_that_may_withdraw_fails_unless_the_fleet_file_allows_it(desk: Desk, name: str) -> None:
    if not capabilities_of(name).reports_permissions:
        pytest.skip("the venue does not say what a key may do")
    desk.opens(name, prices=HELD, holds={"bare": {"BTC": 1}}, keys={"may_withdraw": True})
    allowed = {"allow_withdrawal_key": True}
    desk.opens(name, prices=HELD, holds={"told": {"BTC": 1}}, keys={"may_withdraw": True}, settings=allowed)

    report = desk.examine()

    found = [line(report, Check.PERMISSIONS, account) for account in ("bare", "told")]
    assert [(f.verdict, f.code) for f in found] == [
        (Verdict.FAIL, "KEY_MAY_WITHDRAW"),
        (Verdict.WARN, "KEY_MAY_WITHDRAW"),
    ]
    assert (troubles(report, "bare"), troubles(report, "told")) == ({"permissions": "KEY_MAY_WITHDRAW"}, {})


@each_venue
def test_a_key_that_may_not_trade_fails(desk: Desk, name: str) -> None:
    if not capabilities_of(name).reports_permissions:
        pytest.skip("the venue does not say what a key may do")
    desk.worth(HELD, venue=name, keys={"may_trade": False, "may_withdraw": True})

    report = desk.examine()

    found = [r.code for r in lines(report) if r.check is Check.PERMISSIONS]
    assert found == ["KEY_MAY_WITHDRAW", "KEY_MAY_NOT_TRADE"]


@each_venue
def test_a_venue_that_is_down_is_one_failure_and_stops_no_other_account(desk: Desk, name: str) -> None:
    down = desk.worth(HELD, venue=name)
    desk.worth(HELD, account="other")
    down.set_faults(_fault("any", "refuse_before"))

    report = desk.examine()

    assert troubles(report) == {"connection": "UNREACHABLE"}
    assert {Check.CLOCK, Check.KEYS, Check.BALANCE, Check.TICKER} <= needing(report)
    assert line(report, Check.STORE).verdict is Verdict.OK
    assert troubles(report, "other") == {}


@each_venue
def test_a_balance_with_a_number_that_is_none_fails_and_the_other_checks_go_on(desk: Desk, name: str) -> None:
    desk.worth(HELD, venue=name, faults=[_fault("balance", "nan_numbers")])

    report = desk.examine()

    assert troubles(report) == {"balance": "MALFORMED_ANSWER"}
    assert needing(report) == {Check.EQUITY}
    assert {line(report, check).verdict for check in (Check.KEYS, Check.OPEN_ORDERS, Check.TICKER)} == {Verdict.OK}


def test_an_account_without_keys_is_examined_as_far_as_none_are_needed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.worth(HELD)
    monkeypatch.delenv("NIJA_PLATFORM_API_KEY")
    monkeypatch.delenv("NIJA_PLATFORM_API_SECRET")

    report = desk.examine()

    assert troubles(report) == {"credentials": "CREDENTIALS_MISSING"}
    assert "NIJA_PLATFORM_API_KEY" in line(report, Check.CREDENTIALS).found
    assert Check.KEYS in needing(report)
    open_to_all = (Check.CONNECTION, Check.CLOCK, Check.MARKETS, Check.TICKER)
    assert {line(report, check).verdict for check in open_to_all} == {Verdict.OK}


def test_a_secret_that_nothing_can_be_signed_with_is_said_to_be_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = desk.worth(HELD)
    monkeypatch.setenv("NIJA_PLATFORM_API_SECRET", "half of one")

    report = desk.examine()

    assert troubles(report) == {"keys": "KEYS_UNUSABLE"}
    assert "secret" in line(report, Check.KEYS).next_step
    assert "half of one" not in report.model_dump_json()
    assert venue.calls("balance") == 0


@pytest.mark.parametrize("name", [name for name in VENUES if capabilities_of(name).needs_passphrase])
def test_a_passphrase_that_is_asked_for_and_not_there_is_missing(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.worth(HELD, venue=name)
    monkeypatch.delenv("NIJA_PLATFORM_API_PASSPHRASE")

    assert troubles(desk.examine()) == {"credentials": "PASSPHRASE_MISSING"}


def test_a_simulated_venue_that_does_not_start_is_no_fault_of_the_keys(desk: Desk) -> None:
    desk.worth(HELD, settings={"simulated": "worlds/missing.yaml", "url": None})

    report = desk.examine()

    assert troubles(report) == {"connection": "CONFIG_ERROR"}
    assert "missing.yaml" in line(report, Check.CONNECTION).found
    assert line(report, Check.CREDENTIALS).verdict is Verdict.SKIPPED


def test_a_currency_that_no_market_has_fails_and_names_those_that_there_are(desk: Desk) -> None:
    desk.worth(HELD, settings={"quote": "CHF"})

    report = desk.examine()

    assert troubles(report)["markets"] == "NO_MARKET_IN_QUOTE"
    assert "USD (2)" in line(report, Check.MARKETS).found


def test_a_holding_without_a_price_is_a_warning(desk: Desk) -> None:
    desk.worth(HELD | {"AUT": None})

    ticker = line(desk.examine(), Check.TICKER)

    assert (ticker.verdict, ticker.code) == (Verdict.WARN, "PRICE_FETCH_ERROR")
    assert "AUT/USD" in ticker.found


def test_values_that_do_not_add_up_to_the_reported_equity_fail(desk: Desk) -> None:
    reported = '{"error":[],"result":{"eb":"17.00"}}'
    desk.worth(HELD, faults=[_fault("equity", "html", body=reported)])

    assert troubles(desk.examine()) == {"equity": "EQUITY_MISMATCH"}


def test_a_venue_that_does_not_tell_this_key_its_rights_is_a_warning(desk: Desk) -> None:
    desk.worth(HELD, faults=[_fault("permissions", "error", code="EGeneral:Permission denied")])

    report = desk.examine()

    permissions = line(report, Check.PERMISSIONS)
    assert (permissions.verdict, permissions.code) == (Verdict.WARN, "PERMISSIONS_NOT_REPORTED")
    assert report.exit_code == 0


def test_what_stands_in_the_store_is_a_warning_that_names_the_command(desk: Desk) -> None:
    desk.worth(HELD)
    desk.in_store(_halted)

    store = line(desk.examine(), Check.STORE)

    assert (store.verdict, store.code) == (Verdict.WARN, "HALTED")
    assert "nija halts" in store.next_step


def test_a_fault_of_ours_is_named_and_stops_no_other_account(desk: Desk) -> None:
    desk.worth(HELD)
    desk.worth(HELD, account="other")

    async def examine(runtime: Any) -> DoctorReport:
        from flows.doctor import examine_fleet  # noqa: PLC0415 - as the command does

        sound = runtime.fleet.policies["other"]
        policies = {"other": sound, "platform": sound.model_copy(update={"max_price_age_seconds": None})}
        broken = runtime.fleet.model_copy(update={"policies": policies})
        return await examine_fleet(dataclasses.replace(runtime, fleet=broken), broken.accounts)

    report = desk.at_runtime(examine)

    assert "INTERNAL_ERROR" in troubles(report).values()
    assert troubles(report, "other") == {}


def _fault(operation: str, fault: str, **terms: Any) -> Mapping[str, Any]:
    return {"operation": operation, "fault": fault, "times": None, **terms}


async def _halted(store: Store) -> None:
    await halt(
        store,
        "platform",
        mode=Mode.PAPER,
        policy_version="x",
        run_id="x",
        cause=HaltCause.CAP_NOT_REACHED,
        detail="2 over the cap of 8",
        clears_when="a read shows at most 8 positions",
        now=datetime.now(UTC),
    )


async def _rows(store: Store) -> dict[str, int]:
    """Count the rows of every table but those in which any call is counted or takes its turn."""
    async with store.reading() as connection:
        tables = [t for t in SQLModel.metadata.sorted_tables if t.name not in _BY_ANY_CALL]
        return {t.name: len((await connection.execute(t.select())).all()) for t in tables}


def test_a_portfolio_that_is_gone_is_said_to_be(desk: Desk) -> None:
    venue = desk.worth(HELD, venue="coinbase")
    gone = {"code": "NOT_FOUND", "message": "portfolio not found", "status": 404}
    venue.set_faults({"operation": "equity", "fault": "error", "times": None, **gone})

    found = line(desk.examine(), Check.BALANCE)

    assert (found.verdict, found.code) == (Verdict.FAIL, "PORTFOLIO_MISSING")
    assert "portfolio" in str(found.next_step)
