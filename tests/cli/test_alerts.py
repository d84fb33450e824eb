"""`nija alerts`: channels whose address nobody sees, alerts that people make, what was sent, and a webhook to try."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import Result
from sqlalchemy import update
from typer.testing import CliRunner

from brokers.simulator.handle import RunningVenue
from cli.main import app
from models.alert import OperationalAlert, Severity
from models.errors import ConfigError
from models.store.alert_tables import DELIVERIES
from models.store.alerts import raise_alerts
from models.store.engine import Store
from tests.builders import NOW
from tests.cli.command import Nija, wait_until
from tests.cli.test_by_hand import Desk, desk
from tests.sink import TOKEN, Sink, says_500

__all__ = ["desk"]

HALTED = OperationalAlert("HALTED", "3 over", Severity.CRITICAL, "alice")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def said(desk: Desk, *arguments: str, given: str = "") -> Result:
    """Run a command with something on stdin. What it says must not show an address."""
    result = CliRunner().invoke(app, ["alerts", *arguments], input=given, standalone_mode=False)
    assert TOKEN not in f"{result.output} {result.stderr} {result.exception!r} {result.exception}"
    if result.exception is not None:
        raise result.exception
    return result


def adds(desk: Desk, url: str, *more: str, name: str = "ops") -> Result:
    return said(desk, "channels", "add", name, "--url-stdin", *more, given=f"{url}\n")


def documents(desk: Desk, *arguments: str) -> list[dict[str, Any]]:
    rows, *_ = json.loads(said(desk, *arguments, "--json").stdout).values()
    return list(rows)


def test_a_channel_is_added_listed_tried_and_removed_without_its_address(desk: Desk, sink: Sink) -> None:
    quiet = ("--quiet-from", "22:00", "--quiet-until", "07:00", "--timezone", "Europe/Berlin")
    added = adds(desk, sink.url, "--severity", "critical", "--kind", "price", "--kind", "operational", *quiet)
    (ops,) = documents(desk, "channels", "list")
    shown = said(desk, "channels", "list").stdout
    tried = said(desk, "channels", "test", "ops")
    sink.fails(says_500)
    failed = said(desk, "channels", "test", "ops", "--json")
    removed = said(desk, "channels", "remove", "ops", "--yes")

    assert "a new master key was made" in added.stderr
    assert (ops["service"], ops["address"], ops["severity"]) == ("json", "json://****", "critical")
    assert (ops["kinds"], ops["quiet"]) == (["operational", "price"], "22:00-07:00 Europe/Berlin")
    assert "json://****" in shown
    assert (tried.return_value, tried.stdout) == (0, "ops: 1 sent\n")
    assert sink.titles == ["Nija: a test"]
    assert failed.return_value == 3
    assert json.loads(failed.stdout)["sent"][0]["reason"] == "server_error"
    assert "removed" in removed.stdout
    assert "alerts reach nobody" in said(desk, "channels", "list").stdout
    assert "nothing was to be sent yet" in said(desk, "deliveries").stdout


def test_an_address_comes_from_a_variable_too(desk: Desk, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_URL", sink.url)
    said(desk, "channels", "add", "ops", "--url-env", "OPS_URL")

    assert said(desk, "channels", "test", "ops").return_value == 0


@pytest.mark.parametrize(
    ("arguments", "given", "complaint"),
    [
        (("Ops!", "--url-stdin"), "json://x", "is no name of a channel"),
        (("ops", "--url-stdin"), f"nope://{TOKEN}", "is of no service that is known"),
        (("ops", "--url-stdin"), f"slack://{TOKEN}", "is of no service that is known"),
        (("ops", "--url-stdin"), TOKEN, "is of no service that is known"),
        (("ops", "--url-stdin"), " ", "is empty, or more than one"),
        (("ops", "--url-stdin"), f"json://a/{TOKEN} json://b", "is empty, or more than one"),
        (("ops", "--url-env", "NOT_SET"), "", "is empty, or more than one"),
        (("ops", "--url-stdin", "--url-env", "X"), "json://x", "stdin has the address, too"),
        (("ops",), "", "asks for the address"),
        (("ops", "--url-stdin", "--kind", "all"), "json://x", "is no kind of alert"),
        (("ops", "--url-stdin", "--quiet-from", "22:00"), "json://x", "one of them is missing"),
        (("ops", "--url-stdin", "--quiet-from", "25:00", "--quiet-until", "1:00"), "json://x", "is no time of day"),
        (("ops", "--url-stdin", "--quiet-from", "07:00", "--quiet-until", "07:00"), "json://x", "when they begin"),
        (
            ("ops", "--url-stdin", "--quiet-from", "07:00", "--quiet-until", "08:00", "--timezone", "Mars/One"),
            "json://x",
            "is not known here",
        ),
    ],
)
def test_a_channel_that_cannot_work_is_refused_in_one_line(
    desk: Desk, arguments: tuple[str, ...], given: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        said(desk, "channels", "add", *arguments, given=given)

    assert documents(desk, "channels", "list") == []


def test_a_name_is_taken_once_and_unknown_ones_are_told_of(desk: Desk, sink: Sink) -> None:
    adds(desk, sink.url)

    with pytest.raises(ConfigError, match="there is a channel 'ops' already"):
        adds(desk, sink.url)
    for command in (("test", "other"), ("remove", "other", "--yes")):
        with pytest.raises(ConfigError, match=r"no channel 'other' \(allowed: ops\)"):
            said(desk, "channels", *command)
    with pytest.raises(ConfigError, match="there is no terminal"):
        said(desk, "channels", "remove", "ops")


def test_alerts_are_made_listed_switched_and_deleted(desk: Desk) -> None:
    said(desk, "create", "price", "--venue", "kraken", "--symbol", "BTC/USD", "--above", "100000", "--hysteresis", "1%")
    said(desk, "create", "strategy", "--strategy", "momentum", "--symbol", "BTC/USD", "--above", "0.8")
    made = said(
        desk, "create", "portfolio", "--metric", "drawdown", "--account", "alice", "--above", "5%",
        "--severity", "critical", "--max-age-minutes", "10", "--json",
    )  # fmt: skip
    said(desk, "disable", "2")
    listed = json.loads(said(desk, "list", "--json").stdout)
    shown = said(desk, "list", "--mine").stdout
    said(desk, "enable", "2")
    said(desk, "delete", "1")
    left = json.loads(said(desk, "list", "--mine", "--json").stdout)

    third = json.loads(made.stdout)
    assert (third["condition"], third["severity"], third["max_age_seconds"]) == (
        "drawdown of alice above 0.05",
        "critical",
        600,
    )
    assert listed["alerts"] == []
    price, strategy, _ = listed["mine"]
    assert (price["condition"], price["hysteresis_fraction"]) == ("BTC/USD at kraken above 100000", "0.01")
    assert (price["enabled"], strategy["enabled"], price["created_by"] != "") == (True, False, True)
    assert "confidence of momentum on BTC/USD above 0.8" in shown
    assert [(one["alert_id"], one["enabled"]) for one in left["mine"]] == [(2, True), (3, True)]
    for command in ("enable", "disable", "delete", "test"):
        with pytest.raises(ConfigError, match="there is no alert 1"):
            said(desk, command, "1")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("price", "--venue", "kraken", "--symbol", "BTC/USD"), "give one of them"),
        (("price", "--venue", "kraken", "--symbol", "BTC/USD", "--above", "1", "--below", "2"), "give one of them"),
        (("price", "--venue", "kraken", "--symbol", "BTC/USD", "--above", "nan"), "is no number"),
        (("price", "--venue", "kraken", "--symbol", "btcusd", "--above", "1"), "not written as venues are read"),
        (("price", "--venue", "mtgox", "--symbol", "BTC/USD", "--above", "1"), "no account of the fleet is at 'mtgox'"),
        (("price", "--symbol", "BTC/USD", "--above", "1"), "either a venue or an account"),
        (("portfolio", "--metric", "equity", "--account", "carol", "--above", "1"), "'carol' is not in"),
        (("portfolio", "--metric", "price", "--above", "1"), "no figure of a portfolio alert"),
        (("portfolio", "--metric", "cash", "--above", "1", "--hysteresis", "2"), "less than 1"),
    ],
)
def test_an_alert_that_would_never_say_a_thing_is_refused(
    desk: Desk, arguments: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        said(desk, "create", *arguments)

    assert json.loads(said(desk, "list", "--json").stdout)["mine"] == []


def test_a_signal_fires_its_alert_and_the_check_tells_it_once(desk: Desk, sink: Sink) -> None:
    adds(desk, sink.url)
    of_it = ("--strategy", "momentum", "--symbol", "BTC/USD")
    said(desk, "create", "strategy", *of_it, "--above", "80%", "--note", "[/bold] look")
    said(desk, "signal", *of_it, "--value", "0.83")
    first = said(desk, "check")
    again = json.loads(said(desk, "check", "--json").stdout)
    told = documents(desk, "deliveries", "--channel", "ops")
    shown = said(desk, "deliveries").stdout

    assert first.return_value == 0
    assert "fired: confidence of momentum on BTC/USD above 0.8: it is 0.83" in first.stdout
    assert (again["fired"], again["checked"], again["delivered"]) == ([], 1, [])
    assert [(one["state"], one["attempts"], one["next_at"]) for one in told] == [("sent", 1, None)]
    assert sink.titles == ["Nija warning: strategy alert BTC/USD"]
    assert "([/bold] look)" in sink.got[0]["message"]
    assert "sent" in shown
    with pytest.raises(ConfigError, match="nothing that strategies publish"):
        said(desk, "signal", *of_it, "--value", "1", "--metric", "equity")
    for at in ("yesterday", "2026-01-01T00:00:00"):
        with pytest.raises(ConfigError, match="--at"):
            said(desk, "signal", *of_it, "--value", "1", "--at", at)


def test_an_alert_is_tried_without_being_counted(desk: Desk, sink: Sink) -> None:
    said(desk, "create", "strategy", "--strategy", "m", "--symbol", "BTC/USD", "--above", "0.8")
    nobody = said(desk, "test", "1")
    adds(desk, sink.url)
    adds(desk, sink.url, "--kind", "price", name="prices")
    tried = said(desk, "test", "1")

    assert (nobody.return_value, tried.return_value) == (3, 0)
    assert "no channel would be told" in nobody.stdout
    assert tried.stdout == "ops: 1 sent\n"
    assert len(sink.got) == 1
    assert json.loads(said(desk, "list", "--json").stdout)["mine"][0]["trigger_count"] == 0


def test_keys_and_addresses_change_their_master_key_together(desk: Desk, sink: Sink) -> None:
    adds(desk, sink.url)
    key = json.dumps({"api_key": "k", "api_secret": "czNjcmV0"})
    CliRunner().invoke(app, ["keys", "add", "--account", "alice", "--stdin"], input=key, standalone_mode=False)
    rotated = desk("keys", "rotate")

    assert "2 tokens encrypted anew" in rotated.stdout
    assert said(desk, "channels", "test", "ops").return_value == 0


def test_a_channel_of_another_master_key_keeps_the_old_one_and_is_told_of(
    desk: Desk, sink: Sink, tmp_path: Path
) -> None:
    adds(desk, sink.url)
    (tmp_path / "home" / "master.key").unlink()
    adds(desk, sink.url, name="new")
    result = desk("keys", "rotate")

    assert result.return_value == 1
    assert "the address of channel ops cannot be opened" in result.stderr
    assert len((tmp_path / "home" / "master.key").read_text().split()) == 2
    assert said(desk, "channels", "test", "new").return_value == 0
    assert json.loads(said(desk, "channels", "test", "ops", "--json").stdout)["sent"][0]["reason"] == "address_locked"


@pytest.mark.wire
def test_a_check_that_was_killed_while_its_message_was_on_its_way_is_followed_by_one_that_says_so(
    offline: Nija, kraken: RunningVenue, sink: Sink
) -> None:
    offline.serves(kraken, "platform")
    url = sink.url.replace("rto=0.5", "rto=30")
    added = offline("alerts", "channels", "add", "ops", "--url-env", "OPS", env={"OPS": url})
    arrived = threading.Event()

    async def dies(request: web.Request) -> web.StreamResponse | None:
        arrived.set()
        sink.got.append(await request.json())
        await request.read()
        await asyncio.sleep(30)
        return None

    store_url = f"sqlite:///{offline.home / 'nija.db'}"
    in_store(store_url, lambda store: raise_alerts(store, [HALTED], now=NOW + timedelta(days=1)))
    sink.fails(dies, times=1)
    running = offline.start("alerts", "check")
    wait_until(arrived.is_set)
    running.send(signal.SIGKILL)
    offline.end_of(running)
    waiting = offline("alerts", "check", "--json").report
    in_store(store_url, lambda store: store.execute(update(DELIVERIES).values(claim_expires_at=1.0)))
    told = offline("alerts", "check", "--json").report
    last = offline("alerts", "check", "--json").report

    assert added.code == 0, added.err
    assert (waiting["delivered"], [one["sent"] for one in told["delivered"]], last["delivered"]) == ([], [1], [])
    assert len(sink.got) == 2
    assert "may be a repetition" in sink.got[1]["message"]


@pytest.mark.wire
def test_the_sink_prints_what_a_channel_sends(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")
    kept = offline.folder / "got.jsonl"
    running = offline.start("alerts", "sink", "--port", "0", "--keep", str(kept))

    def port() -> str:
        running.errors.seek(0)
        return running.errors.read().rpartition("127.0.0.1:")[2].partition("/")[0]

    wait_until(lambda: bool(port()))
    url = f"json://127.0.0.1:{port()}/{TOKEN}"
    offline("alerts", "channels", "add", "ops", "--url-env", "OPS", env={"OPS": url})
    tried = offline("alerts", "channels", "test", "ops")
    running.send(signal.SIGINT)
    ended = offline.end_of(running)

    assert tried.code == 0, tried.out
    (line,) = ended.out.splitlines()
    assert json.loads(line)["title"] == "Nija: a test"
    assert kept.read_text() == f"{line}\n"
    assert TOKEN not in ended.out + ended.err


def in_store(url: str, act: Any) -> Any:
    async def run() -> Any:
        async with await Store.open(url) as store:
            return await act(store)

    return asyncio.run(run())
