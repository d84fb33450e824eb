"""How often a search calls luck a find: random walks without costs, searched with the sweeps that strategies suggest.

Run: .venv/bin/python benchmarks/luck.py [WALKS]   (150 of each kind and strategy take some four minutes)
"""

import sys
from itertools import product

import numpy as np

from models.search_report import Verdict
from research.bars import Bars
from research.evaluate import Bench, Window, together
from research.registry import found
from research.settings import BacktestSettings
from research.space import space_of
from research.summary import searched
from research.verdict import FEWEST_TRADES

BARS, HOUR = 2000, 3600
STRATEGIES = ("sma-cross", "momentum", "breakout", "bollinger")
FREE = BacktestSettings(fee_fraction=0, slippage_fraction=0)


def normal(chance: np.random.Generator) -> np.ndarray:
    """Return moves of one spread."""
    return chance.normal(-5e-5, 0.01, BARS)


def fat(chance: np.random.Generator) -> np.ndarray:
    """Return moves with fat tails (Student's t, 3 degrees) whose spread comes in clusters."""
    spread = np.exp(np.convolve(chance.normal(0, 0.3, BARS + 50), np.ones(50) / 7, mode="valid")[:BARS])
    return np.clip(chance.standard_t(3, BARS) * 0.005 * spread, -0.3, 0.3)


def walk(moves: np.ndarray) -> Bars:
    """Return bars that open where the one before closed."""
    close = 100 * np.exp(np.cumsum(moves))
    opened = np.concatenate((close[:1], close[:-1]))
    ends = {"high": np.maximum(opened, close), "low": np.minimum(opened, close)}
    return Bars.of("WALK", HOUR * np.arange(BARS), open=opened, close=close, **ends, volume=np.ones(BARS))


def judged(bars: Bars, name: str) -> Verdict:
    """Return the verdict of a search."""
    space = space_of(found().named(name))
    bench = Bench(bars, FREE, "sharpe")
    trials = together(lambda one: bench.trials(one, [Window(0, 0, BARS)])[0], list(space.combinations()))
    verdict = searched(bench, space, trials)["verdict"]
    assert isinstance(verdict, Verdict)
    return verdict


def main(walks: int) -> None:
    """Print how many walks would pass at several bounds."""
    for kind in (normal, fat):
        verdicts = [
            judged(walk(kind(np.random.default_rng(1000 + seed))), name)
            for name, seed in product(STRATEGIES, range(walks))
        ]
        held = sum(verdict.recommends for verdict in verdicts)
        print(f"{kind.__name__}: {held} of {len(verdicts)} walks hold")
        for deflated, pbo in product((0.95, 0.99), (0.2, 0.4, 0.5)):
            passed = sum(
                (v.deflated_sharpe or 0) >= deflated and (v.pbo or 0) <= pbo and v.trades >= FEWEST_TRADES
                for v in verdicts
            )
            print(f"  deflated Sharpe ratio from {deflated:.0%} on, PBO up to {pbo:.0%}: {passed}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
