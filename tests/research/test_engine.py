"""The kernels against a slow engine written from the same rules, and against the rule that judges live exits."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import ConfigError
from models.exits import ExitLimits
from research.bars import Bars
from research.engine import run, run_portfolio
from research.result import Left, Result, Unfilled
from research.settings import BacktestSettings, Limits
from research.signals import Signals
from rules.exits import judge_exit, peak_of
from tests.research.markets import STEP, Case, a_market, cases
from tests.research.reference import Reference

thorough = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def assert_same(result: Result, reference: Reference) -> None:
    book, cash = reference.book, result.settings.initial_cash
    near = {"rel_tol": 1e-9, "abs_tol": 1e-9 * cash}
    assert len(result.trades) == len(book.trades)
    for ours, exact in zip(result.trades, book.trades, strict=True):
        assert (int(ours["symbol"]), int(ours["side"]), bool(ours["open"])) == (exact.symbol, exact.side, exact.open)
        assert (int(ours["entry_bar"]), int(ours["exit_bar"])) == (exact.entry_bar, exact.exit_bar)
        assert tuple(Left)[ours["reason"]] == exact.reason
        assert math.isclose(ours["entry_price"], exact.entry_price, rel_tol=1e-12)
        assert math.isclose(ours["exit_price"], exact.exit_price, rel_tol=1e-11)
        assert math.isclose(ours["quantity"], exact.quantity, rel_tol=1e-9)
        assert math.isclose(ours["entry_fee"] + ours["exit_fee"], exact.fees, **near)
        assert math.isclose(ours["pnl"], exact.pnl, **near)
        assert (ours["entry_time"], ours["exit_time"]) == tuple(result.time[[exact.entry_bar, exact.exit_bar]])
    assert result.time.tolist() == reference.times
    for ours, exact in zip(result.equity, book.equity, strict=True):
        assert math.isclose(ours, exact, **near)
    for why in set(Unfilled) - {Unfilled.HELD_ALREADY, Unfilled.LAST_BAR}:  # these two are told by the signals alone
        assert result.unfilled.get(why, 0) == book.counts[why]
    assert result.ambiguous_bars == book.counts["ambiguous"]
    assert result.resolved_bars == book.counts["resolved"]
    assert result.cut_entries == book.counts["cut"]


@thorough
@given(cases(most_symbols=1))
def test_one_symbol_is_traded_as_on_paper(case: Case) -> None:
    (bars, signals), finer = case.markets[0], case.finer.get("A")

    assert_same(run(bars, signals, case.settings, finer=finer), Reference(case.markets, case.settings, case.finer))


@thorough
@given(cases())
def test_several_symbols_are_traded_as_on_paper(case: Case) -> None:
    result = run_portfolio(case.markets, case.settings, finer=case.finer)

    assert_same(result, Reference(case.markets, case.settings, case.finer))


ticks = st.lists(st.integers(60, 140), min_size=3, max_size=40)
limits = st.builds(
    ExitLimits,
    *[st.none() | st.sampled_from([Decimal(x) for x in ("0", "0.01", "0.03", "0.05", "0.08", "0.2")])] * 3,
    st.none() | st.sampled_from([timedelta(0), timedelta(minutes=5), timedelta(minutes=90)]),
)


@settings(max_examples=200, deadline=None)
@given(ticks, limits, st.sampled_from(["0", "0.001", "0.05"]))
def test_the_rule_that_judges_live_exits_and_the_kernel_see_the_same_ticks_and_leave_alike(
    prices: list[int], told: ExitLimits, slippage: str
) -> None:
    exact = [Decimal(price) for price in prices]
    bars = a_market("A", np.arange(len(prices)) * 60, np.array([[p] * 4 for p in prices]), np.ones(len(prices)), 60)
    entered = Signals.of([1, *[0] * (len(prices) - 1)])

    result = run(bars, entered, BacktestSettings(slippage_fraction=float(slippage), limits=Limits.from_policy(told)))

    entry, peak, first = exact[1] * (1 + Decimal(slippage)), None, datetime.fromtimestamp(60, UTC)
    expected = (len(prices) - 1, "end_of_data")
    for at, price in enumerate(exact[1:], start=1):
        now = datetime.fromtimestamp(at * 60, UTC)
        if judged := judge_exit(price, entry_price=entry, peak_price=peak, first_seen_at=first, now=now, limits=told):
            expected = (at, judged.reason.value)
            break
        peak = peak_of(peak, price, entry)
    (trade,) = result.trades
    assert (int(trade["exit_bar"]), tuple(Left)[trade["reason"]].value) == expected
    assert result.ambiguous_bars == 0


def rows(*bars: tuple[float, float, float, float]) -> Bars:
    return a_market("A", np.arange(len(bars)) * STEP, np.array(bars, dtype=float), np.ones(len(bars)), STEP)


FLAT = (100.0, 100.0, 100.0, 100.0)
FREE = {"fee_fraction": 0.0, "slippage_fraction": 0.0}


def the_trade(result: Result) -> tuple[int, int, float, str]:
    (trade,) = result.trades
    return (
        int(trade["entry_bar"]),
        int(trade["exit_bar"]),
        float(trade["exit_price"]),
        tuple(Left)[trade["reason"]].value,
    )


def test_a_gap_over_the_stop_is_filled_at_the_open_and_so_is_one_over_the_target() -> None:
    both = BacktestSettings(**FREE, limits=Limits(stop_loss_fraction=0.05, take_profit_fraction=0.05))
    long = Signals.of([1, 0, 0, 0])

    down = run(rows(FLAT, FLAT, (80, 90, 70, 85), FLAT), long, both)
    up = run(rows(FLAT, FLAT, (130, 140, 120, 125), FLAT), long, both)

    assert the_trade(down) == (1, 2, 80.0, "stop_loss")
    assert the_trade(up) == (1, 2, 130.0, "take_profit")
    assert (down.ambiguous_bars, up.ambiguous_bars) == (0, 0)


def test_stop_and_target_in_one_bar_are_the_stop_unless_finer_bars_tell_otherwise() -> None:
    both = BacktestSettings(**FREE, limits=Limits(stop_loss_fraction=0.05, take_profit_fraction=0.05))
    bars, long = rows(FLAT, FLAT, (100, 110, 90, 100)), Signals.of([1, 0, 0])
    inside = np.array([(100, 110, 100, 108), (108, 108, 90, 100)], dtype=float)
    finer = a_market("A", 2 * STEP + np.array([0, STEP // 2]), inside, np.ones(2), STEP // 2)

    guessed, told = run(bars, long, both), run(bars, long, both, finer=finer)

    assert (*the_trade(guessed), guessed.ambiguous_bars) == (1, 2, 95.0, "stop_loss", 1)
    assert (*the_trade(told), told.ambiguous_bars, told.resolved_bars) == (1, 2, 105.0, "take_profit", 0, 1)


def test_a_limit_that_is_touched_holds_on() -> None:
    limit = BacktestSettings(**FREE, limits=Limits(stop_loss_fraction=0.03, take_profit_fraction=0.08))

    result = run(rows(FLAT, FLAT, (100, 108, 97, 100), FLAT), Signals.of([1, 0, 0, 0]), limit)

    assert the_trade(result) == (1, 3, 100.0, "end_of_data")


def test_a_position_is_left_and_another_one_opened_at_the_same_open() -> None:
    result = run(rows(FLAT, FLAT, FLAT, FLAT), Signals.of([1, 1, -1, 0], np.array([0, 1, 0, 0], bool)))

    assert [(t["side"], t["entry_bar"], t["exit_bar"]) for t in result.trades] == [(1, 1, 2), (1, 2, 3), (-1, 3, 3)]


def test_a_short_position_that_a_gap_takes_past_all_it_put_up_leaves_less_than_nothing() -> None:
    result = run(rows(FLAT, FLAT, (350, 350, 350, 350), FLAT), Signals.of([-1, 0, 1, 0]), BacktestSettings(**FREE))

    assert the_trade(result) == (1, 2, 350.0, "liquidated")
    assert result.final_equity == pytest.approx(-15_000)
    assert result.unfilled == {Unfilled.NO_CASH: 1}


def test_what_the_cash_does_not_pay_for_is_cut_and_said() -> None:
    result = run(rows(FLAT, FLAT, FLAT), Signals.of([1, 0, 0]), BacktestSettings(slippage_fraction=0))

    assert result.trades[0]["quantity"] * 100 * 1.002 == pytest.approx(10_000)
    assert result.cut_entries == 1


def test_signals_at_the_first_and_at_the_last_bar() -> None:
    result = run(rows(FLAT, FLAT, FLAT), Signals.of([1, 0, -1]), BacktestSettings(**FREE))

    assert the_trade(result) == (1, 2, 100.0, "end_of_data")
    assert result.unfilled == {Unfilled.LAST_BAR: 1}


def test_signals_for_other_bars_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 of them for 3 bars"):
        run(rows(FLAT, FLAT, FLAT), Signals.of([1, 0]))


@thorough
@given(cases(most_symbols=1), st.integers(2, 24))
def test_what_comes_later_changes_nothing_that_was(case: Case, known: int) -> None:
    (bars, signals), finer = case.markets[0], case.finer.get("A")
    known = min(known, len(bars))
    before = Signals.of(signals.entry[:known], signals.exit[:known])

    early = run(bars.cut(0, known), before, case.settings, finer=finer)
    later = run(bars, signals, case.settings, finer=finer)

    assert early.equity[: known - 1].tolist() == later.equity[: known - 1].tolist()
    done = [trade for trade in later.trades if trade["exit_bar"] < known - 1]
    assert done == [trade for trade in early.trades if trade["exit_bar"] < known - 1]
