"""Alerts over the wire: raised in the store, sent by the real Apprise, received by a webhook; each arrives once."""

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import update
from sqlmodel import SQLModel

from flows.alerts import AlertsRequest, check_fleet_alerts
from flows.watch import WatchRequest, watch_fleet
from models.alert import OperationalAlert, Severity
from models.channel import DELIVERY_FAILED, DeliveryState, Failure, QuietHours
from models.errors import ConfigError
from models.store.alert_tables import DELIVERIES
from models.store.alerts import acknowledge, alerts
from models.store.channels import channels, remove_channel
from models.store.deliveries import claim
from models.store.engine import Store
from models.store.heartbeats import PIPELINE, beat
from models.store.outbox import enqueue
from rules.telling import REPEATED, together
from tasks.deliver import deliver
from tasks.vault import rotate
from tests.drills.office import NOON, Office, Wall
from tests.sink import (
    TOKEN,
    Answer,
    Sink,
    hangs,
    knows_nobody,
    redirects,
    says_500,
    says_502_in_html,
    wants_less,
)

pytestmark = pytest.mark.wire

NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")
HALTED = OperationalAlert("HALTED", "3 over the cap", Severity.CRITICAL, "alice")
STALE = OperationalAlert("BALANCE_STALE", "20 min old", Severity.WARNING, "alice")


def test_a_matter_is_told_once_however_often_it_is_seen_and_once_more_when_it_is_over(office: Office) -> None:
    office.channel()
    office.raises(HALTED)
    first, again = office.delivers(), office.delivers()
    office.raises(HALTED)
    office.delivers()
    office.closes(HALTED)
    office.wall.passes(minutes=1)
    office.delivers()
    office.delivers()

    assert ([one.sent for one in first], [one.sent for one in again]) == ([1], [0])
    assert office.sink.titles == ["Nija critical: HALTED alice", "Nija over: HALTED alice"]
    assert [one["type"] for one in office.sink.got] == ["failure", "success"]
    assert "3 over the cap" in office.sink.got[0]["message"]


def test_many_deliverers_at_once_send_each_message_once(office: Office) -> None:
    office.channel()
    office.channel("more")
    office.raises(HALTED, *(OperationalAlert("HALTED", f"{n}", Severity.CRITICAL, f"a{n}") for n in range(3)))

    async def all_at_once(_: Store) -> None:
        async with AsyncExitStack() as stack:
            stores = [await stack.enter_async_context(await Store.open(office.desk.store_url)) for _ in range(4)]
            await asyncio.gather(*(deliver(store, office.places, office.wall) for store in stores))

    office(all_at_once)

    assert sorted(office.sink.titles) == sorted(2 * [f"Nija critical: HALTED {n}" for n in ("alice", "a0", "a1", "a2")])
    assert {(one.state, one.attempts) for one in office.outbox} == {(DeliveryState.SENT, 1)}


def test_a_deliverer_that_was_killed_at_it_is_followed_when_its_claim_runs_out_and_the_repetition_says_so(
    office: Office,
) -> None:
    """It may have arrived: whoever is told twice is told that, with the same reference."""
    office.channel()
    office.raises(HALTED)

    async def killed(store: Store) -> None:
        known = await channels(store)
        await enqueue(store, known, now=office.wall.now())
        now = office.wall.now()
        how: dict[str, Any] = {"quiet_until": None, "urgent_only": False, "choose": together}
        assert await claim(store, known[0], by="the dead", now=now, **how) is not None

    office(killed)
    office.delivers()
    before = list(office.sink.got)
    office(lambda store: store.execute(update(DELIVERIES).values(claim_expires_at=1.0)))
    office.delivers()
    office.delivers()

    assert before == []
    assert office.sink.titles == ["Nija critical: HALTED alice"]
    assert REPEATED in office.sink.got[0]["message"]
    assert "[operational:1:critical]" in office.sink.got[0]["message"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says_500, Failure.SERVER_ERROR),
        (says_502_in_html, Failure.SERVER_ERROR),
        (wants_less, Failure.RATE_LIMITED),
        (knows_nobody, Failure.REFUSED),
        (redirects, Failure.REDIRECTED),
        (hangs, Failure.NO_ANSWER),
    ],
)
def test_what_did_not_arrive_is_tried_again_after_a_pause_and_says_why(
    here: Office, answer: Answer, reason: Failure
) -> None:
    here.channel()
    here.raises(STALE)
    here.sink.fails(answer, times=1)

    (failed,) = here.delivers()
    (waiting,) = here.outbox
    here.delivers()
    asked_too_early = here.sink.asked
    here.wall.passes(seconds=31)
    (sent,) = here.delivers()

    assert (failed.failed, failed.reason) == (1, reason)
    assert (waiting.reason, waiting.attempts, waiting.next_at) == (reason, 1, NOON + timedelta(seconds=30))
    assert (asked_too_early, sent.sent) == (1, 1)
    assert here.sink.titles == ["Nija warning: BALANCE_STALE alice"]
    assert (REPEATED in here.sink.got[0]["message"]) is (reason is Failure.NO_ANSWER)


