"""Alerts that people make, judged on what venues and the store say over the wire, and told once."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from flows.alerts import AlertsRequest, check_fleet_alerts
from models.alert import Severity
from models.alert_report import AlertCheckReport
from models.settings import load_settings
from models.store.alert_tables import DELIVERIES
from models.store.signals import publish
from models.store.user_alerts import create_alert, delete_alert, user_alerts
from models.user_alert import Alert, AlertKind, Metric, Side, Signal
from tests.drills.desk import Desk
from tests.drills.office import Office, Wall

pytestmark = pytest.mark.wire


def check(desk: Desk) -> AlertCheckReport:
    desk.write_fleet()
    return asyncio.run(check_fleet_alerts(AlertsRequest(fleet=str(desk.fleet))))


def above(threshold: str, **fields: Any) -> Alert:
    given = {
        "kind": AlertKind.PRICE,
        "metric": Metric.PRICE,
        "side": Side.ABOVE,
        "venue": "kraken",
        "symbol": "ETH/USD",
    }
    return Alert.model_validate(given | {"threshold": threshold, "max_age": timedelta(hours=1)} | fields)


def test_a_price_alert_fires_when_its_threshold_is_passed_and_again_after_it_came_back(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    kraken = here.desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 1}, "bob": {"ETH": 1}})
    here.channel()
    here(lambda store: create_alert(store, above("150"), by="me", now=here.wall.now()))
    here(lambda store: create_alert(store, above("50"), by="me", now=here.wall.now()))
    here(lambda store: create_alert(store, above("1", venue="", account="bob"), by="me", now=here.wall.now()))
    first = check(here.desk)
    asked = kraken.calls("tickers")
    for price in (160, 170, 140, 151):
        kraken.set_price("ETH/USD", price)
        check(here.desk)

    assert [one.alert_id for one in first.fired] == [2, 3]  # what holds at the first look fires
    assert asked == 1
    counts = [one.trigger_count for one in here(user_alerts)]
    assert counts == [2, 1, 1]
    assert len(here.sink.got) == 4
    assert "ETH/USD at kraken above 150: it is 160" in str(here.sink.got)
    assert load_settings().home == here.desk.home


def test_two_checks_at_once_fire_an_alert_once(office: Office) -> None:
    office.wall = Wall(datetime.now(UTC))
    office.desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 1}})
    office.channel()
    office(lambda store: create_alert(store, above("50"), by="me", now=office.wall.now()))
    office.desk.write_fleet()

    async def both() -> list[AlertCheckReport]:
        request = AlertsRequest(fleet=str(office.desk.fleet))
        return await asyncio.gather(check_fleet_alerts(request), check_fleet_alerts(request))

    reports = asyncio.run(both())

    assert sum(len(one.fired) for one in reports) == 1
    assert [one.trigger_count for one in office(user_alerts)] == [1]
    assert len(office.sink.got) == 1


def test_a_venue_without_prices_says_nothing_and_keeps_no_other_alert_back(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    kraken = here.desk.opens(prices={"ETH": 100, "AUT": None}, holds={"alice": {"ETH": 1}})
    here.desk.opens("binance", prices={"ETH": 100}, holds={"bob": {"ETH": 1}})
    here.channel()
    away = above("150", severity=Severity.CRITICAL)
    for alert in (away, above("1", symbol="AUT/USD"), above("50", venue="binance", symbol="ETH/USDT")):
        here(lambda store, one=alert: create_alert(store, one, by="me", now=here.wall.now()))  # type: ignore[misc]
    check(here.desk)
    kraken.set_price("ETH/USD", 200)
    kraken.set_faults({"operation": "tickers", "fault": "html", "times": None})
    report = check(here.desk)
    still = here(user_alerts)[0]
    kraken.set_faults()
    check(here.desk)

    assert {one.alert_id for one in report.unjudged} == {1, 2}
    assert (report.exit_code, still.is_met, still.last_value) == (3, False, 100)
    assert "kraken" in still.problem
    assert "tells no price of AUT/USD" in here(user_alerts)[1].problem or here(user_alerts)[1].problem
    assert [one.trigger_count for one in here(user_alerts)] == [1, 0, 1]


def test_a_portfolio_alert_is_judged_on_what_was_read_last(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    kraken = here.desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 2}, "bob": {"ETH": 1}}, cash=1000)
    made = [
        {"metric": Metric.EQUITY, "account": "alice", "side": Side.ABOVE, "threshold": "1199"},
        {"metric": Metric.EQUITY, "side": Side.ABOVE, "threshold": "2299"},
        {"metric": Metric.CASH, "account": "bob", "side": Side.BELOW, "threshold": "1000"},
        {"metric": Metric.POSITIONS, "side": Side.ABOVE, "threshold": "1"},
        {"metric": Metric.DRAWDOWN, "account": "alice", "side": Side.ABOVE, "threshold": "0.05"},
    ]
    for fields in made:
        alert = Alert.model_validate({"kind": AlertKind.PORTFOLIO, "max_age": timedelta(minutes=5), **fields})
        here(lambda store, one=alert: create_alert(store, one, by="me", now=here.wall.now()))  # type: ignore[misc]
    unread = check(here.desk)
    here.desk.normalize()
    first = check(here.desk)
    kraken.set_price("ETH/USD", 50)
    here.desk.normalize()
    second = check(here.desk)

    assert {one.problem for one in unread.unjudged} >= {"the balance of alice was never read"}
    assert len(unread.unjudged) == 5
    assert [one.alert_id for one in first.fired] == [1, 2, 4]
    assert [(one.alert_id, one.last_value) for one in second.fired] == [(5, "0.08333333333333333333333333333")]


def test_a_signal_between_two_looks_is_not_missed(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    here.desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 1}})
    here.channel()
    sure = Alert(
        kind=AlertKind.STRATEGY,
        metric=Metric.CONFIDENCE,
        strategy="momentum",
        symbol="ETH/USD",
        side=Side.ABOVE,
        threshold=Decimal("0.8"),
    )
    here(lambda store: create_alert(store, sure, by="me", now=here.wall.now()))
    silent = check(here.desk)
    now = here.wall.now()
    said = [
        Signal("momentum", "ETH/USD", Metric.CONFIDENCE, value, now - timedelta(seconds=9 - n))
        for n, value in enumerate(map(Decimal, ("0.5", "0.9", "0.4")))
    ]
    here(lambda store: publish(store, said, now=now))
    report = check(here.desk)
    check(here.desk)
    here(lambda store: delete_alert(store, 1))

    assert [one.problem for one in silent.unjudged] == ["momentum has published nothing on ETH/USD in a week"]
    assert [one.trigger_count for one in report.fired] == [1]
    assert here.sink.titles == ["Nija warning: strategy alert ETH/USD"]
    assert here(lambda store: store.rows(select(DELIVERIES.c.state)))[0].state == "sent"
