"""Prices for tests of research: a random walk that is always the same, and one with an optimum planted in it."""

import numpy as np

from research.bars import Bars

HOUR = 3600
BEGIN = 1_700_000_000 // HOUR * HOUR


def bars_of(closes: "np.ndarray", symbol: str = "BTC/USDT", begin: int = BEGIN) -> Bars:
    """Return hourly bars that open where the one before closed."""
    closes = np.asarray(closes, dtype=np.float64)
    opens = np.concatenate((closes[:1], closes[:-1]))
    return Bars.of(
        symbol,
        begin + HOUR * np.arange(len(closes)),
        open=opens,
        high=np.maximum(opens, closes),
        low=np.minimum(opens, closes),
        close=closes,
        volume=np.full(len(closes), 10.0),
        step_seconds=HOUR,
    )


def a_walk(count: int, seed: int, spread: float = 0.01) -> Bars:
    """Return prices without any pattern."""
    moves = np.random.default_rng(seed).normal(0, spread, count)
    return bars_of(100 * np.exp(np.cumsum(moves - spread**2 / 2)))


def a_trend_that_turns(count: int, seed: int, *, run: int = 60, drift: float = 0.004, spread: float = 0.01) -> Bars:
    """Return prices that go one way for about `run` bars, then the other: what follows them at that pace earns."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(run // 2, run * 3 // 2, count // run * 2 + 2)
    ways = np.repeat(np.where(np.arange(len(lengths)) % 2 == 0, 1.0, -1.0), lengths)[:count]
    return bars_of(100 * np.exp(np.cumsum(ways * drift + chance.normal(0, spread, count) - spread**2 / 2)))


def a_walk_that_follows(count: int, seed: int, fast: int, slow: int, *, drift: float = 0.006) -> Bars:
    """Return prices that rise while the mean of `fast` closes is above that of `slow` ones, and fall while it is below.

    So a cross of just these two averages is what earns most.
    """
    chance = np.random.default_rng(seed)
    moves = chance.normal(0, 0.01, count)
    turned = np.where(chance.random(count) < 1 / 60, -1.0, 1.0)  # else it would rise for ever
    closes = np.empty(count)
    closes[:slow] = 100 * np.exp(np.cumsum(moves[:slow]))
    for at in range(slow, count):
        is_up = closes[at - fast : at].mean() > closes[at - slow : at].mean()
        push = drift if is_up else -drift
        shock = 0.12 * np.sign(-push) if turned[at] < 0 else 0.0
        closes[at] = closes[at - 1] * np.exp(push + shock + moves[at])
    return bars_of(closes)
