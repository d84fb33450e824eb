"""The fleet file's section `history`: which series are wanted and since when, and every fault with its place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brokers.venues import check_venues
from models.errors import ConfigError
from models.fleet import Fleet, fleet_schema, load_fleet
from models.history import Timeframe
from models.history_plan import WantedHistory, instant_of

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FLEET = "version: 1\naccounts: [{id: a, kind: user, venue: kraken}]\nhistory:\n"


def read(tmp_path: Path, *rows: str) -> Fleet:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET + "".join(f"  - {row}\n" for row in rows))
    return load_fleet(path, {})


def test_a_section_is_read_with_dates_as_yaml_has_them(tmp_path: Path) -> None:
    fleet = read(
        tmp_path,
        "{source: kraken, symbols: [BTC/USD, ETH/USD], timeframe: 1h, since: 90d}",
        "{source: coingecko, symbols: [bitcoin/usd], timeframe: 1d, since: 2025-06-01, url: 'http://127.0.0.1:9'}",
    )

    first, second = fleet.history
    assert (first.symbols, first.timeframe, first.url) == (["BTC/USD", "ETH/USD"], "1h", None)
    assert instant_of(first.since, NOW) == NOW - timedelta(days=90)
    assert instant_of(second.since, NOW) == datetime(2025, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "place", "problem"),
    [
        ("{source: kraken, symbols: [BTC/USD], timeframe: 1h}", "history[0].since", "is missing"),
        ("{source: kraken, symbols: [], timeframe: 1h, since: 1d}", "history[0].symbols", "at least 1 item"),
        (
            "{source: kraken, symbols: [btc], timeframe: 1h, since: 1d}",
            "history[0]",
            "expected BASE/QUOTE, found 'btc'",
        ),
        ("{source: coingecko, symbols: [BTC/USD], timeframe: 1h, since: 1d}", "history[0]", "like bitcoin/usd"),
        ("{source: polymarket, symbols: [will-it-rain], timeframe: 1h, since: 1d}", "history[0]", "token id"),
        ("{source: kraken, symbols: [BTC/USD], timeframe: hourly, since: 1d}", "history[0].timeframe", "'hourly'"),
        ("{source: kraken, symbols: [BTC/USD], timeframe: 1h, since: lately}", "history[0].since", "found 'lately'"),
        ("{source: kraken, symbols: [BTC/USD], timeframe: 1h, since: 1d, from: 1d}", "history[0].from", "unknown key"),
        ("{source: kraken, symbols: [A/B, A/B], timeframe: 1h, since: 1d}", "history[0]", "more than once"),
        (
            "{source: kraken, symbols: [A/B], timeframe: 1h, since: 1d, url: 'http://x', simulated: w.yaml}",
            "history[0]",
            "exclude each other",
        ),
        (
            "{source: coingecko, symbols: [bitcoin/usd], timeframe: 1h, since: 1d, simulated: w.yaml}",
            "history[0]",
            "reached by url",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, row: str, place: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, row)

    assert caught.value.where.startswith(f"{tmp_path / 'fleet.yaml'}: {place}")
    assert problem in str(caught.value)


def test_a_series_is_wanted_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"history\[1\].symbols: kraken A/B 1h is in history\[0\] already"):
        read(
            tmp_path,
            "{source: kraken, symbols: [A/B], timeframe: 1h, since: 1d}",
            "{source: kraken, symbols: [C/B, A/B], timeframe: 1h, since: 90d}",
        )


def test_a_source_that_ccxt_does_not_know_is_refused_with_the_nearest(tmp_path: Path) -> None:
    fleet = read(tmp_path, "{source: krakn, symbols: [A/B], timeframe: 1h, since: 1d}")

    with pytest.raises(ConfigError, match=r"history\[0\].source: unknown venue 'krakn' .*kraken"):
        check_venues(fleet)


@pytest.mark.parametrize("text", ["1m", "5m", "60m", "1h", "12h", "1d", "2w", "0h", "h", "1M", "1.5h", "", "-1h"])
def test_the_file_takes_a_timeframe_exactly_where_the_candles_have_one(text: str) -> None:
    def is_taken() -> bool:
        try:
            WantedHistory(source="kraken", symbols=["A/B"], timeframe=text, since="1d")
        except ValueError:
            return False
        return True

    def is_known() -> bool:
        try:
            Timeframe.parse(text)
        except ValueError:
            return False
        return True

    assert is_taken() == is_known()


def test_the_schema_spells_the_section_out() -> None:
    assert {"source", "symbols", "timeframe", "since", "url"} <= set(
        fleet_schema()["$defs"]["WantedHistory"]["properties"]
    )
