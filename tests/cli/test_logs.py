"""The log of a command: nothing but what must be known, more where the environment asks for it, as lines or as JSON."""

import json

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija

pytestmark = pytest.mark.wire


def test_every_line_is_json_and_each_account_leaves_its_figures(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", "second", max_positions=2)
    env = {"NIJA_LOG_FORMAT": "json", "NIJA_LOG_LEVEL": "info"}

    ran = nija("normalize", "--live", "--yes", "--json", env=env)

    lines = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    events = {line["account"]: line for line in lines if line["message"] == "account metrics"}
    assert set(events) == {"platform", "second"}
    platform, report = events["platform"], ran.account("platform")
    assert platform["run"] == ran.report["run_id"]
    assert len(platform["plan"]) >= 32
    assert platform["account_type"] == "platform"
    assert platform["active_positions"] == report["positions_after"]
    assert platform["dust_cleaned"] == 1
    assert platform["cap_enforcements"] >= 1
    assert platform["unvalued"] == 1
    cash, whole = (platform[name].split() for name in ("free_capital", "total_balance"))
    assert (cash[1], whole) == ("USD", [report["equity_after_usd"], "USD"])
    assert events["second"]["largest_position"] == events["second"]["smallest_position"] == "ETH/USD 250.00 USD"


def test_an_account_that_cannot_be_read_leaves_unknown_figures_in_one_line(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", balance_fetch_max_attempts=1)
    kraken.set_faults({"operation": "balance", "fault": "html", "times": None})

    ran = nija("normalize", env={"NIJA_LOG_LEVEL": "INFO"})

    (line,) = [line for line in ran.err.splitlines() if "account metrics" in line]
    assert "total_balance=unknown" in line
    assert "active_positions=unknown" in line
    assert "account=platform" in line


def test_a_command_says_nothing_of_what_goes_well(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform")

    assert "account metrics" not in nija("normalize", "--json").err


@pytest.mark.parametrize("variable", ["NIJA_LOG_LEVEL", "NIJA_LOG_FORMAT"])
def test_a_wrong_setting_is_one_line_that_names_it(offline: Nija, variable: str) -> None:
    ran = offline("db", "upgrade", env={variable: "loud"})

    assert ran.code == 1
    assert ran.complaint.startswith(f"CONFIG_ERROR environment {variable}")
