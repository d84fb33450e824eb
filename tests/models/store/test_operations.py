"""Alerts, heartbeats and counters: what the watch and the status read."""

from datetime import timedelta

from models.alert import OperationalAlert, Severity
from models.store.alerts import acknowledge, alerts, close_alerts, raise_alerts
from models.store.counters import count, counts
from models.store.engine import Store
from models.store.heartbeats import PIPELINE, beat, heartbeats
from tests.builders import NOW

LATER = NOW + timedelta(minutes=5)
OPEN = OperationalAlert("BREAKER_OPEN", "kraken does not answer", Severity.CRITICAL, account="alice")
FROZEN = OperationalAlert("SYMBOL_FROZEN", "no price", account="alice", symbol="AUT/USD")


async def test_a_matter_is_raised_once_and_counted_while_it_stands(store: Store, other: Store) -> None:
    assert await raise_alerts(store, [OPEN, FROZEN], now=NOW) == (OPEN, FROZEN)
    assert await raise_alerts(other, [OPEN], now=LATER) == ()

    standing = {s.alert.code: s for s in await alerts(store)}
    assert {code: s.times for code, s in standing.items()} == {"BREAKER_OPEN": 2, "SYMBOL_FROZEN": 1}
    assert (standing["BREAKER_OPEN"].raised_at, standing["BREAKER_OPEN"].last_at) == (NOW, LATER)


async def test_a_closed_matter_may_be_raised_again(store: Store) -> None:
    await raise_alerts(store, [OPEN, FROZEN], now=NOW)

    assert await close_alerts(store, ["BREAKER_OPEN"], account="alice", now=LATER) == 1
    assert [s.alert for s in await alerts(store)] == [FROZEN]
    assert await raise_alerts(store, [OPEN], now=LATER) == (OPEN,)
    assert len(await alerts(store, standing=False)) == 3


async def test_who_takes_note_of_an_alert_is_kept(store: Store) -> None:
    await raise_alerts(store, [OPEN], now=NOW)
    (standing,) = await alerts(store)

    assert await acknowledge(store, standing.alert_id, by="operator", reason="seen", now=LATER)
    assert not await acknowledge(store, standing.alert_id, by="another", reason="seen too", now=LATER)
    assert (await alerts(store))[0].acknowledged_by == "operator"


async def test_a_heartbeat_keeps_the_last_time_that_all_was_well(store: Store, other: Store) -> None:
    every = timedelta(minutes=5)
    await beat(store, "enforce_cap", {PIPELINE: "ok", "alice": "compliant"}, now=NOW, every=every)
    await beat(other, "enforce_cap", {PIPELINE: "ok", "alice": "blocked"}, now=LATER)

    seen = {h.account: h for h in await heartbeats(store)}
    assert (seen["alice"].status, seen["alice"].last_seen, seen["alice"].last_ok) == ("blocked", LATER, NOW)
    assert (seen[PIPELINE].last_ok, seen[PIPELINE].every) == (LATER, every)


async def test_counts_are_kept_by_day(store: Store, other: Store) -> None:
    yesterday = NOW - timedelta(days=1)
    await count(store, {"low_balance_warnings": 2}, now=yesterday)
    await count(store, {"low_balance_warnings": 1, "fallback_activations": 4}, now=NOW)
    await count(other, {"low_balance_warnings": 1}, now=NOW)

    assert await counts(store, now=NOW) == {"low_balance_warnings": 2, "fallback_activations": 4}
    assert (await counts(store, now=NOW, days=7))["low_balance_warnings"] == 4
