"""A verification names each rule that is broken, and passes on sound code without an order in earnest."""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers import breaker
from brokers.account import AccountClient
from brokers.simulator.manners import VenueName
from flows.over_accounts import AccountsRequest
from flows.verification.drills import asked
from flows.verification.questions import QUESTIONS, VENUES
from flows.verify_weekly import VERIFICATION_FAILED, verify_fleet
from models.alert import FLEET, Severity
from models.errors import OutcomeUnknown
from models.market import Price
from models.plan import Plan
from models.policy import Policy
from models.position import Position
from models.reasons import Verdict
from models.store.alerts import alerts
from models.store.verifications import latest_verification
from models.verification import CheckResult, Part, VerificationReport
from rules import cap
from rules import plan as planning
from rules.breaker import Admission
from rules.exit_plan import make_exit_plan
from rules.valuation import value_holdings
from tasks import read_account
from tests.drills.desk import Desk, Number, left
from tests.drills.plain import without_prefect

pytestmark = pytest.mark.wire


def verdicts(folder: Path, *names: str, venue: VenueName = VenueName.BINANCE) -> dict[str, CheckResult]:
    """Put some of the questions to the code of this process, as it stands now."""

    async def put() -> list[CheckResult]:
        chosen = [question for question in QUESTIONS if question.name in names]
        return [result async for result in asked(folder, chosen, [venue])]

    return {result.name: result for result in asyncio.run(put())}


def broken(results: dict[str, CheckResult]) -> set[str]:
    return {name for name, result in results.items() if result.verdict is Verdict.FAIL}


@pytest.fixture(autouse=True)
def _steps_without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    without_prefect(monkeypatch)


def test_a_cap_that_keeps_the_smallest_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = cap.ranking

    def reversed_(places: Iterable[cap.Place]) -> tuple[cap.Place, ...]:
        return tuple(reversed(sound(places)))

    monkeypatch.setattr(planning, "ranking", reversed_)

    found = verdicts(tmp_path, "user_cap_of_five", "dust_below_threshold_only")

    assert broken(found) == {"user_cap_of_five"}
    assert "left: expected BTC, DOGE, ETH, SHIB, SOL, found" in found["user_cap_of_five"].found


def test_a_dust_threshold_that_takes_one_dollar_with_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(value: Decimal, policy: Policy, _mark: object = None) -> bool:
        return value <= policy.dust_threshold_usd

    monkeypatch.setattr(cap, "is_dust", moved)

    found = verdicts(tmp_path, "dust_below_threshold_only", "user_cap_of_five")

    assert broken(found) == {"dust_below_threshold_only"}
    assert "positions: expected 3, found 2" in found["dust_below_threshold_only"].found


# Incident 1
def test_a_dollar_in_the_place_of_a_missing_price_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = value_holdings

    def valued(*given: Any, now: datetime, **named: Any) -> tuple[Position, ...]:
        dollar = Price(Decimal(1), "invented", now)
        return tuple(
            position if position.price else replace(position, price=dollar, no_price=None)
            for position in sound(*given, now=now, **named)
        )

    monkeypatch.setattr(read_account, "value_holdings", valued)

    found = verdicts(tmp_path, "unvalued_counts_and_stays", "second_run_does_nothing")

    assert broken(found) == {"unvalued_counts_and_stays"}


def test_exits_that_are_swallowed_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = make_exit_plan

    def swallowed(*given: Any, **named: Any) -> Plan:
        return replace(sound(*given, **named), actions=())

    monkeypatch.setattr("tasks.plan_account.make_exit_plan", swallowed)

    found = verdicts(tmp_path, "exits_fire", "halted_account_still_exits", "second_run_does_nothing")

    assert broken(found) == {"exits_fire", "halted_account_still_exits"}


def test_a_breaker_that_lets_everything_through_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "ask", lambda known, **_: (known, Admission.GO))

    found = verdicts(tmp_path, "breaker_keeps_calls_back", "adoption_twice_changes_nothing")

    assert broken(found) == {"breaker_keeps_calls_back"}


