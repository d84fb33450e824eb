"""`nija exits`: limits a person sets for one position, the list of them, a scan by hand, and what came of it."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from brokers.simulator.handle import RunningVenue
from cli.main import app
from models.errors import ConfigError, NijaError
from models.position import Tracked
from models.reasons import Mode
from models.store.engine import Store
from models.store.tracked import save_snapshot
from tests.builders import NOW, a_position, a_snapshot
from tests.cli.command import Nija

WHY = ("--reason", "[/bold] a long hold")  # what a person writes is no markup


class Desk:
    """An operator's folder with one account, and the commands in this process."""

    def __init__(self, folder: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store_url = store_url
        fleet = folder / "fleet.yaml"
        rows = [{"id": "alice", "kind": "platform", "venue": "kraken", "quote": "USD"}]
        fleet.write_text(yaml.safe_dump({"version": 1, "accounts": rows}))
        monkeypatch.setenv("NIJA_HOME", str(folder / "home"))
        monkeypatch.setenv("NIJA_FLEET", str(fleet))
        monkeypatch.setenv("NIJA_DATABASE_URL", store_url)

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(app, ("exits", *arguments), standalone_mode=False)
        if isinstance(result.exception, NijaError):
            raise result.exception
        assert result.exception is None, result.exception
        return result

    def sets(self, *limits: str, symbol: str = "ETH/USD") -> str:
        return self("set", "--account", "alice", "--symbol", symbol, *limits, *WHY).stdout

    def listed(self) -> dict[str, dict[str, Any]]:
        rows = json.loads(self("list", "--json").stdout)["positions"]
        return {row["symbol"]: row for row in rows}

    def tracks(self, symbol: str = "ETH/USD", price: int | None = 90, *, entry: int | None = None) -> None:
        """Let a read have shown one position."""

        async def run() -> None:
            paid = None if entry is None else Decimal(entry)
            held = Tracked(symbol, Decimal(1), paid, NOW, peak_price=Decimal(120))
            snapshot = a_snapshot(a_position(symbol, price), account="alice")
            async with await Store.open(self.store_url) as store:
                await save_snapshot(
                    store, snapshot, {symbol: held}, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p"
                )

        asyncio.run(run())


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, sqlite_url, monkeypatch)


def test_the_list_shows_a_position_with_its_figures_and_whose_limits_hold(desk: Desk) -> None:
    desk.tracks(entry=100)
    desk.sets("--stop-loss", "20%", "--trailing-stop", "never")

    row = desk.listed()["ETH/USD"]
    shown = desk("list").stdout

    assert (row["entry_price"], row["peak_price"], row["price"], row["gain_fraction"]) == ("100", "120", "90", "-0.1")
    assert row["stop_loss"] == {"value": "0.2", "own": True}
    assert row["trailing_stop"] == {"value": None, "own": True}
    assert row["take_profit"] == {"value": "0.08", "own": False}
    assert (row["due"], row["reason"]) == ("time_limit", WHY[1])
    assert "-10.00 %" in shown
    assert "20 % *" in shown


# Incident 15
@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--stop-loss", "3", "could be meant as"),
        ("--take-profit", "8", "could be meant as"),
        ("--stop-loss", "0", "not between"),
        ("--trailing-stop", "100%", "not between"),
        ("--stop-loss", "nan", "finite"),
        ("--max-hold-hours", "0", "not above 0"),
        ("--entry-price", "-1", "not above 0"),
    ],
)
def test_a_figure_that_could_be_meant_otherwise_or_makes_no_sense_is_refused(
    desk: Desk, option: str, value: str, problem: str
) -> None:
    desk.tracks()

    with pytest.raises(ConfigError, match=problem):
        desk.sets(option, value)

    assert not desk.listed()["ETH/USD"]["stop_loss"]["own"]


def test_a_fraction_and_its_percent_are_the_same(desk: Desk) -> None:
    desk.sets("--stop-loss", "0.02", symbol="BTC/USD")
    desk.sets("--stop-loss", "2%", "--take-profit", "150%", symbol="ETH/USD")

    rows = desk.listed()

    assert rows["BTC/USD"]["stop_loss"] == rows["ETH/USD"]["stop_loss"] == {"value": "0.02", "own": True}
    assert (rows["ETH/USD"]["take_profit"]["value"], rows["ETH/USD"]["held"]) == ("1.5", False)


def test_an_entry_price_is_told_of_what_is_tracked_and_taken_back_by_clear(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="is not tracked"):
        desk.sets("--entry-price", "100")
    desk.tracks()
    desk.sets("--entry-price", "100")
    told = desk.listed()["ETH/USD"]

    desk("clear", "--account", "alice", "--symbol", "ETH/USD", *WHY)

    assert (told["entry_price"], told["entry_source"], told["gain_fraction"]) == ("100", "by_hand", "-0.1")
    assert desk.listed()["ETH/USD"]["entry_price"] is None
    with pytest.raises(ConfigError, match="nothing is set"):
        desk("clear", "--account", "alice", "--symbol", "ETH/USD", *WHY)


@pytest.mark.wire
def test_a_scan_by_hand_plans_then_sells_and_the_statistics_tell_what_came_of_it(
    nija: Nija, kraken: RunningVenue
) -> None:
    nija.serves(kraken, "second")
    first = nija("exits", "run", "--json")
    told = nija("exits", "set", "--account", "second", "--symbol", "ETH/USD", "--entry-price", "3000", *WHY)
    planned = nija("exits", "run", "--json")
    sold = nija("exits", "run", "--live", "--yes", "--json")
    stats = nija("exits", "stats", "--json")

    assert (first.code, told.code, planned.code, sold.code) == (0, 0, 2, 0)
    assert [a["kind"] for a in planned.account("second")["actions"]] == ["stop_loss"]
    assert [a["outcome"] for a in sold.account("second")["actions"]] == ["filled"]
    (one,) = stats.report["sums"]
    # 0.1 bought at 3000 and sold at 2500, less 0.40 % of 250.
    assert (one["reason"], one["exits"], one["pnl_quote"], one["fees_missing"]) == ("stop_loss", 1, "-51", 0)
