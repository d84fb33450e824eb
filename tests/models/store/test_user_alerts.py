"""Alerts that people make, in the store: what one look keeps, and which of two is kept."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from models.alert import Severity
from models.store.alert_tables import FIRINGS, SIGNALS
from models.store.engine import Store
from models.store.signals import latest_signal, publish, signals_since
from models.store.user_alerts import create_alert, delete_alert, keep_look, set_enabled, user_alert, user_alerts
from models.user_alert import Alert, AlertKind, KeptAlert, Metric, Side, Signal
from tests.builders import NOW

LATER = NOW + timedelta(minutes=1)
ALERT = Alert(
    kind=AlertKind.PORTFOLIO,
    metric=Metric.DRAWDOWN,
    side=Side.ABOVE,
    threshold=Decimal("0.05000000000000000001"),
    account="alice",
    hysteresis_fraction=Decimal("0.1"),
    max_age=timedelta(minutes=7),
    severity=Severity.CRITICAL,
    note="call me",
)


async def made(store: Store) -> KeptAlert:
    alert_id = await create_alert(store, ALERT, by="me", now=NOW)
    kept = await user_alert(store, alert_id)
    assert kept is not None
    return kept


async def looks(store: Store, kept: KeptAlert, value: str | None = "0.06", *, fires: bool = True, **how: Any) -> bool:
    found = None if value is None else Decimal(value)
    given: dict[str, Any] = {"is_met": fires, "at": LATER, "problem": "", "now": LATER}
    return await keep_look(store, kept, fires=fires, value=found, **(given | how))


async def test_an_alert_comes_back_as_it_was_made_and_armed(store: Store) -> None:
    kept = await made(store)

    assert kept.alert == ALERT
    assert (kept.enabled, kept.is_met, kept.trigger_count, kept.created_by) == (True, False, 0, "me")
    assert kept.last_value is None


async def test_of_two_who_look_at_once_one_fires(store: Store, other: Store) -> None:
    kept = await made(store)

    assert [await looks(store, kept), await looks(other, kept)] == [True, False]
    found = await user_alert(store, kept.alert_id)
    assert found is not None
    assert (found.is_met, found.trigger_count, found.last_triggered_at) == (True, 1, LATER)
    (firing,) = await store.rows(select(FIRINGS))
    assert (firing.number, firing.severity, firing.value) == (1, "critical", Decimal("0.06"))
    assert firing.message.endswith("above 0.05000000000000000001: it is 0.06 (call me)")


async def test_a_look_that_says_nothing_leaves_the_alert_as_it_stood_and_says_why(store: Store) -> None:
    kept = await made(store)
    await looks(store, kept)
    (known,) = await user_alerts(store)
    await looks(store, known, None, fires=False, problem="never read")
    (found,) = await user_alerts(store)

    assert (found.is_met, found.last_value, found.last_value_at) == (True, Decimal("0.06"), LATER)
    assert (found.problem, found.last_checked_at) == ("never read", LATER)


async def test_a_look_at_what_was_switched_off_or_deleted_meanwhile_is_not_kept(store: Store) -> None:
    kept = await made(store)
    assert await set_enabled(store, kept.alert_id, enabled=False)
    switched_off = await looks(store, kept)
    assert await user_alerts(store, enabled=True) == ()
    assert await delete_alert(store, kept.alert_id)

    assert (switched_off, await looks(store, kept)) == (False, False)
    assert await store.rows(select(FIRINGS)) == []
    assert not await delete_alert(store, kept.alert_id)
    assert not await set_enabled(store, kept.alert_id, enabled=True)


async def test_switched_on_again_it_is_armed_and_switched_on_twice_it_is_not(store: Store) -> None:
    await made(store)
    for _ in range(2):
        (kept,) = await user_alerts(store)
        await looks(store, kept)
        await set_enabled(store, kept.alert_id, enabled=True)
    assert (await user_alerts(store))[0].is_met
    await set_enabled(store, kept.alert_id, enabled=False)
    await set_enabled(store, kept.alert_id, enabled=True)

    assert not (await user_alerts(store))[0].is_met


async def test_the_id_of_a_deleted_alert_is_not_given_again(store: Store) -> None:
    first = await made(store)
    await delete_alert(store, first.alert_id)

    assert (await made(store)).alert_id > first.alert_id


async def test_signals_come_in_the_order_of_their_time_and_are_kept_for_a_week(store: Store) -> None:
    def said(value: str, ago: timedelta) -> Signal:
        return Signal("momentum", "BTC/USD", Metric.CONFIDENCE, Decimal(value), NOW - ago, "me")

    minute = timedelta(minutes=1)
    await publish(store, [said("0.1", timedelta(days=8))], now=NOW - timedelta(days=8))
    await publish(store, [said("0.9", minute), said("0.3", 3 * minute)], now=NOW)
    await publish(store, [], now=NOW)
    found = await signals_since(store, "momentum", "BTC/USD", Metric.CONFIDENCE, NOW - 2 * timedelta(days=7))
    last = await latest_signal(store, "momentum", "BTC/USD", Metric.CONFIDENCE)

    assert [one.value for one in found] == [Decimal("0.3"), Decimal("0.9")]
    assert last == said("0.9", minute)
    assert await latest_signal(store, "momentum", "ETH/USD", Metric.CONFIDENCE) is None
    with pytest.raises(ValueError, match="finite"):
        await publish(store, [said("NaN", minute)], now=NOW)
    assert len(await store.rows(select(SIGNALS))) == 2
