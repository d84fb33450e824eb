"""`nija venues`: a verified venue by its record, any other with reduced certainty, an unknown one by its like."""

import json

import pytest

from brokers.venues import VENUES
from cli.venues import venues
from models.errors import ConfigError
from tests.cli.command import Nija


@pytest.mark.wire
def test_the_command_prints_one_document(offline: Nija) -> None:
    ran = offline("venues", "--json")

    assert (ran.code, ran.err) == (0, "")
    told = {venue["venue"]: venue for venue in ran.report["venues"]}
    assert set(told) == set(VENUES)
    assert (told["kraken"]["late"], told["kraken"]["idempotent"], told["kraken"]["candles_kept"]) == (
        "refused",
        False,
        720,
    )
    assert told["binance"]["dust"] == {"into": "BNB", "assets_per_request": 20}
    assert all(venue["verified"] for venue in told.values())


@pytest.mark.wire
def test_an_unknown_venue_is_answered_with_its_like(offline: Nija) -> None:
    ran = offline("venues", "krakn")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint == "CONFIG_ERROR VENUE: unknown venue 'krakn' (allowed: kraken)"


def test_the_table_names_every_verified_venue_and_explains_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert venues() == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert [row.name for _, row in VENUES.values() if row.name not in shown] == []
    assert "order sent twice: what becomes of an order" in shown
    assert "not verified" not in shown


def test_any_other_venue_is_shown_with_reduced_certainty(capsys: pytest.CaptureFixture[str]) -> None:
    venues("bitstamp", as_json=True)
    (told,) = json.loads(capsys.readouterr().out)["venues"]
    venues("bitstamp")
    shown = " ".join(capsys.readouterr().out.split())

    assert told["verified"] is False
    assert [told[fact] for fact in ("idempotent", "late", "candles_per_page", "checks_clock")] == [None] * 4
    assert "reduced certainty" in shown


def test_an_id_in_another_spelling_is_refused() -> None:
    with pytest.raises(ConfigError, match="kraken"):
        venues("Kraken")
