"""`nija balances`: what is kept of each account, as one document or a table; it asks no venue."""

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija
from tests.cli.test_normalize import Is, check_fields, is_amount, is_instant, is_text, list_of, maybe

pytestmark = pytest.mark.wire

BALANCE: dict[str, Is] = {
    "account": is_text,
    "state": is_text,
    "quote": is_text,
    "cash_free": maybe(is_amount),
    "cash_total": maybe(is_amount),
    "equity": maybe(is_amount),
    "read_at": maybe(is_instant),
    "age_seconds": maybe(lambda value: isinstance(value, int)),
    "errors": lambda value: isinstance(value, int),
    "last_error_code": maybe(is_text),
}


def test_each_account_is_fresh_stale_or_unknown_and_no_venue_is_asked(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform", "second")
    offline("entry-check", "--account", "second", "--symbol", "SOL/USD", "--usd", "20")
    asked = kraken.calls("balance")

    ran, table = offline("balances", "--json"), offline("balances", "--account", "platform")

    assert (ran.code, table.code) == (0, 0)
    check_fields(ran.report, {"told_at": is_instant, "balances": list_of(lambda row: isinstance(row, dict))})
    never, read = ran.report["balances"]
    for row in (never, read):
        check_fields(row, BALANCE)
    assert [never[name] for name in ("account", "state", "cash_total", "read_at")] == [
        "platform",
        "unknown",
        None,
        None,
    ]
    assert [read[name] for name in ("account", "state", "cash_total", "equity", "errors")] == [
        "second",
        "fresh",
        "50.00",
        "300.00",
        0,
    ]
    assert ("never read" in table.out, "second" in table.out) == (True, False)
    assert kraken.calls("balance") == asked
