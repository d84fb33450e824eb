"""Accounts whose keys are in the vault alone: they are traded with, and no key is found anywhere afterwards."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from brokers.simulator.handle import RunningVenue
from models.clock import SystemClock
from models.reasons import AccountStatus
from models.settings import Credentials, load_settings, master_key_settings
from models.store.engine import Store
from tasks.vault import keep, rotate
from tests.drills.desk import Desk, codes, sold
from tests.drills.test_secrets import HELD, _faults, _files, _in_prefect, _tables

pytestmark = pytest.mark.wire


def moves_into_the_vault(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, venue: RunningVenue, account: str = "platform"
) -> None:
    """Store an account's keys, and take them out of the environment."""
    for part in ("API_KEY", "API_SECRET", "API_PASSPHRASE"):
        monkeypatch.delenv(f"NIJA_{account.upper()}_{part}", raising=False)
    key, secret, passphrase = venue.credentials(account)
    given = Credentials(SecretStr(key), SecretStr(secret), None if passphrase is None else SecretStr(passphrase))
    places = master_key_settings(load_settings().home)

    async def stores(store: Store) -> None:
        await keep(store, places, SystemClock(), account, given, by="drill", replace=False)

    desk.in_store(stores)


def test_no_key_of_the_vault_is_kept_or_shown_anywhere(
    prefect_desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = prefect_desk
    desk.hurries()
    caplog.set_level(logging.DEBUG)
    desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    kraken = desk.worth(HELD, faults=_faults("USD"))
    down = {"operation": "balance", "fault": "status", "times": None}
    binance = desk.worth(HELD, account="second", venue="binance", faults=[down])
    moves_into_the_vault(desk, monkeypatch, kraken)
    moves_into_the_vault(desk, monkeypatch, binance, "second")
    master = (desk.home / "master.key").read_text().strip()

    report = desk.normalize()

    out, err = capfd.readouterr()
    files = _files(desk.home)
    places = {
        "report": report.model_dump_json(),
        "stdout": out,
        "stderr": err,
        "log records": "\n".join(str(vars(record)) for record in caplog.records),
        "files": files.replace(master, "", 1),  # its one place
        "database": desk.in_store(_tables),
        "Prefect": asyncio.run(_in_prefect()),
    }
    keys = {*kraken.credentials("platform"), *binance.credentials("second")} - {None}
    assert [(place, secret) for place, text in places.items() for secret in (*keys, master) if secret in text] == []
    # the keys were used, and what went wrong is told in those places
    assert sold(kraken)
    assert all(report.run_id in places[place] for place in ("files", "database", "Prefect"))


def test_a_lost_master_key_stops_the_accounts_of_the_vault_and_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    dust = {"DUST": "0.5"}
    stored = desk.worth(dust)
    given = desk.worth(dust, account="second", venue="binance")
    moves_into_the_vault(desk, monkeypatch, stored)
    (desk.home / "master.key").unlink()

    report = desk.normalize()

    locked, other = report.accounts
    assert (codes(locked), codes(other)) == ({"VAULT_LOCKED"}, set())
    assert (sold(stored), sold(given, "second")) == ([], ["DUST"])


def test_an_account_trades_on_after_its_master_key_was_rotated(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    venue = desk.worth({"DUST": "0.5"})
    moves_into_the_vault(desk, monkeypatch, venue)
    places = master_key_settings(desk.home)

    desk.in_store(lambda store: rotate(store, places, SystemClock()))

    assert desk.run().status == "compliant"
    assert sold(venue) == ["DUST"]


def test_of_two_accounts_with_one_key_one_acts_at_a_time(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sqlite_desk
    desk.policy |= {"max_positions": 1, "order_timeout_seconds": 5}
    kraken = desk.opens(
        prices={"BTC": 1000, "ETH": 500},
        holds={"one": {"BTC": 1, "ETH": 1}, "other": {"BTC": 1, "ETH": 1}},
        fills=[{"mode": "delayed", "after_seconds": "0.3"}],
    )
    for part, value in zip(("API_KEY", "API_SECRET"), kraken.credentials("one"), strict=False):
        monkeypatch.setenv(f"NIJA_OTHER_{part}", str(value))

    report = desk.normalize()

    assert sorted(a.status for a in report.accounts) == [AccountStatus.BLOCKED, AccountStatus.COMPLIANT]
    assert {code for a in report.accounts for code in codes(a)} == {"LEASE_HELD"}
    assert sold(kraken, "one") == ["ETH"]
