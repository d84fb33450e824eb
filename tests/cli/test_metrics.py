"""`nija metrics` as an operator runs it: printed once, served, and over a store that cannot be read."""

import signal
import sqlite3
import urllib.request
from typing import Self

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija, Running, wait_until

pytestmark = pytest.mark.wire


def test_the_metrics_are_printed_once_and_say_nothing_on_stderr(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform")
    nija("normalize", "--json")

    ran = nija("metrics")

    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert 'nija_account_positions_max{account="platform"} 8.0' in ran.out
    assert "nija_up 1.0" in ran.out


def test_a_store_that_is_not_there_is_told_on_both_streams_and_is_not_made(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")

    ran = offline("metrics")

    assert ran.code == 1
    assert ran.complaint.startswith("STORE_UNREACHABLE")
    assert "nija_up 0.0" in ran.out
    assert not (offline.home / "nija.db").exists()


def test_the_endpoint_stays_up_while_the_store_comes_and_goes(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")

    with _Served(offline) as served:
        assert 'nija_fault{code="STORE_UNREACHABLE"} 1.0' in served.page()
        assert "STORE_UNREACHABLE" in served.said
        assert offline("db", "upgrade").code == 0
        wait_until(lambda: "nija_up 1.0" in served.page(), seconds=15)
        assert served.stop() == 0


@pytest.mark.parametrize(
    ("env", "fleet", "code"),
    [
        ({"NIJA_DATABASE_URL": "nonsense://x"}, None, "STORE_URL"),
        ({}, {"version": 7}, "CONFIG_ERROR"),
    ],
)
def test_what_is_wrong_from_the_start_is_one_line_and_exit_1(
    offline: Nija, kraken: RunningVenue, env: dict[str, str], fleet: object, code: str
) -> None:
    offline.serves(kraken, "platform")
    if fleet is not None:
        offline.writes_fleet(fleet)

    ran = offline("metrics", "serve", "--port", "0", env=env)

    assert ran.code == 1
    assert code in ran.err.splitlines()[-1]


def test_a_port_that_is_taken_is_one_line_and_exit_1(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")

    with _Served(offline) as served:
        ran = offline("metrics", "serve", "--port", str(served.port))

        assert ran.code == 1
        assert f"127.0.0.1:{served.port}" in ran.complaint
        served.stop()


def test_a_store_of_a_newer_program_is_told_and_left_alone(offline: Nija, kraken: RunningVenue) -> None:
    offline.serves(kraken, "platform")
    offline("db", "upgrade")
    with sqlite3.connect(offline.home / "nija.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    ran = offline("metrics")

    assert (ran.code, ran.complaint.split()[0]) == (1, "STORE_NEWER")


class _Served:
    """A `nija metrics serve` that runs."""

    def __init__(self, nija: Nija) -> None:
        self._running: Running = nija.start("metrics", "serve", "--port", "0")
        self.port = 0

    def __enter__(self) -> Self:
        wait_until(lambda: "metrics at " in self.said)
        self.port = int(self.said.split("127.0.0.1:")[1].split("/")[0])
        self.page()
        wait_until(lambda: self.said.count("\n") > 0)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._running.process.exitcode is None:
            self.stop()

    @property
    def said(self) -> str:
        self._running.errors.seek(0)
        return self._running.errors.read()

    def page(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            body: bytes = answer.read()
        return body.decode()

    def stop(self) -> int:
        self._running.send(signal.SIGTERM)
        return self._running.process.join(20)