def test_a_service_that_takes_the_message_and_answers_html_has_taken_it(here: Office) -> None:
    async def takes(request: web.Request) -> web.StreamResponse:
        here.sink.got.append(await request.json())
        return web.Response(text="<html>thank you</html>", content_type="text/html")

    here.channel()
    here.raises(HALTED)
    here.sink.fails(takes)
    here.delivers()
    here.delivers()

    assert here.sink.asked == 1


def test_a_channel_that_fails_is_left_alone_for_a_while_but_for_what_is_critical_and_new(here: Office) -> None:
    here.channel()
    here.raises(STALE)
    here.sink.fails(says_500)
    here.delivers()
    here.raises(OperationalAlert("BALANCE_STALE", "old", Severity.WARNING, "bob"))
    here.delivers()
    before = here.sink.asked
    here.raises(HALTED)
    here.delivers()

    assert (before, here.sink.asked) == (1, 2)
    (ops,) = here(channels)
    assert (ops.failures, ops.last_reason) == (2, Failure.SERVER_ERROR)


def test_what_does_not_arrive_in_a_day_is_given_up_and_is_a_matter_that_other_channels_are_told_of(
    office: Office,
) -> None:
    with Sink() as other:
        office.channel()
        office.channel("backup", url=other.url, severity=Severity.CRITICAL)
        office.sink.fails(says_500)
        office.raises(HALTED)
        office.delivers()
        early = office.standing
        office.wall.passes(minutes=20)
        office.delivers()
        worrying = office.standing
        office.wall.passes(days=1)
        (_, given_up) = office.delivers()
        asked = office.sink.asked
        for _ in range(3):
            office.wall.passes(hours=2)
            office.delivers()

        assert (DELIVERY_FAILED in early, DELIVERY_FAILED in worrying) == (False, True)
        assert given_up.given_up == 1
        assert office.sink.asked == asked  # neither that it failed, nor what was given up
        assert other.titles == ["Nija critical: HALTED alice", "Nija critical: DELIVERY_FAILED ops"]
        assert TOKEN not in str(other.got)
        (ops,) = [one for one in office.outbox if one.channel == "ops"]
        assert ops.state is DeliveryState.GAVE_UP

        office.sink.fails(None)
        office.raises(OperationalAlert("HALTED", "again", Severity.CRITICAL, "bob"))
        office.delivers()
        assert office.sink.titles == ["Nija critical: HALTED bob"]
        assert DELIVERY_FAILED not in office.standing


def test_in_quiet_hours_only_what_is_critical_comes_and_the_rest_in_one_message_at_their_end(here: Office) -> None:
    here.wall = Wall(datetime(2026, 3, 2, 22, 30, tzinfo=UTC))  # 23:30 in Berlin
    here.channel(quiet=NIGHT)
    bob = OperationalAlert("BALANCE_STALE", "an hour old", Severity.WARNING, "bob")
    here.raises(STALE, bob, HALTED)
    here.delivers()
    at_night = here.sink.titles
    here.wall.passes(hours=2)
    here.closes(bob)
    here.closes(HALTED)
    here.delivers()
    held = {one.held_until for one in here.outbox if one.state is DeliveryState.DUE}
    before_seven = here.sink.titles
    here.wall.hour = datetime(2026, 3, 3, 6, tzinfo=UTC)
    here.delivers()
    here.delivers()

    assert at_night == before_seven == ["Nija critical: HALTED alice"]
    assert held == {datetime(2026, 3, 3, 6, tzinfo=UTC)}
    assert here.sink.titles[1:] == ["Nija: 3 alerts"]
    told = here.sink.got[1]["message"]
    assert "BALANCE_STALE alice: 20 min old" in told
    assert "BALANCE_STALE bob: an hour old (over since 2026-03-03 00:30 UTC)" in told
    assert "over HALTED alice" in told


def test_a_warning_that_was_held_back_and_gets_worse_is_told_at_once_and_not_again_in_the_morning(here: Office) -> None:
    here.wall = Wall(datetime(2026, 3, 2, 22, 30, tzinfo=UTC))
    here.channel(quiet=NIGHT)
    shut = OperationalAlert("BREAKER_OPEN", "half open", Severity.WARNING, "alice")
    here.raises(shut)
    here.delivers()
    here.raises(OperationalAlert("BREAKER_OPEN", "open", Severity.CRITICAL, "alice"))
    here.delivers()
    here.raises(shut)
    here.wall.passes(hours=12)
    here.delivers()

    assert here.sink.titles == ["Nija critical: BREAKER_OPEN alice"]
    assert [one.state for one in here.outbox] == [DeliveryState.SUPERSEDED, DeliveryState.SENT]


