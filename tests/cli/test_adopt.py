"""`nija adopt` and `nija reconcile`: one document or a table, exit codes, and a person's acceptance."""

import json

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija
from tests.cli.test_normalize import Is, check_fields, is_amount, is_any, is_instant, is_text, list_of, maybe

pytestmark = pytest.mark.wire

# The fields that the seed documents name are among them.
POSITION: dict[str, Is] = {
    "symbol": is_text,
    "side": lambda value: value == "buy",
    "quantity": is_amount,
    "size_usd": maybe(is_amount),
    "entry_price": maybe(is_amount),
    "entry_source": is_text,
    "entry_time": maybe(is_instant),
    "first_seen_at": is_instant,
    "source": maybe(is_text),
    "adoption_status": is_text,
    "tracked": lambda value: value is True,
    "code": is_text,
    "detail": is_any,
}


def test_an_adoption_is_one_document_and_sends_nothing(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")

    ran, table = offline("adopt", "--json"), offline("adopt", "--account", "platform")

    assert (ran.code, table.code) == (2, 2)  # nothing was ever bought there
    (account,) = ran.report["accounts"]
    for position in account["positions"]:
        check_fields(position, POSITION)
    totals = ran.report["totals"]
    assert totals["entry_known"] + totals["entry_unknown"] + totals["left_aside"] == len(account["positions"])
    assert "no_fills" in table.out
    assert kraken.calls("place") == 0


def test_a_contradiction_stops_entries_until_a_person_accepts_it(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "second")
    body = json.dumps({"error": [], "result": {"eb": "1.00"}})
    kraken.set_faults({"operation": "equity", "fault": "status", "status": 200, "body": body, "times": None})
    ran, table = offline("reconcile", "--json"), offline("reconcile")
    kraken.set_faults()
    entry = ("entry-check", "--account", "second", "--symbol", "SOL/USD", "--usd", "20", "--json")
    accept = ("reconcile", "accept", "--account", "second", "--reason")

    blocked, silent = offline(*entry), offline(*accept, " ")
    accepted, allowed, nothing_left = offline(*accept, "it is lent"), offline(*entry), offline(*accept, "again")

    assert (ran.code, table.code, ran.report["accounts"][0]["equity"]) == (2, 2, "mismatch")
    check_fields(
        ran.report,
        {"run_id": is_text, "started_at": is_instant, "finished_at": is_instant, "accounts": list_of(is_any)},
    )
    assert "stopped" in table.out
    assert blocked.report["reasons"] == ["reconciliation_failed"]
    assert (silent.code, accepted.code, nothing_left.code) == (1, 0, 1)
    assert allowed.report["allowed"]


@pytest.mark.parametrize("command", ["adopt", "reconcile"])
def test_an_account_that_cannot_be_read_is_exit_3(offline: Nija, kraken: RunningVenue, command: str) -> None:
    offline.serves(kraken, "second")
    kraken.set_faults({"operation": "balance", "fault": "empty_object", "times": None})

    ran = offline(command, "--json")

    assert ran.code == 3
    assert [e["code"] for e in ran.report["accounts"][0]["errors"]] == ["MALFORMED_ANSWER"]
