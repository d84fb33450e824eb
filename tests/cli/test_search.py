"""`nija optimize`, `nija walk-forward`, `nija strategies`, `nija studies`: what somebody types to search parameters."""

import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from research.bars import Bars
from tests.cli.command import Nija
from tests.research.walks import a_walk, a_walk_that_follows

pytestmark = pytest.mark.wire

PLANTED = ("--param", "fast=4:16:4", "--param", "slow=16:64:8", "--fee", "0.0005", "--slippage", "0")
_LONGEST_SECONDS = 60


def written(bars: Bars, path: Path) -> str:
    bars.frame().assign(time=bars.time).to_csv(path, index=False)
    return str(path)


def kept(nija: Nija) -> int:
    """Return how many combinations the store has; 0 before it is made."""
    try:
        with sqlite3.connect(f"file:{nija.home / 'nija.db'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM research_combinations").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_a_search_says_what_it_found_and_whether_to_believe_it(offline: Nija, tmp_path: Path) -> None:
    file = written(a_walk_that_follows(3000, 0, 8, 32), tmp_path / "planted.csv")
    page = tmp_path / "page.html"

    found = offline("optimize", "--data", file, *PLANTED, "--html", str(page))
    again = offline("optimize", "--data", file, *PLANTED, "--json")
    walked = offline("walk-forward", "--data", file, *PLANTED, "--json")
    studies = offline("studies", "list", "--json").report["studies"]
    shown = offline("studies", "show", again.report["strategies"][0]["report"]["study_id"][:8], "--json")
    deleted = offline("studies", "delete", studies[0]["study_id"])

    assert found.code == again.code == walked.code == 0, found.err
    assert "holds nothing that was looked at speaks against it" in found.out
    assert "best: fast 8, slow 32" in found.out
    report = again.report["strategies"][0]["report"]
    assert (report["best"]["parameters"], report["kept_before"]) == ({"fast": 8, "slow": 32}, 27)
    assert report["sensitivity"][0]["parameter"] in {"fast", "slow"}
    html = page.read_text()
    assert html.count("data:image/png;base64,") == 2
    assert "<script" not in html
    assert "://" not in html
    assert [fold["fold"] for fold in walked.report["strategies"][0]["report"]["folds"]] == [1, 2, 3, 4, 5]
    assert [one["outcome"] for one in studies] == ["holds", "holds"]
    assert len(shown.report["combinations"]) == 27
    assert shown.report["combinations"][0]["parameters"] == {"fast": 8, "slow": 32}
    assert deleted.code == 0
    assert len(offline("studies", "list", "--json").report["studies"]) == 1


def test_a_random_walk_is_no_recommendation_for_any_strategy(offline: Nija, tmp_path: Path) -> None:
    file = written(a_walk(1000, 5), tmp_path / "walk.csv")

    ran = offline("optimize", "--data", file, "--strategy", "all", "--json")

    assert ran.code == 2
    outcomes = {one["strategy"]: one["report"]["verdict"]["outcome"] for one in ran.report["strategies"]}
    assert outcomes == dict.fromkeys(("momentum", "sma-cross", "bollinger", "rsi", "breakout"), "overfit")


def test_a_search_that_is_killed_is_gone_on_with_by_the_same_command(offline: Nija, tmp_path: Path) -> None:
    file = written(a_walk(15_000, 5), tmp_path / "long.csv")
    command = ("optimize", "--data", file, "--param", "fast=1:40", "--param", "slow=50:100:5", "--json")

    running = offline.start(*command)
    end = time.monotonic() + _LONGEST_SECONDS
    while not (there := kept(offline)):
        assert time.monotonic() < end, "it kept nothing"
        time.sleep(0.002)
    running.send(signal.SIGKILL)
    killed = offline.end_of(running)
    there = kept(offline)
    resumed = offline(*command)
    repeated = offline(*command)

    assert killed.code == -signal.SIGKILL
    assert 0 < there < 440, "it was killed half way"
    report = resumed.report["strategies"][0]["report"]
    assert (report["tried"], report["kept_before"]) == (440, there)
    assert f"{there} of 440 evaluations are kept from an earlier run" in resumed.err
    same = repeated.report["strategies"][0]["report"]
    assert same["kept_before"] == 440
    told = {"kept_before", "seconds"}
    assert {k: v for k, v in same.items() if k not in told} == {k: v for k, v in report.items() if k not in told}


def test_two_venues_are_given_as_two_files(offline: Nija, tmp_path: Path) -> None:
    here = a_walk(1500, 1, 0.004)
    off = np.where(np.random.default_rng(2).random(1500) < 0.05, 0.02, 0.0)
    close = here.close * (1 - off)
    opened = np.concatenate((close[:1], close[:-1]))
    ends = {"high": np.maximum(opened, close), "low": np.minimum(opened, close)}
    there = Bars.of("BTC/USDT", here.time, open=opened, close=close, **ends, volume=here.volume)
    files = ("--data", written(there, tmp_path / "kraken.csv"), "--data", written(here, tmp_path / "binance.csv"))

    ran = offline("optimize", "--strategy", "cross-venue", *files, "--fee", "0.0001", "--slippage", "0", "--json")
    one = offline("optimize", "--strategy", "cross-venue", *files[:2])

    assert ran.code in {0, 2}, ran.err
    report = ran.report["strategies"][0]["report"]
    assert report["data"] == "kraken.csv and binance.csv"
    assert report["best"]["metrics"]["trades"] > 10
    assert (one.code, one.complaint) == (
        1,
        "CONFIG_ERROR --data: 1 files are given (allowed: 2, as many as the strategy reads)",
    )


