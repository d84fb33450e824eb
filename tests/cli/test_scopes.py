"""`nija cleanup-dust` and `nija enforce-cap`: one part of the policy each, with the options of `nija normalize`."""

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija

pytestmark = pytest.mark.wire


def test_a_dust_cleanup_plans_then_closes_dust_and_leaves_the_rest(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    planned = nija("cleanup-dust", "--json")
    ran = nija("cleanup-dust", "--live", "--yes", "--json")

    assert (planned.code, planned.account()["status"], planned.report["mode"]) == (2, "pending", "plan")
    assert (ran.code, ran.account()["status"], ran.report["mode"]) == (0, "compliant", "live")
    assert [fill.symbol for fill in kraken.fills("platform")] == ["LTC/USD"]
    assert ran.account()["blacklisted"] == ["DOGE/USD"]


def test_enforcing_the_cap_asks_first_and_sells_the_smallest(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=4)

    ran = nija.at_terminal("enforce-cap", "--live", answer="y")

    assert ran.code == 0
    assert [fill.symbol for fill in kraken.fills("platform")] == ["ADA/USD"]


def test_a_no_at_the_prompt_sends_nothing(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)

    ran = nija.at_terminal("enforce-cap", "--live", "--json", answer="n")

    assert (ran.code, ran.report["mode"]) == (2, "plan")
    assert kraken.calls("place") == 0
