"""Searches: what is planted is found, what is luck is called luck, and what was computed is not computed again."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from models.clock import SystemClock
from models.errors import ConfigError, LooksAhead
from models.search import SearchMethod
from models.search_report import Finding, Outcome, SearchReport
from models.store.engine import Store
from models.store.studies import studies, trials_of
from research.bars import Bars
from research.parameters import parameter
from research.registry import BUILT_IN
from research.settings import BacktestSettings
from research.signals import Signals
from research.space import space_of
from research.strategies.base import Strategy
from research.strategies.polymarket import Polymarket
from research.strategies.sma_cross import SmaCross
from tasks.search import WalkForward, Wanted, search
from tests.research.test_lookahead import Ahead
from tests.research.walks import a_walk, a_walk_that_follows, bars_of

FREE = BacktestSettings(fee_fraction=0, slippage_fraction=0)
CHEAP = BacktestSettings(fee_fraction=0.0005, slippage_fraction=0)
PLANTED = ("fast=4:16:4", "slow=16:64:8")


def wanted(bars: Bars, strategy: type[Strategy] = SmaCross, ranges: tuple[str, ...] = (), **more: object) -> Wanted:
    made = Wanted(space_of(strategy, ranges), (bars,) * strategy.series, "a test", BacktestSettings(), "sharpe")
    return replace(made, **more)


def found(url: str, asked: Wanted, progress: "Counted | None" = None) -> SearchReport:
    async def run() -> SearchReport:
        async with await Store.open(url) as store:
            return await search(store, asked, clock=SystemClock(), progress=progress)

    return asyncio.run(run())


@dataclass
class Counted:
    """Counts evaluations; stops the search, as a kill would, once there were so many."""

    most: int | None = None
    evaluations: int = 0
    kept: int = 0

    def begins(self, strategy: str, total: int, kept: int) -> None:  # noqa: ARG002 - as it is told
        self.kept = kept

    def advances(self, evaluations: int) -> None:
        self.evaluations += evaluations
        if self.most is not None and self.evaluations >= self.most:
            raise Killed


class Killed(BaseException):
    """What no code catches."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("method", SearchMethod)
def test_a_planted_optimum_is_found_and_holds(sqlite_url: str, seed: int, method: SearchMethod) -> None:
    bars = a_walk_that_follows(3000, seed, 8, 32)
    asked = wanted(bars, ranges=PLANTED, settings=CHEAP, method=method, trials=24, seed=1)

    report = found(sqlite_url, asked)

    assert report.best is not None
    assert report.best.parameters == {"fast": 8, "slow": 32}
    assert (report.verdict.outcome, report.verdict.findings) == (Outcome.HOLDS, [])
    assert report.tried == {SearchMethod.GRID: 27, SearchMethod.TPE: 24}[method]


def test_what_is_planted_earns_out_of_the_samples_too(sqlite_url: str) -> None:
    bars = a_walk_that_follows(3000, 0, 8, 32)

    report = found(sqlite_url, wanted(bars, ranges=PLANTED, settings=CHEAP, walk=WalkForward(folds=4, ratio=3)))

    assert report.verdict.outcome is Outcome.HOLDS
    assert (report.out_of_sample["return_fraction"] or 0) > 0.5
    folds = [1 + (fold.out_of_sample["return_fraction"] or 0) for fold in report.folds]
    assert np.prod(folds) == pytest.approx(1 + (report.out_of_sample["return_fraction"] or 0))
    assert report.equity[-1][1] == pytest.approx(report.out_of_sample["final_equity"])


ONE_SERIES = [one for one in BUILT_IN if one.series == 1]


@pytest.mark.parametrize("strategy", ONE_SERIES)
def test_a_random_walk_is_overfit_whatever_the_best_shows(sqlite_url: str, strategy: type[Strategy]) -> None:
    """Without costs, which would only make it lose."""
    for seed in range(3):
        bars = a_walk(1000, 100 + seed)
        report = found(sqlite_url, wanted(bars, strategy, settings=FREE))
        walked = found(sqlite_url, wanted(bars, strategy, settings=FREE, walk=WalkForward()))
        assert report.verdict.outcome is Outcome.OVERFIT, (seed, report.verdict)
        assert Finding.DEFLATED_SHARPE_LOW in report.verdict.findings or Finding.NO_PROFIT in report.verdict.findings
        assert not walked.verdict.recommends, (seed, walked.verdict)


