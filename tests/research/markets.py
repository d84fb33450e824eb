"""Hypothesis strategies for what is traded: bars with gaps and touches, signals, settings, finer bars."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from models.sizing import SizingMethod
from research.bars import Bars
from research.settings import AtEnd, BacktestSettings, Limits, Sizing
from research.signals import Signals

STEP, PARTS = 240, 4  # seconds of a bar, and how many finer bars are in one
MOST = 24  # bars
SCALES = (1.0, 0.01, 1e-8, 1e6)
FRACTIONS = st.none() | st.sampled_from([0.0, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0])


@dataclass(frozen=True)
class Case:
    """One thing to test."""

    markets: list[tuple[Bars, Signals]]
    settings: BacktestSettings
    finer: dict[str, Bars]


def finer_rows(rng: np.random.Generator) -> np.ndarray:
    """Return rows of open, high, low, close in ticks: mostly where the last one closed, at times far off."""
    rows, price, lively = [], int(rng.integers(80, 120)), int(rng.integers(1, 13))
    for _ in range(MOST * PARTS):
        if rng.random() < 0.06:
            price = max(1, price * int(rng.choice([50, 90, 95, 100, 105, 110, 150, 300])) // 100)
        first, last = price, max(1, price + int(rng.integers(-lively, lively + 1)))
        up, down = rng.integers(0, lively + 1, 2)
        rows.append((first, max(first, last) + up, max(1, min(first, last) - down), last))
        price = last
    return np.array(rows)


@st.composite
def market(draw: st.DrawFn, symbol: str) -> tuple[Bars, Signals, Bars | None]:
    """Return a symbol's bars, its signals, and at times the finer bars they are made of, or others.

    A seed makes as much as there can be and a part of it is taken, so that fewer bars are the same ones.
    """
    rng, count = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(2, MOST))
    scale, parts = draw(st.sampled_from(SCALES)), finer_rows(rng)
    by_bar = parts.reshape(MOST, PARTS, 4)
    rows = np.stack([by_bar[:, 0, 0], by_bar[:, :, 1].max(1), by_bar[:, :, 2].min(1), by_bar[:, -1, 3]], axis=1)
    there = rng.random(MOST) < draw(st.sampled_from([1.0, 0.8]))
    there[:2] = True
    volume = (rng.random(MOST) < draw(st.sampled_from([1.0, 0.8]))).astype(int)
    bars = a_market(symbol, np.flatnonzero(there) * STEP, rows[there] * scale, volume[there], STEP).cut(0, count)
    entry = rng.choice([0, 0, 1, -1], MOST)[: len(bars)]
    leave = (rng.integers(1, 4, MOST) * (rng.random(MOST) < draw(st.sampled_from([0.0, 0.3]))))[: len(bars)]
    finer = None
    if draw(st.booleans()):
        kept, air = rng.random((2, MOST * PARTS)) < draw(st.sampled_from([1.0, 0.95]))
        kept[:2] = True
        times = np.arange(len(parts)) * (STEP // PARTS)
        finer = a_market(symbol, times[kept], parts[kept] * scale, air[kept].astype(int), STEP // PARTS)
    return bars, Signals.of(entry, leave), finer


def a_market(symbol: str, times: np.ndarray, rows: np.ndarray, volume: np.ndarray, step: int) -> Bars:
    """Return bars from rows of open, high, low, close, to ten digits."""
    opens, highs, lows, closes = (np.array([float(f"{x:.10g}") for x in column]) for column in rows.T)
    return Bars.of(
        symbol, times, open=opens, high=highs, low=lows, close=closes, volume=volume, step_seconds=step, gaps="keep"
    )


sizes = st.one_of(
    st.none(),
    st.sampled_from([50.0, 400.0, 5000.0]).map(Sizing.of_quote),
    st.sampled_from([0.1, 0.5, 1.0]).map(Sizing.of_equity),
    st.builds(
        Sizing,
        quote=st.sampled_from([100.0, 700.0]),
        method=st.sampled_from(SizingMethod),
        most_fraction=st.sampled_from([0.2, 0.7]),
        periods=st.integers(2, 6),
    ),
)

settings = st.builds(
    BacktestSettings,
    initial_cash=st.sampled_from([1000.0, 1e-3, 1e9]),
    fee_fraction=st.sampled_from([0.0, 0.002, 0.05]),
    slippage_fraction=st.sampled_from([0.0, 0.001, 0.02]),
    max_positions=st.integers(1, 3),
    sizing=sizes,
    limits=st.builds(
        Limits,
        stop_loss_fraction=FRACTIONS,
        take_profit_fraction=FRACTIONS,
        trailing_stop_fraction=FRACTIONS,
        longest_hold_seconds=st.none() | st.sampled_from([0, STEP, 3 * STEP + 1]),
    ),
    allow_short=st.integers(0, 3).map(bool),
    minimum_quote=st.sampled_from([0.0, 60.0]),
    fills_without_volume=st.booleans(),
    at_end=st.sampled_from(AtEnd),
)


@st.composite
def cases(draw: st.DrawFn, most_symbols: int = 3) -> Case:
    """Return one to several markets under one setting."""
    made = [draw(market(name)) for name in "ABC"[: draw(st.integers(1, most_symbols))]]
    finer = {bars.symbol: detail for bars, _, detail in made if detail is not None}
    return Case([(bars, signals) for bars, signals, _ in made], draw(settings), finer)
