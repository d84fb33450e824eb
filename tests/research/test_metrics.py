"""Metrics, held against a well-kept library and against what can be counted by hand."""

import math

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.bars import Bars
from research.curve import YEAR_SECONDS, Curve, Undefined, curve
from research.engine import run, run_portfolio
from research.metrics import buy_and_hold, measure
from research.settings import AtEnd, BacktestSettings
from research.signals import Signals
from tests.research.markets import Case, a_market, cases


def a_curve(returns: list[float], step: int = 3600, initial: float = 1000.0) -> Curve:
    equity = initial * np.cumprod(1 + np.array(returns))
    return curve(equity, np.arange(len(returns)) * step, step, initial)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-0.5, 0.5).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=2, max_size=60),
    st.sampled_from([60, 3600, 86_400]),
)
def test_figures_of_a_curve_are_those_of_empyrical(returns: list[float], step: int) -> None:
    ours, periods, series = a_curve(returns, step), YEAR_SECONDS / step, np.array(returns)

    assert ours.return_fraction == pytest.approx(empyrical.cum_returns_final(series), abs=1e-12)
    assert ours.drawdown_fraction == pytest.approx(-empyrical.max_drawdown(series), abs=1e-12)
    if ours.sharpe is not None and series.std() > 1e-9:
        assert ours.sharpe == pytest.approx(empyrical.sharpe_ratio(series, annualization=periods), rel=1e-6)
    if ours.sortino is not None:
        assert ours.sortino == pytest.approx(empyrical.sortino_ratio(series, annualization=periods), rel=1e-6, abs=1e-9)
    if ours.cagr_fraction is not None and math.isfinite(ours.cagr_fraction):
        expected = empyrical.annual_return(series, annualization=periods)
        assert ours.cagr_fraction == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_drawdown_lasts_from_its_peak_until_it_is_made_up_for_or_to_the_end() -> None:
    made_up = a_curve([0.1, -0.1, 0.05, 0.2, -0.01], step=60)
    lasting = a_curve([0.1, -0.1, 0.01, 0.01, 0.01], step=60)

    assert (made_up.drawdown_seconds, lasting.drawdown_seconds) == (180, 240)
    assert made_up.drawdown_fraction == pytest.approx(0.1)


def test_what_is_not_defined_says_why_and_is_not_zero() -> None:
    steady = a_curve([0.01, 0.01, 0.01])
    ruined = a_curve([-0.5, -1.2])

    assert (steady.sharpe, steady.sortino) == (None, None)
    assert steady.undefined == {"sharpe": Undefined.NO_DEVIATION, "sortino": Undefined.NO_FALL}
    assert (ruined.cagr_fraction, ruined.sharpe) == (None, None)
    assert set(ruined.undefined.values()) == {Undefined.NOTHING_LEFT}
    assert a_curve([0.1]).undefined["sharpe"] is Undefined.TOO_SHORT


def bars_of(*closes: float) -> Bars:
    rows = np.array([[c, c, c, c] for c in closes], dtype=float)
    return a_market("A", np.arange(len(closes)) * 3600, rows, np.ones(len(closes)), 3600)


FREE = BacktestSettings(fee_fraction=0, slippage_fraction=0, initial_cash=100)


def test_trades_are_counted_by_hand() -> None:
    bars = bars_of(10, 10, 20, 20, 10, 10)  # bought at 10, sold at 20, bought at 20, sold at 10
    signals = Signals.of([1, 0, 1, 0, 0, 0], np.array([0, 1, 0, 1, 0, 0], bool))

    metrics = measure(run(bars, signals, FREE))

    assert metrics.trades == 2
    assert metrics.win_rate == 0.5
    assert metrics.profit_factor == pytest.approx(1.0)
    assert metrics.expectancy_quote == pytest.approx(0)
    assert metrics.expectancy_fraction == pytest.approx(0.25)
    assert metrics.exposure_fraction == pytest.approx(4 / 6)
    assert metrics.turnover == pytest.approx((100 + 200 + 200 + 100) / ((100 * 4 + 200 * 2) / 6))
    assert (metrics.fees_quote, metrics.final_equity, metrics.return_fraction) == (0, 100, 0)
    assert metrics.buy_and_hold.return_fraction == pytest.approx(0)


def test_a_run_without_trades_and_one_without_a_loss_say_so() -> None:
    bars = bars_of(10, 11, 12, 13)

    idle = measure(run(bars, Signals.of([0, 0, 0, 0]), FREE))
    lucky = measure(run(bars, Signals.of([1, 0, 0, 0]), FREE))

    assert (idle.win_rate, idle.profit_factor, idle.expectancy_quote) == (None, None, None)
    assert idle.undefined["win_rate"] is Undefined.NO_TRADES
    assert (lucky.win_rate, lucky.profit_factor) == (1.0, None)
    assert lucky.undefined["profit_factor"] is Undefined.NO_LOSS


def test_buy_and_hold_pays_for_both_sides_and_waits_for_a_symbol_that_comes_later() -> None:
    costly = BacktestSettings(initial_cash=200, fee_fraction=0.1, slippage_fraction=0)
    first = a_market("A", np.arange(3) * 60, np.full((3, 4), 10.0), np.ones(3), 60)
    later = a_market("B", np.arange(1, 4) * 60, np.full((3, 4), 10.0), np.ones(3), 60)
    quiet = Signals.of([0, 0, 0])

    equity = buy_and_hold(run_portfolio([(first, quiet), (later, quiet)], costly))

    bought, sold = 100 / 1.1, 100 / 1.1 * 0.9
    assert equity.tolist() == pytest.approx([bought + 100, bought * 2, sold + bought, sold * 2])


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_figures_of_any_run_add_up(case: Case) -> None:
    result = run_portfolio(case.markets, case.settings, finer=case.finer)
    metrics, trades = measure(result), result.trades

    assert metrics.final_equity == pytest.approx(case.settings.initial_cash + trades["pnl"].sum(), rel=1e-9, abs=1e-9)
    assert metrics.fees_quote == pytest.approx(trades["entry_fee"].sum() + trades["exit_fee"].sum())
    assert sum(result.unfilled.values()) + len(trades) == sum(np.count_nonzero(s.entry) for _, s in case.markets)
    assert min(result.unfilled.values(), default=1) > 0
    assert result.exposed_bars == len({row for t in trades for row in range(t["entry_bar"], t["exit_bar"] + 1)})
    assert all(getattr(metrics, name) is None for name in metrics.undefined)
    assert (result.open_trades == 0) or case.settings.at_end is AtEnd.MARK or not case.settings.fills_without_volume
