"""Entries judged after fees, over the wire: what a venue's own metadata says of them decides, with figures."""

import json
from typing import Any
from urllib.request import urlopen

import pytest

from brokers.simulator.handle import RunningVenue
from models.reasons import Block
from models.report import EntryReport
from tests.drills.desk import QUOTES, Desk
from tests.drills.test_limits import LIMITS, override
from tests.drills.venues import each_venue_on_a_store

pytestmark = pytest.mark.wire


def told(report: EntryReport) -> dict[str, str]:
    return {error.code: error.message for error in report.errors}


# incident 20
@each_venue_on_a_store
def test_at_no_venue_do_its_usual_fees_keep_an_ordinary_entry_off(desk: Desk, venue: str) -> None:
    desk.opens(venue, prices={"SOL": 100}, holds={"platform": {}})

    answer = desk.entry(f"SOL/{QUOTES[venue]}", 20)

    assert (answer.allowed, answer.reasons, answer.errors) == (True, [], [])


# incident 20
def test_an_entry_whose_fees_eat_it_is_refused_with_the_figures(desk: Desk) -> None:
    fees = {"taker": "0.014", "maker": "0.012"}
    kraken = desk.opens(prices={"SOL": 100}, holds={"platform": {}}, fees=fees)

    refused = desk.entry("SOL/USD", "5.05")
    desk.policy["max_round_trip_fee_fraction"] = 0.03
    allowed = desk.entry("SOL/USD", "5.05")

    assert refused.reasons == [Block.FEES_TOO_HIGH]
    assert told(refused) == {
        "FEES_TOO_HIGH": "buying SOL/USD and selling it again costs 2.8 % of 5.05 USD, 0.14; the policy allows 2.5 %"
    }
    assert (allowed.allowed, allowed.errors, kraken.calls("place")) == (True, [], 0)


# incident 20
def test_a_fee_that_cannot_be_read_in_the_metadata_blocks_nothing_and_is_said(desk: Desk) -> None:
    kraken = desk.opens(prices={"SOL": 100}, holds={"platform": {}})
    kraken.set_faults(_with_fees_of_nonsense(kraken))

    answer = desk.entry("SOL/USD", 20)

    assert (answer.allowed, list(told(answer))) == (True, ["FEE_UNKNOWN"])


# incident 20
def test_a_minimum_above_the_ceiling_is_named_until_a_person_sets_the_ceiling_aside(desk: Desk) -> None:
    desk.policy |= LIMITS
    desk.opens(prices={"SOL": 100}, holds={"platform": {}}, sizes={"SOL": {"min_notional": 1500}}, cash=4000)

    refused = desk.entry("SOL/USD", 1500)
    override(desk, "size")
    allowed = desk.entry("SOL/USD", 1500)

    assert refused.reasons == [Block.FLOOR_ABOVE_CEILING, Block.SIZE_LIMIT]
    assert (allowed.reasons, allowed.overridden) == ([], [Block.SIZE_LIMIT])


def _with_fees_of_nonsense(kraken: RunningVenue) -> dict[str, Any]:
    """Let the venue name its markets as it does, but for what they cost; of one left out ccxt has a default."""
    with urlopen(f"{kraken.url}/0/public/AssetPairs", timeout=30) as answer:  # noqa: S310 - the venue just started
        document = json.load(answer)
    for pair in document["result"].values():
        pair["fees"] = [[0, 1e40]]
    return {"operation": "markets", "fault": "status", "status": 200, "body": json.dumps(document), "times": None}