def test_too_little_is_not_called_proven(sqlite_url: str) -> None:
    bars = a_walk_that_follows(3000, 0, 8, 32)

    one = found(sqlite_url, wanted(bars, ranges=("fast=8", "slow=32"), settings=CHEAP)).verdict
    few = found(sqlite_url, wanted(bars.cut(0, 600), ranges=PLANTED, settings=CHEAP)).verdict

    assert (one.outcome, one.findings) == (Outcome.UNPROVEN, [Finding.NOTHING_TO_CHOOSE_FROM])
    assert not few.recommends
    assert Finding.TOO_FEW_TRADES in few.findings


@pytest.mark.parametrize("method", SearchMethod)
@pytest.mark.parametrize("walk", [None, WalkForward(folds=2)])
@pytest.mark.parametrize("most", [1, 9])
def test_a_search_that_was_stopped_is_gone_on_with_to_the_same_end(
    sqlite_url: str, tmp_path: object, method: SearchMethod, walk: WalkForward | None, most: int
) -> None:
    asked = wanted(a_walk(600, 7), ranges=PLANTED, method=method, trials=14, walk=walk)
    whole = found(f"sqlite:///{tmp_path}/other.db", asked)
    stopped, again, third = Counted(most), Counted(), Counted()

    with pytest.raises(Killed):
        found(sqlite_url, asked, stopped)
    resumed = found(sqlite_url, asked, again)
    repeated = found(sqlite_url, asked, third)

    told = {"kept_before", "seconds"}
    assert resumed.model_dump(exclude=told) == whole.model_dump(exclude=told) == repeated.model_dump(exclude=told)
    assert resumed.kept_before == stopped.evaluations
    assert (whole.kept_before, repeated.kept_before) == (0, whole.tried)


def test_every_combination_is_kept_on_either_store(store_url: str) -> None:
    asked = wanted(a_walk(300, 7), ranges=PLANTED)
    report = found(store_url, asked)
    found(store_url, replace(asked, objective="sortino"))

    async def look() -> tuple[list[str], int]:
        async with await Store.open(store_url) as store:
            kept = await studies(store, limit=9)
            return [study.study_id for study, _ in kept], len(await trials_of(store, report.study_id))

    ids, kept = asyncio.run(look())
    assert kept == report.tried == 27
    assert len(ids) == 2
    assert report.study_id in ids


@dataclass(frozen=True)
class Failing(Strategy):
    """Fails for some of its parameters."""

    name: ClassVar[str] = "failing"
    size: int = parameter(1, 1, 9, "what it fails at from 3 on", sweep=(1, 2, 3))

    def signals(self, bars: Bars) -> Signals:
        return Signals.of(np.zeros(len(bars), np.int8)[: None if self.size < 3 else 1])


def test_a_strategy_that_looks_ahead_or_fails_is_refused(sqlite_url: str) -> None:
    bars = a_walk(300, 1)

    with pytest.raises(LooksAhead, match="ahead: looks ahead: at 20"):
        found(sqlite_url, wanted(bars, Ahead))
    with pytest.raises(ConfigError, match="failing: made 1 signals of 300 bars"):
        found(sqlite_url, wanted(bars, Failing))


def test_yes_and_no_that_cost_less_than_a_dollar_now_and_then_are_bought(sqlite_url: str) -> None:
    chance = np.random.default_rng(1)
    yes = np.clip(0.5 + np.cumsum(chance.normal(0, 0.002, 2000)), 0.2, 0.8)
    off = np.where(chance.random(2000) < 0.05, chance.uniform(0.02, 0.06, 2000), 0.0)
    series = tuple(bars_of(prices) for prices in (np.repeat(yes, 2), np.repeat(1 - yes - off, 2)))

    report = found(sqlite_url, replace(wanted(series[0], Polymarket), series=series, settings=CHEAP))

    assert report.best is not None
    assert report.best.metrics["win_rate"] == 1
    assert report.verdict.outcome is Outcome.HOLDS


@dataclass(frozen=True)
class Sometimes(Strategy):
    """Looks ahead where it is told to, which a check of its first combination does not show."""

    name: ClassVar[str] = "sometimes"
    ahead: int = parameter(0, 0, 3, "bars it looks ahead", sweep=(0, 1))

    def signals(self, bars: Bars) -> Signals:
        later = np.roll(bars.close, -self.ahead)
        before = np.concatenate((bars.close[:1], bars.close[:-1])) if not self.ahead else bars.close
        return Signals.of((later > before).astype(np.int8), later < before)


def test_the_best_is_checked_as_well(sqlite_url: str) -> None:
    with pytest.raises(LooksAhead, match="sometimes: looks ahead"):
        found(sqlite_url, wanted(a_walk(300, 1), Sometimes))