def test_an_order_that_is_sent_again_when_its_answer_is_lost_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = AccountClient.place

    async def again(self: AccountClient, *given: Any) -> Any:
        try:
            return await sound(self, *given)
        except OutcomeUnknown:
            return await sound(self, *given)

    monkeypatch.setattr(AccountClient, "place", again)

    found = verdicts(tmp_path, "lost_answer_is_sent_once", "blacklist_round_trip")

    assert broken(found) == {"lost_answer_is_sent_once"}
    assert "calls that place an order: expected 1, found 2" in found["lost_answer_is_sent_once"].found


def verify(desk: Desk) -> VerificationReport:
    desk.write_fleet()
    return asyncio.run(verify_fleet(AccountsRequest(fleet=str(desk.fleet))))


def failed_alerts(desk: Desk) -> list[tuple[str, Severity]]:
    standing = [one.alert for one in desk.in_store(alerts) if one.alert.code == VERIFICATION_FAILED]
    return sorted((alert.account, alert.severity) for alert in standing)


def test_on_sound_code_everything_passes_and_the_accounts_are_only_read(sqlite_desk: Desk) -> None:
    """The accounts are in a state in which a live run would sell: over their cap, with dust."""
    sqlite_desk.policy["max_positions"] = 1
    held: dict[str, Number | None] = {"BTC": 1000, "ETH": 500, "DUST": "0.50"}
    kraken = sqlite_desk.worth(held)
    binance = sqlite_desk.worth(held, account="second", venue="binance")

    report = verify(sqlite_desk)

    assert [f"{c.title}: {c.found}" for c in report.failures] == []
    assert (report.exit_code, report.pass_rate) == (0, 1.0)
    rules_asked = [(c.name, c.venue) for c in report.checks if c.part is Part.RULES]
    assert rules_asked == [(q.name, v.value) for q in QUESTIONS for v in VENUES]
    assert {"connection", "clock", "keys", "permissions", "ticker", "symbols", "breakers", "balance_age"} <= {
        c.name for c in report.checks if c.account == "second"
    }
    assert {c.name for c in report.checks if c.part is Part.STORE} == {"schema", "integrity"}
    for venue, account in ((kraken, "platform"), (binance, "second")):
        assert (venue.calls("place"), venue.calls("cancel"), left(venue, account)) == (0, 0, set(held))
        assert sqlite_desk.tracked(account) == {}
    assert sqlite_desk.in_store(latest_verification) == report
    assert failed_alerts(sqlite_desk) == []


def test_what_fails_is_an_alert_of_its_own_until_it_is_well_again(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kraken = sqlite_desk.worth({"BTC": 1000})
    kraken.set_faults({"operation": "any", "account": "platform", "fault": "auth_revoked", "times": None})
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    failed = verify(sqlite_desk)
    raised = failed_alerts(sqlite_desk)
    kraken.set_faults()
    mended = verify(sqlite_desk)

    assert failed.exit_code == 3
    assert {check.name for check in failed.failures} == {"keys", *(question.name for question in QUESTIONS)}
    assert raised == [(FLEET, Severity.CRITICAL), ("platform", Severity.CRITICAL)]
    assert {check.code for check in mended.failures} == {"NO_ANSWER"}  # no rule is taken for sound unasked
    assert failed_alerts(sqlite_desk) == [(FLEET, Severity.CRITICAL)]


def test_holdings_that_the_venue_does_not_name_are_named_and_fail_where_they_are_most(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    binance = sqlite_desk.worth({"BTC": 1000, "ETH": 500, "SOL": 100}, venue="binance")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    found = []
    for asset in ("BTC", "ETH"):
        binance.set_market(f"{asset}/USDT", "delisted")
        (symbols,) = [check for check in verify(sqlite_desk).checks if check.name == "symbols"]
        found.append((symbols.verdict, symbols.code, "does not name BTC" in symbols.found))

    assert found == [(Verdict.WARN, "SYMBOL_UNKNOWN", True), (Verdict.FAIL, "SYMBOL_UNKNOWN", True)]
