"""`nija normalize`: its exit codes, its report field by field, and what leaves the machine when."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from tests.cli.command import CLOSED_PORT, QUICK, Nija, Ran

pytestmark = pytest.mark.wire

Is = Callable[[Any], bool]


def is_amount(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) is not None


def is_instant(value: Any) -> bool:
    wanted = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return isinstance(value, str) and re.fullmatch(wanted, value) is not None


def is_symbol(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Z0-9.]+/[A-Z0-9]+", value) is not None


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def one_of(words: str) -> Is:
    return lambda value: value in words.split()


def maybe(kind: Is) -> Is:
    return lambda value: value is None or kind(value)


def list_of(kind: Is) -> Is:
    return lambda value: isinstance(value, list) and all(kind(row) for row in value)


def is_any(_value: Any) -> bool:
    return True


RUN: dict[str, Is] = {
    "run_id": is_text,
    "mode": one_of("plan live"),
    "started_at": is_instant,
    "finished_at": is_instant,
    "accounts": list_of(is_any),
    "totals": is_any,
}
ACCOUNT: dict[str, Is] = {
    "account": is_text,
    "status": one_of("compliant pending halted blocked failed"),
    "cap": is_count,
    "holdings_before": is_count,
    "holdings_after": is_count,
    "positions_before": is_count,
    "positions_after": is_count,
    "cycles": is_count,
    "unvalued": list_of(is_symbol),
    "dust": list_of(is_symbol),
    "blacklisted": list_of(is_symbol),
    "cash_usd": is_amount,
    "equity_before_usd": is_amount,
    "equity_after_usd": is_amount,
    "actions": list_of(is_any),
    "errors": list_of(is_any),
}
ACTION: dict[str, Is] = {
    "kind": one_of("close_dust convert_dust mark_dust close_small trim_cap"),
    "symbol": is_symbol,
    "quantity": is_amount,
    "value_usd": is_amount,
    "reason": is_text,
    "client_order_id": maybe(is_text),
    "outcome": one_of("planned filled partial rejected unknown skipped"),
    "filled": is_amount,
    "average_price": maybe(is_amount),
    "fee_usd": maybe(is_amount),
}
ERROR: dict[str, Is] = {"code": is_text, "symbol": maybe(is_symbol), "message": is_text}
TOTALS: dict[str, Is] = dict.fromkeys(
    ("accounts", "positions_before", "positions_after", "dust", "orders", "halted"), is_count
)


def check_fields(document: dict[str, Any], fields: dict[str, Is]) -> None:
    """Hold a document to its contract: every field there, of its type; more may come, none may go."""
    assert set(fields) <= set(document)
    wrong = {name: document[name] for name, fits in fields.items() if not fits(document[name])}
    assert wrong == {}


def check_report(ran: Ran) -> None:
    report = ran.report
    check_fields(report, RUN)
    check_fields(report["totals"], TOTALS)
    for account in report["accounts"]:
        check_fields(account, ACCOUNT)
        for action in account["actions"]:
            check_fields(action, ACTION)
        for error in account["errors"]:
            check_fields(error, ERROR)
    assert datetime.fromisoformat(report["started_at"]) <= datetime.fromisoformat(report["finished_at"])


@pytest.fixture
def early() -> Iterator[RunningVenue]:
    """Run a Binance whose clock is behind ours."""
    world = {
        "venue": "binance",
        "markets": [{"symbol": "BTC/USDT", "price": "50000"}],
        "accounts": {"early": {"balances": {"USDT": "10"}}},
    }
    late = {"operation": "any", "account": "early", "fault": "clock_error", "times": None}
    with RunningVenue(World.model_validate(world), faults=[late]) as venue:
        yield venue


def the_kept_report(nija: Nija) -> Path:
    (path,) = (nija.home / "reports").glob("*.json")
    return path


def test_a_dry_run_says_what_it_would_do_and_sends_nothing(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    ran = nija("normalize", "--json")

    assert ran.code == 2
    check_report(ran)
    account = ran.account()
    assert (ran.report["mode"], account["status"]) == ("plan", "pending")
    assert (account["holdings_before"], account["positions_before"], account["positions_after"]) == (7, 5, 5)
    assert {(a["kind"], a["symbol"], a["outcome"]) for a in account["actions"]} == {
        ("close_dust", "LTC/USD", "planned"),
        ("mark_dust", "DOGE/USD", "planned"),
        ("close_small", "ADA/USD", "planned"),
        ("trim_cap", "SOL/USD", "planned"),
    }
    assert account["unvalued"] == ["AUT/USD"]
    assert ("PRICE_FETCH_ERROR", "AUT/USD") in {(e["code"], e["symbol"]) for e in account["errors"]}
    assert kraken.calls("place") == 0
    assert json.loads(the_kept_report(nija).read_text()) == ran.report


def test_a_live_run_applies_the_plan_once_and_a_second_one_finds_nothing_to_do(
    nija: Nija, kraken: RunningVenue, prefect_home: Path
) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    ran = nija("normalize", "--live", "--yes", "--json")
    again = nija("normalize", "--live", "--yes", "--json")

    assert (ran.code, again.code) == (0, 0)
    check_report(ran)
    account = ran.account()
    assert (ran.report["mode"], account["status"], account["positions_after"]) == ("live", "compliant", 3)
    assert {a["symbol"]: a["outcome"] for a in account["actions"]} == {
        "LTC/USD": "filled",
        "DOGE/USD": "skipped",
        "ADA/USD": "filled",
        "SOL/USD": "filled",
    }
    assert account["blacklisted"] == ["DOGE/USD"]
    assert (ran.report["totals"]["orders"], again.report["totals"]["orders"]) == (3, 0)
    orders = {order.client_order_id for order in kraken.orders("platform")}
    assert orders == {a["client_order_id"] for a in account["actions"] if a["client_order_id"]}
    assert len(kraken.orders("platform")) == kraken.calls("place") == 3
    left = {asset for asset, total in kraken.balances("platform").items() if total}
    assert left == {"USD", "BTC", "ETH", "DOGE", "AUT"}
    # What the server was told (parameters, artifacts, logs) holds no key.
    told = b"".join(path.read_bytes() for path in prefect_home.rglob("*") if path.is_file())
    assert not any(secret.encode() in told for secret in kraken.credentials("platform") if secret)


def test_without_a_terminal_a_live_run_needs_yes(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform", max_positions=3)

    ran = offline("normalize", "--live", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith("CONFIG_ERROR --live:")
    assert kraken.calls("any") == 0
    assert not offline.home.exists()


def test_a_no_at_the_prompt_sends_nothing(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    ran = nija.at_terminal("normalize", "--live", "--json", answer="n")

    assert ran.code == 2
    assert "SOL/USD" in ran.err.split("Apply this plan")[0]  # it was shown before it was asked about
    assert "nothing was sent" in ran.err
    assert ran.report["mode"] == "plan"
    assert kraken.calls("place") == 0


def test_a_yes_at_the_prompt_applies_the_plan(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    ran = nija.at_terminal("normalize", "--live", answer="y")

    assert ran.code == 0
    assert "trim_cap" in ran.out
    assert len(kraken.fills("platform")) == 3


def test_a_plan_that_changed_since_it_was_approved_is_not_applied(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    ran = nija.at_terminal(
        "normalize", "--live", "--json", answer="y", meanwhile=lambda: kraken.set_balances("platform", ETH="3", SOL="2")
    )

    assert ran.code == 3
    account = ran.account()
    assert account["status"] == "blocked"
    assert "PLAN_CHANGED" in {e["code"] for e in account["errors"]}
    assert {a["outcome"] for a in account["actions"]} == {"skipped"}
    assert kraken.calls("place") == 0


def test_one_accounts_fault_is_its_own(nija: Nija, kraken: RunningVenue, early: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)
    row = {"kind": "platform", "venue": "kraken", "policy": "all"}
    at_kraken = row | {"url": kraken.url}
    nija.writes_fleet(
        {
            "version": 1,
            "policies": {"all": QUICK | {"max_positions": 3}},
            "accounts": [
                at_kraken | {"id": "platform"},
                at_kraken | {"id": "second"},
                at_kraken | {"id": "stranger"},
                at_kraken | {"id": "without-keys"},
                row | {"id": "unreachable", "url": CLOSED_PORT},
                row | {"id": "early", "venue": "binance", "quote": "USDT", "url": early.url},
            ],
        }
    )
    nija.knows("stranger", "a-key-nobody-has-issued", "c2VjcmV0LW9mLW5vYm9keQ==")
    nija.knows("second", *kraken.credentials("second")[:2])
    nija.knows("early", *early.credentials("early")[:2])
    nija.knows("unreachable", "a-key-for-nowhere", "c2VjcmV0LWZvci1ub3doZXJl")
    kraken.set_faults({"operation": "balance", "account": "second", "fault": "html", "times": None})

    ran = nija("normalize", "--json")

    found = {a["account"]: (a["status"], {e["code"] for e in a["errors"]}) for a in ran.report["accounts"]}
    assert ran.code == 3
    assert found["platform"][0] == "pending"
    assert found["second"] == ("blocked", {"MALFORMED_ANSWER"})
    assert found["stranger"] == ("blocked", {"AUTHENTICATION"})
    assert found["without-keys"] == ("failed", {"CONFIG_ERROR"})
    assert found["unreachable"] == ("blocked", {"UNREACHABLE"})
    assert found["early"] == ("blocked", {"NONCE_OR_CLOCK"})
    assert "ahead of the server's time" in ran.account("early")["errors"][0]["message"]
    assert "NIJA_WITHOUT_KEYS_API_KEY" in ran.account("without-keys")["errors"][0]["message"]
    unread = ran.account("second")
    assert (unread["holdings_before"], unread["cash_usd"], unread["actions"]) == (None, None, [])


def test_an_account_that_cannot_reach_its_cap_is_halted_until_a_person_resumes_it(
    nija: Nija, kraken: RunningVenue
) -> None:
    nija.serves(kraken, "platform", max_positions=1, max_enforcement_cycles=1)
    kraken.set_fills("never", symbol="SOL/USD")

    halted = nija("normalize", "--live", "--yes", "--json")
    standing = nija("halts", "list")
    blocked = nija("normalize", "--json")
    lifted = nija("halts", "resume", "--account", "platform", "--reason", "checked by hand")
    cleared = nija("halts", "list")

    assert (halted.code, blocked.code, standing.code, lifted.code, cleared.code) == (3, 3, 0, 0, 0)
    assert halted.account()["status"] == "halted"
    assert "CAP_NOT_REACHED" in {e["code"] for e in halted.account()["errors"]}
    assert halted.report["totals"]["halted"] == 1
    assert "CAP_NOT_REACHED" in standing.out
    assert "HALTED" in {e["code"] for e in blocked.account()["errors"]}
    assert "1 halts lifted" in lifted.out
    assert "no account is halted" in cleared.out