def test_more_than_a_handful_at_once_comes_in_one_message(here: Office) -> None:
    here.channel()
    here.raises(*(OperationalAlert("HALTED", "the venue is away", Severity.CRITICAL, f"a{n}") for n in range(30)))
    (done,) = here.delivers()

    assert done.sent == 30
    assert here.sink.titles == ["Nija: 30 alerts"]
    assert "and 10 more: nija alerts deliveries" in here.sink.got[0]["message"]


def test_a_channel_is_told_what_it_asked_for_and_what_stood_before_unless_somebody_knows_of_it(here: Office) -> None:
    gone = OperationalAlert("PIPELINE_SILENT", "gone", Severity.CRITICAL)
    here.raises(HALTED, STALE, gone)
    here.closes(gone)
    (stale_id,) = [one.alert_id for one in here(alerts) if one.alert == STALE]
    here(lambda store: acknowledge(store, stale_id, by="me", reason="known", now=here.wall.now()))
    here.wall.passes(minutes=1)
    here.channel(severity=Severity.INFO)
    here.channel("prices", kinds=("price",))
    here.channel("quiet", tells_over=False, severity=Severity.CRITICAL)
    here.delivers()
    here.closes(HALTED)
    here.delivers()

    assert [(one.channel, one.title, one.word) for one in here.outbox] == [
        ("ops", "HALTED alice", "raised"),
        ("quiet", "HALTED alice", "raised"),
        ("ops", "HALTED alice", "over"),
    ]


def test_a_channel_that_is_removed_is_told_nothing_more_and_one_of_its_name_begins_anew(here: Office) -> None:
    here.channel()
    here.sink.fails(says_500)
    here.raises(HALTED)
    here.delivers()
    assert here(lambda store: remove_channel(store, "ops", now=here.wall.now())) == 1
    here.sink.fails(None)
    here.delivers()
    unsent = here.sink.got
    here.channel()
    here.delivers()

    assert (list(unsent), [one.state for one in here.outbox]) == (
        here.sink.got,
        [DeliveryState.REMOVED, DeliveryState.SENT],
    )
    assert here.sink.titles == ["Nija critical: HALTED alice"]


def test_the_end_of_a_run_tells_what_is_critical_and_leaves_the_rest(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    here.desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 1}})
    here.channel()
    here.raises(STALE)
    seen = here.wall.now() - timedelta(hours=1)
    every = timedelta(minutes=1)
    here(lambda store: beat(store, "enforce_exits", {PIPELINE: "ok"}, now=seen, every=every))
    here.desk.write_fleet()

    asyncio.run(watch_fleet(WatchRequest(fleet=str(here.desk.fleet))))

    assert here.sink.titles == ["Nija critical: PIPELINE_SILENT enforce_exits"]


def test_a_broken_fleet_file_keeps_no_alert_back(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    here.channel()
    here.raises(HALTED)
    here.desk.fleet.write_text("version: 2")

    with pytest.raises(ConfigError):
        asyncio.run(check_fleet_alerts(AlertsRequest(fleet=str(here.desk.fleet))))

    assert here.sink.titles == ["Nija critical: HALTED alice"]


def test_a_run_ends_well_where_a_channel_cannot_be_reached_or_opened(here: Office) -> None:
    here.wall = Wall(datetime.now(UTC))
    here.desk.opens(prices={"ETH": 100}, holds={"alice": {"ETH": 1}})
    here.channel(url="json://127.0.0.1:1/away")
    here.raises(HALTED)
    assert here.desk.run("alice").status == "compliant"
    here.places.file.unlink()
    here.raises(OperationalAlert("HALTED", "again", Severity.CRITICAL, "bob"))
    assert here.desk.run("alice").status == "compliant"

    assert {one.reason for one in here.outbox} == {Failure.NO_ANSWER, Failure.ADDRESS_LOCKED}


def test_an_address_stands_nowhere_in_plain_and_outlives_a_new_master_key(
    here: Office, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    here.channel()
    for answer in (says_500, hangs, redirects):
        here.raises(OperationalAlert("HALTED", answer.__name__, Severity.CRITICAL, answer.__name__))
        here.sink.fails(answer, times=1)
        here.delivers()
    old = here.places.file.read_text()
    rotated = here(lambda store: rotate(store, here.places, here.wall))
    here.wall.passes(hours=3)
    here.delivers()

    assert (rotated.tokens, rotated.locked_channels) == (1, ())
    assert here.places.file.read_text() != old
    assert len(here.sink.got) == 3
    out, err = capfd.readouterr()
    files = "\n".join(p.read_bytes().decode(errors="replace") for p in here.desk.home.rglob("*") if p.is_file())
    records = "\n".join(str(vars(record)) for record in caplog.records)
    for text in (out, err, records, files, here(_tables)):
        assert TOKEN not in text
    assert "alert not delivered" in records


async def _tables(store: Store) -> str:
    async with store.reading() as connection:
        tables = [(table.name, await connection.execute(table.select())) for table in SQLModel.metadata.sorted_tables]
        return "\n".join(f"{name}: {tuple(row)}" for name, rows in tables for row in rows)
