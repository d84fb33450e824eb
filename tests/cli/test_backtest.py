"""`nija backtest` and `nija compare`: one document, a page, results that are kept, and one line for bad input."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from models.backtest import KeptBacktest
from models.store.backtests import backtests
from models.store.engine import Store
from tests.cli.command import Nija
from tests.research.walks import a_trend_that_turns

pytestmark = pytest.mark.wire

BARS = 1_500


@pytest.fixture
def candles(offline: Nija) -> Path:
    path = offline.folder / "candles.csv"
    a_trend_that_turns(BARS, 5, drift=0.002).frame().reset_index().to_csv(path, index=False)
    return path


def kept(nija: Nija) -> tuple[KeptBacktest, ...]:
    async def read() -> tuple[KeptBacktest, ...]:
        async with await Store.open(f"sqlite:///{nija.home / 'nija.db'}") as store:
            return await backtests(store, limit=10)

    return asyncio.run(read())


def test_a_backtest_of_a_file_is_one_document_a_page_and_a_kept_result(offline: Nija, candles: Path) -> None:
    page = offline.folder / "page.html"
    options = ("--strategy", "sma-cross", "--param", "fast=5", "--param", "slow=20", "--data", str(candles))

    ran = offline("backtest", *options, "--html", str(page), "--json")
    shown = offline("backtest", *options, "--long-only", "--stop-loss", "0.05")

    report = ran.report
    assert (ran.code, shown.code) == (0, 0)
    assert (report["strategy"], report["parameters"], report["bars"]) == ("sma-cross", {"fast": 5, "slow": 20}, BARS)
    assert report["recommendation"]["total"] == sum(one["points"] for one in report["recommendation"]["points"])
    assert len(report["trades"]) == report["figures"]["trades"] > 0
    assert page.read_text().startswith("<!doctype html>")
    assert "backtest 2" in shown.out
    newest, first = kept(offline)
    assert first.figures == report["figures"]
    assert (newest.settings["stop_loss_fraction"], newest.settings["allow_short"]) == (0.05, False)
    assert len(first.equity) == len(report["equity"]) <= 500


def test_strategies_side_by_side_are_those_that_run_alone(offline: Nija, candles: Path) -> None:
    three = ("--strategy", "sma-cross:fast=5,slow=20", "--strategy", "rsi", "--strategy", "breakout")

    compared = offline("compare", *three, "--data", str(candles), "--json").report
    alone = offline("backtest", "--strategy", "rsi", "--data", str(candles), "--json").report

    assert compared["backtests"][1]["figures"] == alone["figures"]
    for row in compared["rows"]:
        assert len(row["values"]) == 3
        assert all(row["values"][place] is not None for place in row["best"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--strategy", "sma-cros"], "CONFIG_ERROR --strategy: there is no 'sma-cros'; did you mean 'sma-cross'?"),
        (["--strategy", "rsi:period=0"], "CONFIG_ERROR rsi.period: 0 is out of range"),
        (["--strategy", "rsi", "--param", "period"], "CONFIG_ERROR --param: found 'period'"),
        (["--strategy", "rsi:period"], "CONFIG_ERROR --strategy: found 'period' in 'rsi:period'"),
        (["--strategy", "rsi", "--fee", "0.9"], "CONFIG_ERROR --fee: "),
        (["--strategy", "rsi", "--since", "tomorrow"], "CONFIG_ERROR --since, --until: expected 90d"),
        (["--strategy", "rsi", "--account", "alice"], "CONFIG_ERROR fleet.yaml: no such fleet file"),
    ],
)
def test_bad_input_is_one_line_and_exit_1(offline: Nija, candles: Path, arguments: list[str], words: str) -> None:
    ran = offline("backtest", *arguments, "--data", str(candles))

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words)


def test_a_bad_row_is_named_with_its_column(offline: Nija) -> None:
    rows = ["time,open,high,low,close,volume", "3600,1,1,1,1,1", "7200,1,1,1,nan,1", "10800,1,1,1,1,1"]
    (offline.folder / "bad.csv").write_text("\n".join(rows))

    complaint = offline("backtest", "--strategy", "rsi", "--data", "bad.csv").complaint

    assert "row 2" in complaint
    assert "close" in complaint


def test_several_files_share_the_cash_and_the_cap(offline: Nija, candles: Path) -> None:
    other = offline.folder / "other.csv"
    a_trend_that_turns(BARS, 6, drift=0.002).frame().reset_index().to_csv(other, index=False)
    files, page = ("--data", str(candles), "--data", str(other)), offline.folder / "page.html"

    both = offline("backtest", "--strategy", "breakout", *files, "--html", str(page), "--json").report
    one = offline("backtest", "--strategy", "breakout", *files, "--max-positions", "1", "--json").report

    assert (both["settings"]["max_positions"], both["settings"]["size_fraction"]) == (2, 0.5)
    assert {trade["symbol"] for trade in both["trades"]} == {"candles", "other"}
    assert (one["settings"]["max_positions"], one["settings"]["size_fraction"]) == (1, 1.0)
    held = sorted((trade["entered_at"], trade["left_at"]) for trade in one["trades"])
    assert all(left <= entered for (_, left), (entered, _) in pairwise(held))
    assert one["unfilled"]["cap_reached"] > 0
    assert "candles and the trades" in page.read_text()
