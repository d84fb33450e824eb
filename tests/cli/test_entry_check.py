"""`nija entry-check`: allowed, or blocked with every reason."""

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija, Ran
from tests.cli.test_normalize import Is, check_fields, is_amount, is_any, is_text, list_of

pytestmark = pytest.mark.wire

ENTRY: dict[str, Is] = {
    "account": is_text,
    "symbol": is_text,
    "usd": is_amount,
    "allowed": lambda value: isinstance(value, bool),
    "reasons": list_of(is_text),
    "errors": list_of(is_any),
}


def ask(nija: Nija, account: str, symbol: str, usd: str) -> Ran:
    return nija("entry-check", "--account", account, "--symbol", symbol, "--usd", usd, "--json")


def test_an_entry_within_every_limit_is_allowed_and_the_last_slot_is_given_once(
    offline: Nija, kraken: RunningVenue
) -> None:
    offline.serves(kraken, "second", max_positions=2)

    first = ask(offline, "second", "SOL/USD", "20")
    other = ask(offline, "second", "ADA/USD", "20")

    assert (first.code, other.code) == (0, 2)
    check_fields(first.report, ENTRY)
    assert (first.report["usd"], first.report["allowed"], first.report["reasons"]) == ("20.00", True, [])
    assert other.report["reasons"] == ["cap_reached"]


def test_a_blocked_entry_names_every_reason(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform", max_positions=3)

    ran = ask(offline, "platform", "LTC/USD", "5000")

    assert ran.code == 2
    check_fields(ran.report, ENTRY)
    assert {"cap_reached", "unvalued_holding", "insufficient_cash"} <= set(ran.report["reasons"])
    assert [e["symbol"] for e in ran.report["errors"] if e["code"] == "PRICE_FETCH_ERROR"] == ["AUT/USD"]
    assert kraken.calls("place") == 0


def test_an_account_that_cannot_be_read_gets_no_entry(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "second")
    kraken.set_faults({"operation": "balance", "fault": "empty_object", "times": None})

    ran = ask(offline, "second", "SOL/USD", "20")

    assert ran.code == 2
    assert "positions_unreadable" in ran.report["reasons"]
    assert [e["code"] for e in ran.report["errors"]] == ["MALFORMED_ANSWER"]
