"""`nija history`: what an operator types to collect candles, to see what is missing, and to move what is stored."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from cli.console import out
from cli.history_tables import show_coverage
from models.history_report import CoverageReport, DayReport, SeriesCoverage
from tests.cli.command import Nija


@pytest.fixture
def venue() -> Iterator[RunningVenue]:
    world = {
        "venue": "binance",
        "markets": [{"symbol": "BTC/USDT", "price": "50000", "volatility_per_day": "0.03"}],
        "accounts": {"platform": {}},
    }
    with RunningVenue(World.model_validate(world)) as running:
        yield running


@pytest.fixture
def machine(offline: Nija, venue: RunningVenue) -> Nija:
    """Return a machine whose fleet file wants ten days of hours."""
    account = {"id": "platform", "kind": "platform", "venue": "binance", "url": venue.url, "quote": "USDT"}
    wanted = {"source": "binance", "symbols": ["BTC/USDT"], "timeframe": "1h", "since": "10d", "url": venue.url}
    offline.writes_fleet({"version": 1, "accounts": [account], "history": [wanted]})
    return offline


def test_what_is_collected_shows_in_gaps_and_coverage(machine: Nija, venue: RunningVenue) -> None:
    before = machine("history", "gaps", "--json")
    collected = machine("history", "collect", "--json")
    again = machine("history", "collect")
    after = machine("history", "gaps")
    covered = machine("history", "coverage", "--json")

    assert (before.code, before.report["missing"]) in {(3, 240), (3, 239)}
    assert (collected.code, again.code, after.code, covered.code) == (0, 0, 0, 0)
    assert collected.report["series"][0]["state"] == "complete"
    assert "0 requests" in again.err
    assert "nothing is missing in 1 series" in after.out
    (series,) = covered.report["series"]
    assert (series["there"], series["absent"]) == (before.report["missing"], 0)
    assert {day["day"] for day in series["days"]} >= {str(datetime.now(UTC).date() - timedelta(days=5))}
    assert venue.calls("any", "platform") == 0, "history takes no key"


def test_a_series_that_the_fleet_file_does_not_have_is_collected_when_it_is_named_in_full(machine: Nija) -> None:
    named = ("--source", "binance", "--symbol", "BTC/USDT", "--timeframe", "4h")

    vague = machine("history", "collect", *named)
    exact = machine("history", "collect", *named, "--since", "8d", "--json")

    assert vague.code == 1
    assert "--since" in vague.complaint
    assert (exact.code, [one["timeframe"] for one in exact.report["series"]]) == (0, ["4h"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("collect", "--since", "lately"), "--since: expected 90d, 12h, 8w or a date like 2026-01-01, found 'lately'"),
        (("collect", "--timeframe", "hourly"), "--timeframe: expected a timeframe like 1m, 1h or 1d, found 'hourly'"),
        (("collect", "--symbol", "ETH/USDT"), "wants nothing of what was named (allowed: binance BTC/USDT 1h)"),
        (
            ("collect", "--source", "krakn", "--symbol", "A/B", "--timeframe", "1h", "--since", "1d"),
            "--source: unknown venue 'krakn'",
        ),
        (
            ("collect", "--source", "coingecko", "--symbol", "A/B", "--timeframe", "1h", "--since", "1d"),
            "--symbol: expected a coin id and a currency",
        ),
        (("fill", "--until", "never"), "--until"),
    ],
)
def test_bad_input_is_one_line_that_names_the_option(machine: Nija, arguments: tuple[str, ...], words: str) -> None:
    ran = machine("history", *arguments)

    assert ran.code == 1
    assert words in ran.complaint


def test_a_refusal_is_a_state_of_its_series_and_exit_code_three(machine: Nija) -> None:
    named = ("--source", "binance", "--symbol", "NO/USDT", "--timeframe", "1h", "--since", "1d")

    ran = machine("history", "collect", *named, "--json")

    (series,) = ran.report["series"]
    assert (ran.code, series["state"]) == (3, "refused"), json.dumps(series)


def test_a_row_in_quarantine_is_released_or_dropped_with_a_reason(machine: Nija, venue: RunningVenue) -> None:
    venue.set_faults({"operation": "candles", "fault": "spike", "times": 1})
    assert machine("history", "collect").code == 3

    (row,) = machine("history", "quarantine", "list", "--json").report["rows"]
    released = machine("history", "quarantine", "release", str(row["row_id"]), "--reason", "it was real")
    twice = machine("history", "quarantine", "drop", str(row["row_id"]), "--reason", "it was not")

    assert row["reasons"] == ["jump"]
    assert (released.code, twice.code) == (0, 3)
    assert "released by" in twice.err
    assert "nothing is in quarantine" in machine("history", "quarantine", "list").out
    assert machine("history", "gaps").code == 0


def test_the_store_is_looked_at_without_a_fleet_file(machine: Nija) -> None:
    machine("history", "collect")
    machine.fleet_file.unlink()

    covered = machine("history", "coverage", "--json")

    assert [one["symbol"] for one in covered.report["series"]] == ["BTC/USDT"]


def test_candles_go_out_as_a_file_and_come_back(machine: Nija, tmp_path: Path) -> None:
    machine("history", "collect")
    for name in ("candles.parquet", "candles.csv"):
        gone = machine("history", "export", str(tmp_path / name))
        assert gone.code == 0, gone.err
        elsewhere = {"NIJA_HOME": str(tmp_path / name.replace(".", "-"))}
        named = ("--source", "binance", "--symbol", "BTC/USDT", "--timeframe", "1h") if name.endswith("csv") else ()
        came = machine("history", "import", str(tmp_path / name), *named, "--json", env=elsewhere)
        assert came.code == 0, came.err
        there = machine("history", "coverage", "--json", env=elsewhere)
        here = machine("history", "coverage", "--json")
        assert there.report["series"][0]["there"] == here.report["series"][0]["there"]


def test_a_calendar_has_one_cell_a_day(tmp_path: Path) -> None:
    days = [DayReport(day=date(2026, 1, 1) + timedelta(days=n), expected=24, there=24, absent=0) for n in range(30)]
    days[3] = days[3].model_copy(update={"there": 0})
    days[4] = days[4].model_copy(update={"there": 5})
    days[5] = days[5].model_copy(update={"there": 0, "absent": 24})
    one = SeriesCoverage(
        source="kraken", symbol="BTC/USD", timeframe="1h", expected=30 * 24, there=27 * 24 + 5, absent=24, days=days
    )

    with out.capture() as shown:
        show_coverage(CoverageReport(series=[one]))

    assert shown.get().count("■") == len(days) + len(("whole", "in part", "nothing", "absent"))
    assert "93.82% there" in shown.get()
    assert "43 missing" in shown.get()
    assert json.loads(one.model_dump_json())["there"] == 27 * 24 + 5
