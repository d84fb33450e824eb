"""`nija watch`, `nija alerts` and `nija status`: an alert is raised once, listed, taken note of, and over."""

import json
from typing import Any

import pytest

from brokers.simulator.handle import RunningVenue
from models.errors import ConfigError
from tests.cli.command import Nija
from tests.cli.test_by_hand import WHY, Desk, desk

__all__ = ["desk"]


def test_an_alert_is_raised_listed_acknowledged_and_closed(desk: Desk) -> None:
    desk.halts("alice")

    first, again = desk("watch"), desk("watch", "--json")
    (raised,) = desk.listed("alerts")
    shown = desk("alerts", "list").stdout
    desk("alerts", "ack", str(raised["alert_id"]), *WHY)
    (known,) = desk.listed("alerts")
    (decided, *_) = desk.listed("decisions", "--account", "alice")
    desk("halts", "resume", "--account", "alice", *WHY)
    over = json.loads(desk("watch", "--json").stdout)

    assert "HALTED" in first.stdout
    assert (first.return_value, again.return_value) == (3, 3)
    report = json.loads(again.stdout)
    assert ([m["code"] for m in report["matters"]], report["new"]) == (["HALTED"], [])
    assert (raised["code"], raised["account"], raised["severity"], raised["times"]) == (
        "HALTED",
        "alice",
        "critical",
        2,
    )
    assert raised["acknowledged_by"] is None
    assert "HALTED" in shown
    assert known["acknowledged_by"]
    assert (decided["decision"], decided["reason"]) == ("acknowledge HALTED", WHY[1])
    assert (over["matters"], [m["code"] for m in over["over"]]) == ([], ["HALTED"])
    assert desk.listed("alerts") == []
    assert [a["closed_at"] is None for a in desk.listed("alerts", "--all")] == [False]
    assert "no alert stands" in desk("alerts", "list").stdout
    with pytest.raises(ConfigError, match="stands unacknowledged"):
        desk("alerts", "ack", str(raised["alert_id"]), *WHY)


def test_the_status_has_every_field_and_a_table_to_read(desk: Desk) -> None:
    desk.halts("bob")

    document: dict[str, Any] = json.loads(desk("status", "--json").stdout)
    shown = desk("status").stdout

    assert set(document) >= {
        "last_verification_date",
        "verification_pass_rate",
        "failed_checks",
        "total_users_active",
        "users_at_cap",
        "global_position_count",
        "global_position_max",
        "low_balance_warnings",
        "high_volatility_adjustments",
        "fallback_activations",
    }
    alice, bob = document["accounts"]
    assert set(alice) >= {"status", "positions", "cap", "dust", "unvalued", "balance", "breaker", "frozen", "last_seen"}
    assert (alice["halts"], len(bob["halts"])) == ([], 1)
    assert alice["balance"]["state"] == "unknown"
    assert "?/8" in shown
    assert "halted: CAP_NOT_REACHED" in shown
    assert "positions: 0 of 100, without 2 accounts never read" in shown


@pytest.mark.wire
def test_a_start_up_is_one_document_and_sends_nothing(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=2)

    ran = nija("start-up", "--json")

    assert ran.code == 3, ran.err
    assert {"WOULD_ACT", "ENTRY_UNKNOWN", "PRICE_FETCH_ERROR"} <= {m["code"] for m in ran.report["matters"]}
    assert set(ran.report) >= {"recovery", "adoption", "reconciliation", "plan", "status"}
    assert kraken.calls("place") == 0
