"""Sizes, averages and grids: what is fast is what the slow rules say."""

import threading
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ConfigError
from models.sizing import SizingMethod
from research.bars import Bars
from research.engine import run
from research.grid import cross, cross_grid, run_grid
from research.kernel import compiled as keeping
from research.kernel.one import simulate
from research.kernel.terms import TRADE
from research.settings import BacktestSettings, Sizing
from research.signals import Signals
from research.sizes import factors, volatilities
from research.strategies.sma_cross import SmaCross
from rules.sizing import by_inverse_volatility, by_tiers
from rules.volatility import volatility
from tests.research.markets import a_market


def a_walk(closes: np.ndarray) -> Bars:
    count = len(closes)
    rows = np.stack([closes] * 4, axis=1)
    return a_market("A", np.arange(count) * 60, rows, np.ones(count), 60)


def wandering(seed: int, count: int = 3000, decimals: int = 10) -> Bars:
    return a_walk(np.round(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, count))), decimals))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=2, max_size=40), st.integers(2, 21))
def test_volatility_and_the_size_by_it_are_those_of_the_rules(closes: list[float], periods: int) -> None:
    bars = a_walk(np.array(closes))
    found = volatilities(bars.close, periods)
    sizes = {
        method: factors(bars, Sizing(quote=100, method=method, periods=periods, most_fraction=0.2))
        for method in SizingMethod
    }

    for at in range(len(closes)):
        known = volatility(bars.close[: at + 1].tolist(), periods).value
        if known is None:
            assert np.isnan(found[at])
        else:
            assert found[at] == pytest.approx(known, rel=1e-9, abs=1e-12)
        exact = None if known is None else Decimal(known)
        tiers = by_tiers(Decimal(100), exact).value
        inverse = by_inverse_volatility(Decimal(100), exact, base_volatility=Decimal("0.1"), most=Decimal(2000)).value
        if known is None or min(abs(known - edge) for edge in (0.02, 0.1)) > 1e-9:
            assert 100 * sizes[SizingMethod.TIERS][at] == pytest.approx(float(tiers))
        if known is None or known > 1e-9:
            assert min(100 * sizes[SizingMethod.INVERSE_VOLATILITY][at], 2000) == pytest.approx(float(inverse))


@pytest.mark.parametrize("decimals", [10, 1])
def test_crosses_are_those_of_the_strategy(decimals: int) -> None:
    bars = wandering(3, decimals=decimals)  # prices of one decimal make averages that are equal for real

    for fast, slow in ((1, 2), (3, 10), (20, 50), (2999, 3000), (1, 5000)):
        assert cross(bars, fast, slow).tolist() == SmaCross(fast=fast, slow=slow).signals(bars).entry.tolist()


def test_a_grid_is_the_runs_one_by_one_in_their_order() -> None:
    bars, assumed = wandering(5), BacktestSettings()
    pairs = [(fast, slow) for fast in (3, 5, 8) for slow in (20, 40, 60)]
    one_by_one = [run(bars, Signals.of(cross(bars, *pair)), assumed) for pair in pairs]
    expected = [(len(result.trades), result.final_equity) for result in one_by_one]

    crossed = cross_grid(bars, assumed, pairs, lambda result: (len(result.trades), result.final_equity), workers=3)
    signals = (Signals.of(cross(bars, *pair)) for pair in pairs)
    general = run_grid(bars, assumed, signals, lambda result: (len(result.trades), result.final_equity), workers=2)

    assert crossed == general == expected
    assert len({trades for trades, _ in expected}) > 1


def test_a_grid_trades_beside_the_thread_that_asked() -> None:
    threads = set(cross_grid(wandering(5), BacktestSettings(), [(3, 9)] * 4, lambda _: threading.get_ident()))

    assert threading.get_ident() not in threads


def test_a_grid_refuses_averages_that_cannot_cross() -> None:
    with pytest.raises(ConfigError, match="lengths of 9 and 9"):
        cross_grid(wandering(5), BacktestSettings(), [(3, 9), (9, 9)], len)


def test_more_trades_than_the_table_was_made_for_are_all_there() -> None:
    bars = wandering(6)
    always = Signals.of(np.where(np.arange(len(bars)) % 2 == 0, 1, -1))

    result = run(bars, always, BacktestSettings(fee_fraction=0, slippage_fraction=0))

    assert result.trades.dtype == TRADE
    assert result.trades["entry_bar"].tolist() == list(range(1, len(bars)))


def test_a_kernel_is_kept_under_the_text_of_its_whole_folder(tmp_path: Path) -> None:
    folder = Path(keeping.__file__).parent
    copy = tmp_path / "kernel"
    copy.mkdir()
    for path in folder.glob("*.py"):
        (copy / path.name).write_bytes(path.read_bytes())

    assert simulate._cache._cache_file._source_stamp == keeping.stamp(folder) == keeping.stamp(copy)
    (copy / "path.py").write_text("changed")
    keeping.stamp.cache_clear()
    assert keeping.stamp(copy) != keeping.stamp(folder)


def test_where_nothing_can_be_kept_a_kernel_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # What numba does where neither the source's folder nor the user's cache can be written to.
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])

    @keeping.compiled
    def twice(number: float) -> float:
        return number * 2

    assert twice(2.5) == 5.0