def test_strategies_are_listed_and_checked(offline: Nija, tmp_path: Path) -> None:
    file = written(a_walk(400, 5), tmp_path / "walk.csv")

    listed = offline("strategies", "list", "--json")
    table = offline("strategies", "list")
    clean = offline("strategies", "check", "rsi", "--param", "period=7", "--data", file, "--json")

    assert (listed.code, listed.report["broken"]) == (0, [])
    assert {one["name"] for one in listed.report["strategies"]} >= {"sma-cross", "polymarket", "cross-venue"}
    assert "a fast moving average crosses a slow one" in table.out
    assert (clean.code, clean.report["peeks"], clean.report["parameters"]["period"]) == (0, [], 7)
    assert clean.report["entries"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--strategy", "sma-cros"), "CONFIG_ERROR --strategy: there is no 'sma-cros'; did you mean 'sma-cross'?"),
        (("--param", "fst=5:10"), "CONFIG_ERROR --param sma-cross: has no parameter 'fst'; did you mean 'fast'?"),
        (("--param", "fast=0:5"), "CONFIG_ERROR sma-cross.fast: 0 is out of range (allowed: a whole number from 1 to"),
        (("--param", "fast"), "CONFIG_ERROR --param: found 'fast' (allowed: NAME=LOW:HIGH:STEP"),
        (("--param", "rsi.period=5"), "CONFIG_ERROR --param: 'rsi' is not searched (allowed: sma-cross)"),
        (("--objective", "sharp"), "CONFIG_ERROR --objective: there is no metric 'sharp'; did you mean 'sharpe'?"),
        (("--fee", "0.9"), "CONFIG_ERROR --fee: Input should be less than or equal to 0.5"),
        (("--size", "much"), "CONFIG_ERROR --size: found 'much'"),
        (("--trials", "0"), "CONFIG_ERROR --trials: Input should be greater than or equal to 1"),
        (("--since", "lately"), "CONFIG_ERROR --since, --until: expected 90d"),
        (("--since", "2200-01-01"), "CONFIG_ERROR --since, --until: 0 bars of walk are in that time"),
        (("--html", "/nowhere/page.html"), "CONFIG_ERROR --html: there is no folder /nowhere"),
        (("--data", "gone.csv"), "CONFIG_ERROR --data: 2 files are given (allowed: 1, as many as the strategy reads)"),
    ],
)
def test_what_cannot_be_searched_is_one_line(
    offline: Nija, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    ran = offline("optimize", "--data", written(a_walk(300, 5), tmp_path / "walk.csv"), *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words), ran.complaint


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (("volume", None), "BAD_BARS walk.csv: column volume: missing"),
        (("close", float("nan")), "BAD_BARS walk.csv: row 8, column close: not a number"),
        (("high", 1.0), "BAD_BARS walk.csv: row 8, column high: below the low"),
        (("time", 5), "BAD_BARS walk.csv: row 8, column time: earlier than the row before"),
    ],
)
def test_bad_prices_are_named_by_row_and_column(
    offline: Nija, tmp_path: Path, damage: tuple[str, float | None], words: str
) -> None:
    bars = a_walk(300, 5)
    frame, (column, value) = bars.frame().assign(time=bars.time), damage
    if value is None:
        frame = frame.drop(columns=column)
    else:
        frame.iloc[7, frame.columns.get_loc(column)] = value
    frame.to_csv(tmp_path / "walk.csv", index=False)

    ran = offline("walk-forward", "--data", str(tmp_path / "walk.csv"))

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words), ran.complaint


def test_without_history_it_says_how_to_get_some(offline: Nija) -> None:
    ran = offline("optimize")

    assert ran.code == 1
    assert "no history is stored (allowed: nija history collect, or --data FILE)" in ran.complaint


def test_a_plug_in_is_searched_and_a_broken_one_is_one_line(offline: Nija, tmp_path: Path) -> None:
    """Installed as pip would leave them: a module, and the folder that names its entry points."""
    site = tmp_path / "site"
    (site / "houses-1.0.dist-info").mkdir(parents=True)
    (site / "houses-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: houses\nVersion: 1.0\n")
    (site / "houses-1.0.dist-info" / "entry_points.txt").write_text(
        "[nija.strategies]\nfade = houses:Fade\nlost = houses:Lost\n"
    )
    (site / "houses.py").write_text(PLUG_IN)
    file = written(a_walk(400, 5), tmp_path / "walk.csv")
    command = ("optimize", "--strategy", "fade", "--data", file, "--json")

    ran = offline(*command, env={"PYTHONPATH": str(site)}, before=lambda: None)

    assert ran.code == 2, ran.err
    assert ran.report["strategies"][0]["report"]["tried"] == 3
    assert "strategy lost: houses:Lost cannot be loaded (AttributeError" in ran.err


PLUG_IN = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from research.bars import Bars
from research.parameters import parameter
from research.signals import Signals
from research.strategies.base import Strategy


@dataclass(frozen=True)
class Fade(Strategy):
    """Buys after so many falls in a row, sells at the next rise."""

    name: ClassVar[str] = "fade"
    says: ClassVar[str] = "buy after falls in a row"

    falls: int = parameter(3, 1, 20, "closes in a row that are lower", sweep=(2, 3, 4))

    def signals(self, bars: Bars) -> Signals:
        fell = np.diff(bars.close, prepend=bars.close[0]) < 0
        enough = np.convolve(fell, np.ones(self.falls), mode="full")[: len(fell)] == self.falls
        return Signals.of(enough.astype(np.int8), ~fell)
'''
